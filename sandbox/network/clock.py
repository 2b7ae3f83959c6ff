"""The network's clock. Tests let it run faster; the app under test does not notice but in its waits."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Milliseconds on a monotonic clock that runs `speed` times as fast as the real one."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed

    def now_ms(self) -> float:
        """Return the time."""
        return time.monotonic() * 1000 * self._speed

    def timeout(self, ms: float) -> asyncio.Timeout:
        """Return a context that raises TimeoutError after so long on this clock."""
        return asyncio.timeout(ms / 1000 / self._speed)

    async def sleep_until(self, at_ms: float) -> None:
        """Return when the time has come; give way to others even when it has passed."""
        await asyncio.sleep(max(at_ms - self.now_ms(), 0) / 1000 / self._speed)
