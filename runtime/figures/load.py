"""How busy the event loop is, and whether the node should take another call.

Lag is what callers hear as stutter. One late wake-up is nothing; a loop that is late again and again has more
calls than it can serve, and a new one would spoil all of them. So admission closes when the lag has been high
for some seconds, and opens when it has been low for as long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

SAMPLE_SECONDS: Final = 0.1
BUSY_LAG: Final = 0.1  # s: half of what playback may be ahead; beyond it callers hear gaps
CALM_LAG: Final = 0.02
SMOOTHING: Final = 0.1  # the weight of one sample: half of what is felt is from the last 0.7 s
HOLD_SECONDS: Final = 3.0


class LoadGate:
    """Decides from samples of the loop's lag whether new calls are taken. Pure: time is an argument."""

    __slots__ = ("_lag", "_other_since", "open")

    def __init__(self) -> None:
        self.open = True
        self._lag = 0.0
        self._other_since: float | None = None

    @property
    def lag(self) -> float:
        """The lag as it is felt: a moving average, in seconds."""
        return self._lag

    def sample(self, lag: float, now: float) -> bool:
        """Take one sample (s) and return whether the gate is open."""
        self._lag += SMOOTHING * (min(lag, 10 * BUSY_LAG) - self._lag)
        wants_other = self._lag < CALM_LAG if not self.open else self._lag > BUSY_LAG
        if not wants_other:
            self._other_since = None
        elif self._other_since is None:
            self._other_since = now
        elif now - self._other_since >= HOLD_SECONDS:
            self.open = not self.open
            self._other_since = None
        return self.open


async def watch_loop(gate: LoadGate, lagged: Callable[[float], None], clock: Callable[[], float]) -> None:
    """Sample the loop until cancelled: how much later than asked for does it wake?"""
    while True:
        due = clock() + SAMPLE_SECONDS
        await asyncio.sleep(SAMPLE_SECONDS)
        lag = max(0.0, clock() - due)
        gate.sample(lag, clock())
        lagged(lag)
