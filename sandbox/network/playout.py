"""The buffer between a media stream and the caller's ear, with the clock as an argument.

Twilio: media is queued and played in order; a mark comes back when all that was queued before it has
been played, at once when nothing is queued; `clear` empties the queue and brings every pending mark
back; what would queue more than ten minutes is refused.

Times are milliseconds on any monotonic clock, audio is µ-law at 8 kHz: 8 samples, 8 bytes, per ms.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

BYTES_PER_MS = 8
MAX_QUEUED = 10 * 60 * 1000 * BYTES_PER_MS


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio that was played: its first sample's position (in samples since 0 ms) and its bytes."""

    at: int
    ulaw: bytes


@dataclass(frozen=True, slots=True)
class Played:
    """What has happened since the last question."""

    pieces: tuple[Piece, ...]
    marks: tuple[str, ...]


class Playout:
    """Plays what it is given, one sample after the other, as time goes on.

    Every method first lets time go on to `now_ms`; `advance` then tells what was played and which
    marks are due. Time never goes back: an earlier `now_ms` counts as the latest one.
    """

    def __init__(self) -> None:
        self._queue: deque[bytes | str] = deque()
        self._queued = 0
        self._next = 0  # where the next sample is played
        self._pieces: list[Piece] = []
        self._marks: list[str] = []

    @property
    def queued_ms(self) -> float:
        """How much audio waits to be played."""
        return self._queued / BYTES_PER_MS

    def ends_at(self) -> float:
        """Return when all that is queued will have been played."""
        return (self._next + self._queued) / BYTES_PER_MS

    def media(self, ulaw: bytes, now_ms: float) -> bool:
        """Queue audio; False when more than ten minutes would wait, which refuses it."""
        self._go_on(now_ms)
        if self._queued + len(ulaw) > MAX_QUEUED:
            return False
        if ulaw:
            self._queue.append(ulaw)
            self._queued += len(ulaw)
        return True

    def mark(self, name: str, now_ms: float) -> None:
        """Ask to be told when all that is queued now has been played."""
        self._go_on(now_ms)
        self._queue.append(name)
        self._release_marks()

    def clear(self, now_ms: float) -> int:
        """Drop what is queued, make all pending marks due, and return the bytes dropped."""
        self._go_on(now_ms)
        dropped = self._queued
        self._marks += [entry for entry in self._queue if isinstance(entry, str)]
        self._queue.clear()
        self._queued = 0
        return dropped

    def advance(self, now_ms: float) -> Played:
        """Let time go on and return what was played and which marks became due, each once."""
        self._go_on(now_ms)
        played = Played(tuple(self._pieces), tuple(self._marks))
        self._pieces.clear()
        self._marks.clear()
        return played

    def _go_on(self, now_ms: float) -> None:
        now = int(now_ms * BYTES_PER_MS)
        while self._queue and self._next < now:
            entry = self._queue.popleft()
            if isinstance(entry, str):
                self._marks.append(entry)
                continue
            playable = entry[: now - self._next]
            self._pieces.append(Piece(self._next, playable))
            self._next += len(playable)
            self._queued -= len(playable)
            if len(playable) < len(entry):
                self._queue.appendleft(entry[len(playable) :])
        if not self._queued:
            self._next = max(self._next, now)
        self._release_marks()

    def _release_marks(self) -> None:
        while self._queue:
            entry = self._queue[0]
            if not isinstance(entry, str):
                return
            self._marks.append(entry)
            self._queue.popleft()
