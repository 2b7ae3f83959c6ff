"""What a GPT-Live session says: sound without an end, silence where there are no words. No I/O.

OpenAI: at the pace of real time. A transcript comes with the sound, word by word, and nothing says that a
turn has ended; words that were not spoken, because the caller began to speak, are never told.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.model.live.config import LiveFormat
from sandbox.model.live.events import LiveEvent
from sandbox.model.live.sound import from_ulaw
from sandbox.model.sound import spaced_words
from sandbox.speech.ulaw import BYTES_PER_MS, silence

CHUNK_MS = 100


@dataclass(slots=True)
class _Speech:
    """Words and their sound: how much of both has been sent."""

    words: list[str]
    ulaw: bytes
    is_told: bool
    at: int = 0
    told: int = 0

    def next(self, ms: int) -> bytes:
        taken = self.ulaw[self.at : self.at + ms * BYTES_PER_MS]
        self.at += len(taken)
        return taken

    def words_so_far(self) -> list[str]:
        """Return the words that the sound has reached and that were not told yet."""
        reached = -(-len(self.words) * self.at // len(self.ulaw)) if self.ulaw else len(self.words)
        words = self.words[self.told : reached]
        self.told = max(self.told, reached)
        return words


class Voice:
    """Speaks on one line; `at_ms` is how much sound was sent since the session began."""

    def __init__(self, sent_as: LiveFormat) -> None:
        self.at_ms = 0
        self.is_playing = False  # something that is not to be interrupted
        self._format = sent_as
        self._queue: deque[_Speech] = deque()

    @property
    def speaking(self) -> bool:
        """Whether there is something to say."""
        return bool(self._queue)

    def say(self, text: str, ulaw: bytes) -> None:
        """Speak after everything else."""
        self._queue.append(_Speech(spaced_words(text), ulaw, is_told=False))

    def play(self, ulaw: bytes) -> None:
        """Play a recording at once; what was being said is lost."""
        self._queue = deque([_Speech([], ulaw, is_told=True)])
        self.is_playing = True

    def hush(self) -> None:
        """Stop speaking: the caller does. A recording goes on."""
        if not self.is_playing:
            self._queue.clear()

    def chunk(self) -> Iterator[LiveEvent]:
        """Yield the next 100 ms: their sound, and the words that begin in them."""
        ulaw, words, begins = b"", list[str](), False
        while self._queue and len(ulaw) < CHUNK_MS * BYTES_PER_MS:
            speech = self._queue[0]
            ulaw += speech.next(CHUNK_MS - len(ulaw) // BYTES_PER_MS)
            begins = begins or not speech.is_told
            speech.is_told = True
            words += speech.words_so_far()
            if speech.at >= len(speech.ulaw):
                self._queue.popleft()
        missing = CHUNK_MS - len(ulaw) // BYTES_PER_MS
        start, self.at_ms = self.at_ms, self.at_ms + CHUNK_MS
        sound = base64.b64encode(from_ulaw(ulaw + silence(missing), self._format)).decode()
        yield LiveEvent("session.output_audio.delta", {"delta": sound}, has_id=False, begins_turn=begins)
        if words:
            fields = {"delta": "".join(words), "start_ms": start, "end_ms": self.at_ms}
            yield LiveEvent("session.output_transcript.delta", dict(fields))
        if self.is_playing and not self._queue:
            self.is_playing = False
            yield LiveEvent("session.output_audio.fixture.played")
