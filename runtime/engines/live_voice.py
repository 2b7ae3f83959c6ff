"""What the agent says on a line that never falls silent: utterances, found in an endless stream of sound.

OpenAI: GPT-Live sends sound at the pace of real time, silence included, and knows no turns and no items. A
call does: an utterance is what is played, marked, cut and written down. So one begins here with the first
sound after a silence, and ends when it has been silent for as long as the words of two turns lie apart.

Silence is passed on for as long as a breath takes, and no longer: nothing sounds like silence too. So a line
that was held up for a moment is late until the agent pauses, and no later. The silence right before a sound
is its head start: while the caller hears that, what comes a little late is still in time.
"""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass
from typing import Final

from runtime.call import events as ev
from runtime.call.hearing.loudness import is_audible
from runtime.call.playback.playhead import BYTES_PER_MS

FRAME: Final = 20 * BYTES_PER_MS
HEAD_START: Final = 100 * BYTES_PER_MS  # of silence before the first sound
BREATH_MS: Final = 300  # of silence that are passed on
END_MS: Final = 800  # of silence, after which an utterance is over
YIELD_MS: Final = 240  # of silence in an utterance: longer than between two words
EARLY_WORDS_MS: Final = 500  # by which words may stand before the sound that they belong to


@dataclass(slots=True)
class _Utterance:
    """`begin_ms` and `end_ms` are times of the session; `silent_ms` is how long it has been silent.

    `withheld` bytes of that have not been passed on.
    """

    item_id: str
    begin_ms: float
    silent_ms: float = 0
    end_ms: float = 0
    withheld: int = 0


class LiveVoice:
    """The agent's side of one session, whose name makes the ids. `at_ms` is how much sound has come."""

    __slots__ = ("_before", "_count", "_last", "_name", "_now", "_words", "at_ms", "silent_ms")

    def __init__(self, name: str) -> None:
        self.at_ms = 0.0
        self.silent_ms = 0.0
        """How long the agent has not been heard, whether or not an utterance is open."""
        self._name = name
        self._count = 0
        self._before = b""
        self._now: _Utterance | None = None
        self._last: _Utterance | None = None
        self._words: list[str] = []  # of an utterance whose sound is still to come

    @property
    def speaks(self) -> bool:
        """Whether an utterance is under way."""
        return self._now is not None

    @property
    def utterance(self) -> str:
        """The id of the utterance that is under way, empty when there is none."""
        return "" if self._now is None else self._now.item_id

    @property
    def pauses(self) -> bool:
        """Whether the agent has fallen silent in the middle of an utterance."""
        return self._now is not None and self._now.silent_ms >= YIELD_MS

    def hear(self, audio: bytes) -> list[ev.ModelEvent]:
        """Take the next sound (µ-law) and return what it means."""
        length = len(audio) / BYTES_PER_MS
        self.at_ms += length
        silent = _silence_at_end(audio)
        self.silent_ms = self.silent_ms + length if silent is None else silent
        events: list[ev.ModelEvent] = []
        if silent is not None:
            events += self._sound(audio)
        elif self._now is not None:
            events += self._be_silent(self._now, audio)
        if self._now is not None:
            self._now.silent_ms = self._now.silent_ms + length if silent is None else silent
            if self._now.silent_ms >= END_MS:
                events += self.end()
        self._before = (self._before + audio)[-HEAD_START:]
        return events

    def _sound(self, audio: bytes) -> list[ev.ModelEvent]:
        """Pass on what is to be heard, with the silence right before it."""
        events: list[ev.ModelEvent] = []
        if self._now is None:
            self._now = self._begin()
            events.append(ev.ResponseStarted(self._now.item_id))
            events += [ev.ModelWords(self._now.item_id, each) for each in self._words]
            self._words.clear()
        head_start = self._before[-self._now.withheld :] if self._now.withheld else b""
        self._now.withheld = 0
        return [*events, _audio(self._now, head_start + audio)]

    def _be_silent(self, utterance: _Utterance, audio: bytes) -> list[ev.ModelEvent]:
        if utterance.silent_ms < BREATH_MS:
            return [_audio(utterance, audio)]
        utterance.withheld += len(audio)
        return []

    def _begin(self) -> _Utterance:
        self._count += 1
        begin_ms = self.at_ms - len(self._before) / BYTES_PER_MS
        return _Utterance(f"{self._name}-{self._count}", begin_ms, withheld=len(self._before))

    def end(self) -> list[ev.ModelEvent]:
        """End the utterance that is under way, if there is one: the agent has said it to its end."""
        utterance = self._close()
        if utterance is None:
            return []
        return [ev.ModelAudioDone(utterance.item_id), ev.ResponseEnded(utterance.item_id, "completed")]

    def give_way(self) -> list[ev.ModelEvent]:
        """End the utterance that is under way, if there is one: the agent has stopped for the caller."""
        utterance = self._close()
        return [] if utterance is None else [ev.ResponseEnded(utterance.item_id, "cancelled")]

    def _close(self) -> _Utterance | None:
        utterance, self._now = self._now, None
        if utterance is not None:
            utterance.end_ms = self.at_ms
            self._last = utterance
        return utterance

    def say(self, words: str, start_ms: float) -> list[ev.ModelEvent]:
        """Take the next words, which are spoken at `start_ms`, and return whose they are.

        Words whose sound is still to come wait for it.
        """
        utterance = self._now
        last = self._last
        if last is not None and (
            start_ms < last.end_ms if utterance is None else start_ms < utterance.begin_ms - EARLY_WORDS_MS
        ):
            utterance = last
        if utterance is None:
            self._words.append(words)
            return []
        return [ev.ModelWords(utterance.item_id, words)]


def _silence_at_end(audio: bytes) -> float | None:
    """Return for how long (ms) the sound is silent at its end, None where nothing is to be heard of it."""
    for end in range(len(audio), 0, -FRAME):
        if is_audible(audio[max(0, end - FRAME) : end]):
            return (len(audio) - end) / BYTES_PER_MS
    return None


def _audio(utterance: _Utterance, audio: bytes) -> ev.ModelAudio:
    payload = b2a_base64(audio, newline=False).decode("ascii")
    return ev.ModelAudio(utterance.item_id, utterance.item_id, payload)
