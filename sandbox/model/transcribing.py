"""Transcripts of the caller: written by another model, so they come late and at any time."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import msgspec

from sandbox.model import server_events as tell
from sandbox.model.items import Conversation, InputAudio, Message
from sandbox.model.sound import spaced_words
from sandbox.model.usage import transcription_usage


@dataclass(frozen=True, slots=True)
class _Pending:
    due: float
    item_id: str
    text: str
    audio_ms: int


class Transcriber:
    """Holds transcripts back for a random time in `delay_ms`; a later turn's may come first."""

    def __init__(self, conversation: Conversation, delay_ms: tuple[float, float], rng: random.Random) -> None:
        self._conversation = conversation
        self._delay_ms = delay_ms
        self._rng = rng
        self._pending: list[_Pending] = []

    @property
    def wake_at(self) -> float | None:
        """When the next transcript is due."""
        return min((pending.due for pending in self._pending), default=None)

    def add(self, item_id: str, text: str, audio_ms: int, now: float) -> None:
        """Begin to write down what an item says."""
        self._pending.append(_Pending(now + self._rng.uniform(*self._delay_ms), item_id, text, audio_ms))

    def wake(self, now: float) -> list[tell.ServerEvent]:
        """Return the transcripts that are due: each in two deltas, then whole."""
        due = sorted((p for p in self._pending if p.due <= now), key=lambda p: p.due)
        self._pending = [p for p in self._pending if p.due > now]
        return [event for pending in due for event in self._written(pending)]

    def _written(self, pending: _Pending) -> list[tell.ServerEvent]:
        self._store(pending)
        words = spaced_words(pending.text)
        half = len(words) // 2
        halves = ("".join(words[:half]), "".join(words[half:]))
        events: list[tell.ServerEvent] = [
            tell.TranscriptionDelta(item_id=pending.item_id, content_index=0, delta=part)
            for part in halves
            if part
        ]
        completed = tell.TranscriptionCompleted(
            item_id=pending.item_id,
            content_index=0,
            transcript=pending.text,
            usage=transcription_usage(pending.audio_ms, pending.text),
        )
        return [*events, completed]

    def _store(self, pending: _Pending) -> None:
        for entry in self._conversation.entries:
            if entry.item.id == pending.item_id and isinstance(entry.item, Message):
                said = msgspec.structs.replace(entry.item, content=(InputAudio(transcript=pending.text),))
                self._conversation.replace(replace(entry, item=said))
