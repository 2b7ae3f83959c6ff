"""The planned change to another session before the present one expires.

OpenAI ends every session after 60 minutes, without a warning, and a phone call can last four hours. So in the
last tenth of a session's life, five minutes at most, a successor is connected and configured beside it. It
takes over when nobody speaks; if no such moment comes until a tenth of that time is left, then between two
responses. What fails here is tried again, and costs the call nothing: the present session still serves.
"""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import Final

from runtime.call.actions import Action, CloseModel, ConfigureModel, ConnectModel

LONGEST_LEAD: Final = 300.0  # s before the end at which a successor is opened
LEAD: Final = 0.1  # of a session's life, where that is less
LAST_PART: Final = 0.1  # of the lead, in which the first moment between two responses is taken
SHORTEST_LIFE: Final = 5.0  # s; less says that the two clocks differ
LONGEST_ATTEMPT: Final = 6.0  # s from opening a connection to the answer to its configuration
SHORTEST_PAUSE: Final = 1.0  # s between two attempts


class _State(Enum):
    NONE = auto()
    CONNECTING = auto()
    ASKED = auto()
    ASKED_AGAIN = auto()
    READY = auto()


class Handover:
    """Knows when a successor is due and how far it has come. Moments are the call's (s)."""

    __slots__ = (
        "_begin_at",
        "_expires_at",
        "_force_at",
        "_pause",
        "_state",
        "_try_by",
        "_urgent",
        "successor_expires_at",
    )

    def __init__(self) -> None:
        self._state = _State.NONE
        self._urgent = False
        self._begin_at = self._force_at = self._expires_at = self._try_by = math.inf
        self._pause = SHORTEST_PAUSE
        self._urgent = False
        self.successor_expires_at: float | None = None
        """When the successor's own session expires, if it has told."""

    def plan(self, now: float, expires_at: float | None) -> None:
        """Plan for a session that serves from now on; None for one whose end is not known."""
        self._state = _State.NONE
        self._urgent = False
        self._begin_at = self._force_at = self._expires_at = math.inf
        if expires_at is None or expires_at - now < SHORTEST_LIFE:
            return
        lead = min(LONGEST_LEAD, LEAD * (expires_at - now))
        self._begin_at = expires_at - lead
        self._force_at = expires_at - lead * LAST_PART
        self._expires_at = expires_at
        self._pause = max(SHORTEST_PAUSE, lead * LAST_PART)

    @property
    def ready(self) -> bool:
        """Whether the successor can take over."""
        return self._state is _State.READY

    @property
    def urgent(self) -> bool:
        """Whether a moment of silence is not waited for any more."""
        return self._urgent

    # --- time

    def wake_at(self) -> float:
        """Return the next moment (s) at which something is due, infinity if there is none."""
        if self._state is _State.NONE:
            return self._begin_at
        if self._state is _State.READY:
            return math.inf if self._urgent else self._force_at
        return self._try_by

    def wake(self, now: float) -> tuple[Action, ...]:
        """Do what is due."""
        if now < self.wake_at():
            return ()
        if self._state is _State.NONE:
            self._state = _State.CONNECTING
            self._try_by = now + LONGEST_ATTEMPT
            return (ConnectModel(successor=True),)
        if self._state is _State.READY:
            self._urgent = True
            return ()
        return self.lose(now)

    # --- what happens

    def connected(self) -> tuple[Action, ...]:
        """Note that the successor's connection is open."""
        if self._state is not _State.CONNECTING:
            return ()
        self._state = _State.ASKED
        return (ConfigureModel(successor=True),)

    def configured(self, expires_at: float | None) -> None:
        """Note that the successor is what was asked for."""
        if self._state in (_State.ASKED, _State.ASKED_AGAIN):
            self._state = _State.READY
            self.successor_expires_at = expires_at

    def misconfigured(self, now: float) -> tuple[Action, ...]:
        """Ask once more, then try another connection."""
        if self._state is _State.ASKED:
            self._state = _State.ASKED_AGAIN
            return (ConfigureModel(successor=True),)
        return self.lose(now)

    def lose(self, now: float) -> tuple[Action, ...]:
        """Let go of the successor, and plan another while there is time."""
        if self._state is _State.NONE:
            return ()
        again_at = now + self._pause
        self._begin_at = again_at if again_at < self._expires_at else math.inf
        return self.drop()

    def drop(self) -> tuple[Action, ...]:
        """Let go of the successor, if there is one."""
        if self._state is _State.NONE:
            return ()
        self._state = _State.NONE
        return (CloseModel(successor=True),)
