"""Where in the audio that was sent is the caller's ear now?

Positions are bytes of µ-law since the call began, 8,000 a second. The carrier plays what it is sent without
a pause, so audio that is sent while earlier audio still plays continues its *run*, and audio that is sent
later begins a new one. A run that starts at `t` has got to `t + x` seconds after `x` seconds, shifted by what
the network takes. That shift needs no measuring: the clear that follows a barge-in travels the same way as
the audio did, so both are late by the same amount. What remains is the carrier's own start delay.

Marks correct this model. They come back when the audio before them has been played, so none can be too early,
and the smallest lateness seen is the line's own. When all recent marks of a run are later than that, and
steadily so, the carrier ran dry for a while: the playhead is moved back by the difference. Single late marks
are jitter and move nothing.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

BYTES_PER_SECOND: Final = 8000
BYTES_PER_MS: Final = 8

START_DELAY: Final = 0.02  # s between the arrival of audio at the carrier and its first sound: one frame
STEADY_MARKS: Final = 8  # as many must agree before lateness is believed to be more than jitter
RECENT_MARKS: Final = 12
KNOWN_MARKS: Final = 128


class Playhead:
    """The model of the carrier's playback: fed with what is sent and which marks return."""

    __slots__ = ("_lateness", "_marks", "_recent", "_run_at", "_run_from", "acked", "ends_at", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.acked = 0
        self.ends_at = -math.inf
        """The moment (s) at which all that was sent has been played, were the network infinitely fast."""
        self._run_from = 0
        self._run_at = 0.0
        self._marks: dict[str, tuple[int, float]] = {}
        self._recent: deque[float] = deque(maxlen=RECENT_MARKS)
        self._lateness: deque[float] = deque(maxlen=KNOWN_MARKS)

    def send(self, size: int, now: float) -> None:
        """Note that `size` bytes were sent."""
        if now > self.ends_at:
            self._run_from, self._run_at = self.sent, now
            self._recent.clear()
        self.sent += size
        self.ends_at = self._run_at + (self.sent - self._run_from) / BYTES_PER_SECOND

    def mark(self, name: str) -> None:
        """Note that a mark was sent behind everything so far."""
        self._marks[name] = (self.sent, self.ends_at)

    def acknowledge(self, name: str, now: float) -> bool:
        """Note that a mark came back; False when it is unknown, or stale since a clear."""
        if name not in self._marks:
            return False
        position, due_at = self._marks[name]
        for passed in [each for each, (at, _) in self._marks.items() if at <= position]:
            del self._marks[passed]
        self.acked = max(self.acked, position)
        self._lateness.append(now - due_at)
        if position > self._run_from:
            self._recent.append(now - due_at)
        return True

    def heard(self, now: float) -> int:
        """Return the position that the caller has heard: no less than acknowledged, no more than sent."""
        elapsed = now - self._run_at - START_DELAY - self._dry_spell()
        position = self._run_from + int(elapsed * BYTES_PER_SECOND)
        return max(self.acked, min(position, self.sent))

    def cut(self) -> None:
        """Forget what has not been played: it was cleared, and its marks say nothing any more."""
        self._marks.clear()
        self._recent.clear()
        self.acked = self._run_from = self.sent
        self.ends_at = -math.inf

    def _dry_spell(self) -> float:
        """Return for how long (s) the carrier had nothing to play within this run."""
        if len(self._recent) < STEADY_MARKS:
            return 0.0
        least, most = min(self._recent), max(self._recent)
        shift = least - min(self._lateness)
        return shift if shift > most - least else 0.0
