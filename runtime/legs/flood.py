"""A stream that sends far more than a call can: no caller's voice, and at the cost of all other calls."""

from __future__ import annotations

from typing import Final

MESSAGES_PER_SECOND: Final = 50  # of audio, 20 ms in each
REAL_TIME: Final = 4  # times as fast as real time is what a line may catch up with
WINDOW: Final = 5.0  # s
MOST: Final = round(MESSAGES_PER_SECOND * REAL_TIME * WINDOW)
CHARACTERS: Final = 512  # a message that is longer counts for several: 20 ms of audio take some 350


class Flood:
    """Counts messages in windows of five seconds."""

    __slots__ = ("_count", "_since")

    def __init__(self) -> None:
        self._count = 0
        self._since = 0.0

    def rises(self, characters: int, now: float) -> bool:
        """Count a message of so many characters; True when the window has had too many."""
        if now - self._since >= WINDOW:
            self._since, self._count = now, 0
        self._count += 1 + characters // CHARACTERS
        return self._count > MOST
