"""The caller's audio as it comes off the line: in order, once, and with its gaps filled.

The model counts time by the audio that it is given, and finds the end of a turn in silence that it hears.
So what is missing is replaced by silence: a gap between two timestamps when the second frame is there, a
line that went dead under the caller's words after a second of it. What comes twice or too late is dropped:
its place has been filled. Neighbours that changed places are put in order. A stream whose timestamps do not
rise is passed on as it comes, after a few frames.
"""

from __future__ import annotations

import math
from base64 import b64encode
from typing import Final

from runtime.call.playback.playhead import BYTES_PER_MS

SMALLEST_GAP: Final = 15  # ms; less is how timestamps are rounded
SHORTEST_LOSS: Final = 70  # ms; what is missing from less may have changed places with what is here
LONGEST_GAP: Final = 2000  # ms of silence for one gap
DEAD_AFTER: Final = 1.0  # s without a frame while the caller speaks
LONGEST_FILL: Final = 10.0  # s that a dead line is filled: no model waits longer for the end of a turn
LATE: Final = -1
EARLY: Final = -2
MOST_LATE: Final = 5  # frames in a row whose timestamps do not rise: they mean nothing then

_SILENCE: Final = b"\xff"  # µ-law for 0


class Intake:
    """The order of one stream's frames. `filled_ms` and `dropped` count what was put right.

    `last_heard` is the moment (s) of the last frame.
    """

    __slots__ = ("_filled", "_last_at", "_late", "_trusted", "_until", "dropped", "filled_ms", "last_heard")

    def __init__(self) -> None:
        self.filled_ms = 0
        self.dropped = 0
        self.restart(-math.inf)

    def restart(self, now: float) -> None:
        """Expect another stream, whose time begins anew."""
        self.last_heard = now
        self._trusted = True
        self._last_at = -1
        self._late = 0
        self._until: float | None = None  # ms of the stream's time up to which audio was passed on
        self._filled = 0.0

    def place(self, at_ms: int | None, size: int, now: float, *, patient: bool = True) -> int:
        """Return how many ms of silence are missing before a frame of so many bytes, LATE for one to drop.

        While `patient`, it is EARLY where its predecessor may just be late: it is to be placed again then.
        """
        self.last_heard = now
        self._filled = 0.0
        if at_ms is None or not self._trusted:
            return 0
        if at_ms <= self._last_at:
            return self._late_one()
        if self._until is None:
            self._until = float(at_ms)
        missing = at_ms - self._until
        if patient and SMALLEST_GAP <= missing < SHORTEST_LOSS:
            return EARLY
        self._last_at = at_ms
        self._late = 0
        if missing < SMALLEST_GAP:
            self._until += size / BYTES_PER_MS
            return 0
        self._until = at_ms + size / BYTES_PER_MS
        return min(round(missing), LONGEST_GAP)

    def _late_one(self) -> int:
        self._late += 1
        if self._late >= MOST_LATE:
            self._trusted = False
            return 0
        self.dropped += 1
        return LATE

    def dead_at(self) -> float:
        """Return when (s) a line on which the caller speaks is taken for dead, infinity when it stays so."""
        return self.last_heard + DEAD_AFTER + self._filled if self._filled < LONGEST_FILL else math.inf

    def fill(self) -> str:
        """Return a second of silence for a dead line."""
        self._filled += DEAD_AFTER
        if self._until is not None:
            self._until += DEAD_AFTER * 1000
        return self.silence(round(DEAD_AFTER * 1000))

    def silence(self, ms: int) -> str:
        """Return so much silence in the place of what is missing."""
        self.filled_ms += ms
        return b64encode(_SILENCE * (ms * BYTES_PER_MS)).decode()


def payload_size(payload: str) -> int:
    """Return how many bytes a base64 text stands for."""
    return len(payload) * 3 // 4 - payload.count("=", -2)
