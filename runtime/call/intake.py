"""The caller's audio as it comes off the line: in order, once, and with its gaps filled.

The model counts time by the audio that it is given, and finds the end of a turn in silence that it hears. So
what is missing is replaced by silence: a gap between two timestamps when the second frame is there, a line
that went dead under the caller's words after a second of it. What comes twice or too late is dropped: its
place has been filled. A stream whose timestamps do not rise is passed on as it comes, after a few frames.
"""

from __future__ import annotations

import math
from base64 import b64encode
from typing import TYPE_CHECKING, Final

from runtime.call.playhead import BYTES_PER_MS

if TYPE_CHECKING:
    from runtime.call.events import CallerAudio

SMALLEST_GAP: Final = 15  # ms; less is how timestamps are rounded
LONGEST_GAP: Final = 2000  # ms of silence for one gap
DEAD_AFTER: Final = 1.0  # s without a frame while the caller speaks
LONGEST_FILL: Final = 10.0  # s that a dead line is filled: no model waits longer for the end of a turn
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

    def take(self, audio: CallerAudio, now: float) -> tuple[str, ...]:
        """Return what is to be passed on for a frame: it, behind the silence that was missing, or nothing."""
        self.last_heard = now
        self._filled = 0.0
        payload, at_ms = audio.payload, audio.at_ms
        if at_ms is None or not self._trusted:
            return (payload,)
        if at_ms <= self._last_at:
            return self._late_one(payload)
        self._last_at = at_ms
        self._late = 0
        ms = payload_size(payload) / BYTES_PER_MS
        missing = 0.0 if self._until is None else at_ms - self._until
        if missing < SMALLEST_GAP:
            self._until = (at_ms if self._until is None else self._until) + ms
            return (payload,)
        self._until = at_ms + ms
        return (self._silence(min(round(missing), LONGEST_GAP)), payload)

    def _late_one(self, payload: str) -> tuple[str, ...]:
        self._late += 1
        if self._late >= MOST_LATE:
            self._trusted = False
            return (payload,)
        self.dropped += 1
        return ()

    def dead_at(self) -> float:
        """Return when (s) a line on which the caller speaks is taken for dead, infinity when it stays so."""
        return self.last_heard + DEAD_AFTER + self._filled if self._filled < LONGEST_FILL else math.inf

    def fill(self) -> str:
        """Return a second of silence for a dead line."""
        self._filled += DEAD_AFTER
        if self._until is not None:
            self._until += DEAD_AFTER * 1000
        return self._silence(round(DEAD_AFTER * 1000))

    def _silence(self, ms: int) -> str:
        self.filled_ms += ms
        return b64encode(_SILENCE * (ms * BYTES_PER_MS)).decode()


def payload_size(payload: str) -> int:
    """Return how many bytes a base64 text stands for."""
    return len(payload) * 3 // 4 - payload.count("=", -2)
