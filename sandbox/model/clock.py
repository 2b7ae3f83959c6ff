"""The model server's clock."""

from __future__ import annotations

import asyncio


class Clock:
    """Milliseconds of the event loop's time, `speed` times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed

    def now(self) -> float:
        """Return the time in milliseconds."""
        return asyncio.get_running_loop().time() * 1000 * self._speed

    def seconds(self, ms: float) -> float:
        """Return how many real seconds these milliseconds take."""
        return max(0.0, ms) / 1000 / self._speed
