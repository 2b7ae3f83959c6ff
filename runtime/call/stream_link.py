"""The call's link to its caller: one stream after another, as long as the caller comes back.

    awaited ── open ── broken: awaited again ── open ── … ── closed
                └───── away ── awaited again ── …

A stream that breaks without a stop says nothing about the caller, who is still on the line: the carrier asks
what comes next, and is told to open another one. That takes a second or two as a rule. A caller who is put
through to somebody is away, and may come back as well.
"""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import Final

from runtime.call.actions import Respond

RETURN_SECONDS: Final = 15.0  # s in which a caller whose stream broke has to be back
LONGEST_UNCLAIMED: Final = 30.0  # s that a session of the model is kept for a caller who is not there
MOST_RETURNS: Final = 3  # in one call, on whatever nodes
LONGEST_AWAY: Final = 480.0  # s; a transfer ends by itself long before that
BACK: Final = Respond(
    guidance="The telephone line was interrupted for a moment, and the caller is back. Do not greet again: "
    "say in a few words that the line was interrupted, and go on where the caller stopped hearing you."
)


class _State(Enum):
    AWAITED = auto()
    OPEN = auto()
    AWAY = auto()
    CLOSED = auto()


class StreamLink:
    """Knows whether the caller's stream is there, and until when one is awaited.

    `timeout` (s) is how long the first one may take from `now`; `returns` counts how often the caller has
    come back already.
    """

    __slots__ = ("_state", "deadline", "rest_at", "returns")

    def __init__(self, *, timeout: float, returns: int, now: float) -> None:
        self._state = _State.AWAITED
        self.deadline = now + timeout
        """The moment (s) at which the caller is given up; infinity unless a stream is awaited."""
        self.rest_at = now + LONGEST_UNCLAIMED
        """The moment (s) at which it is not worth keeping a session of the model for the caller."""
        self.returns = returns

    @property
    def open(self) -> bool:
        """Whether the caller hears us."""
        return self._state is _State.OPEN

    @property
    def away(self) -> bool:
        """Whether the caller is with somebody else."""
        return self._state is _State.AWAY

    @property
    def awaited(self) -> bool:
        """Whether a stream is to come."""
        return self._state is _State.AWAITED

    def start(self) -> bool:
        """Note that the stream is there; False for one that nobody waits for."""
        if not self.awaited:
            return False
        self._state = _State.OPEN
        self.deadline = self.rest_at = math.inf
        return True

    def rests(self, now: float) -> bool:
        """Tell, once, that it is time not to keep a session of the model any longer."""
        if now < self.rest_at:
            return False
        self.rest_at = math.inf
        return True

    def lose(self, now: float) -> bool:
        """Note that the stream broke, or did not come about; whether another one may come."""
        if self._state is _State.CLOSED or self.returns >= MOST_RETURNS:
            self.close()
            return False
        self.returns += 1
        self.take_back(now)
        return True

    def send_away(self, now: float) -> None:
        """Let the caller go to somebody else for a while."""
        self._state = _State.AWAY
        self.deadline = now + LONGEST_AWAY
        self.rest_at = now + LONGEST_UNCLAIMED

    def take_back(self, now: float) -> None:
        """Expect a caller who was away."""
        self._state = _State.AWAITED
        self.deadline = now + RETURN_SECONDS
        self.rest_at = math.inf

    def close(self) -> None:
        """Note that the caller has hung up, or is given up."""
        self._state = _State.CLOSED
        self.deadline = math.inf
