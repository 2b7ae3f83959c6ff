"""How long a call may last: a warning half a minute before the end, and the end itself.

Counted from the answer, without the time that the caller spends with nobody of ours.
"""

from __future__ import annotations

import math
from typing import Final

WARNING_BEFORE_END: Final = 30.0  # s
SHORTEST_WARNED: Final = 60.0  # calls of so many s or less get no warning
WARNING: Final = (
    "Tell the caller, in the language of this conversation and with nothing added: "
    '"I am sorry, we have only half a minute left."'
)


class TimeLimit:
    """The limit of one call, in seconds of the call's clock; nothing is due before `start`."""

    __slots__ = ("_held_at", "_seconds", "end_at", "warn_at")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._held_at: tuple[float, float, float] | None = None
        self.warn_at = math.inf
        """When (s) to warn the caller, infinity for not at all, or not any more."""
        self.end_at = math.inf
        """When (s) to end the call."""

    @property
    def started(self) -> bool:
        """Whether the call was answered."""
        return self._held_at is not None or not math.isinf(self.end_at)

    def start(self, moment: float) -> None:
        """Count from this moment (s)."""
        self.end_at = moment + self._seconds
        if self._seconds > SHORTEST_WARNED:
            self.warn_at = self.end_at - WARNING_BEFORE_END

    def warned(self) -> None:
        """Note that the caller was warned."""
        self.warn_at = math.inf

    def hold(self, now: float) -> None:
        """Count no further for a while."""
        self._held_at = (now, self.warn_at, self.end_at)
        self.warn_at = self.end_at = math.inf

    def go_on(self, now: float) -> None:
        """Count on from where it was held."""
        assert self._held_at is not None
        held_at, warn_at, end_at = self._held_at
        self._held_at = None
        self.warn_at, self.end_at = warn_at + (now - held_at), end_at + (now - held_at)
