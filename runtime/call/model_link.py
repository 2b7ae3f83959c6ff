"""The call's link to its model: one session after another, as long as the call needs one.

    connecting ── asked ── ready ── lost ── waiting ── connecting ── … ── gone

A session is ready when its answer to the configuration is what was asked for. One that is lost, or never gets
ready, is replaced after a pause that grows with every attempt. The attempts are counted until a session has
been healthy for a minute: a server that takes connections and drops them does not get endless ones. A fault
that no other connection can mend ends the link at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from runtime.call.actions import Action, CloseModel, ConfigureModel, ConnectModel

BACKOFF: Final = (0.2, 0.5, 1.0, 2.0)  # s before each new attempt, times the call's jitter
LONGEST_ATTEMPT: Final = 6.0  # s from opening a connection to the answer to its configuration
HEALTHY_AFTER: Final = 60.0  # s after which a session's loss is no consequence of the one before


class _State(Enum):
    CONNECTING = auto()
    ASKED = auto()
    ASKED_AGAIN = auto()
    READY = auto()
    WAITING = auto()
    RESTING = auto()
    GONE = auto()


_OPEN: Final = frozenset({_State.CONNECTING, _State.ASKED, _State.ASKED_AGAIN, _State.READY})


@dataclass(frozen=True, slots=True)
class News:
    """What came of an event: what is to be done, and whether the call has a model now.

    `ready`: a session listens from here on. `lost`: there is none, but another is on its way.
    `failed`: there is none and will be none; says why.
    """

    actions: tuple[Action, ...] = ()
    ready: bool = False
    lost: bool = False
    failed: str | None = None


NO_NEWS: Final = News()


class ModelLink:
    """Knows which session the call has, and when to open another.

    The shell opens the first connection by itself. `timeout` (s) bounds how long the call may be without a
    session, from `now` and from each loss; `jitter` (0 to 1) is the part of each pause that this call waits,
    so that calls which lose their model together do not come back together.
    """

    __slots__ = (
        "_attempts",
        "_deadline",
        "_jitter",
        "_ready_at",
        "_retry_at",
        "_state",
        "_timeout",
        "_try_by",
    )

    def __init__(self, *, timeout: float, jitter: float, now: float) -> None:
        self._state = _State.CONNECTING
        self._timeout = timeout
        self._jitter = jitter
        self._deadline = now + timeout
        self._try_by = now + LONGEST_ATTEMPT
        self._retry_at = math.inf
        self._ready_at = math.inf
        self._attempts = 0

    @property
    def ready(self) -> bool:
        """Whether a session listens."""
        return self._state is _State.READY

    @property
    def open(self) -> bool:
        """Whether there is a connection, or one is being opened."""
        return self._state in _OPEN

    @property
    def gone(self) -> bool:
        """Whether the call has to do without a model from here on."""
        return self._state is _State.GONE

    # --- time

    def wake_at(self) -> float:
        """Return the next moment (s) at which something is due, infinity if there is none."""
        if self._state is _State.WAITING:
            return min(self._retry_at, self._deadline)
        if self.open and not self.ready:
            return min(self._try_by, self._deadline)
        return math.inf

    def wake(self, now: float) -> News:
        """Do what is due."""
        if now < self.wake_at():
            return NO_NEWS
        if now >= self._deadline:
            return self.give_up("the model was not ready in time")
        if self._state is _State.WAITING:
            return News((self._connect(now),))
        return self.lose("the model did not get ready", now)

    # --- what happens

    def connected(self) -> News:
        """Note that the connection is open; the first sign of it counts."""
        if self._state is not _State.CONNECTING:
            return NO_NEWS
        self._state = _State.ASKED
        return News((ConfigureModel(),))

    def configured(self, now: float) -> News:
        """Note that the session is what was asked for."""
        if self._state not in (_State.ASKED, _State.ASKED_AGAIN):
            return NO_NEWS
        self._state = _State.READY
        self._ready_at = now
        return News(ready=True)

    def misconfigured(self, detail: str) -> News:
        """Ask once more; what a model says in another form than agreed must never reach an ear."""
        if self._state is _State.ASKED:
            self._state = _State.ASKED_AGAIN
            return News((ConfigureModel(),))
        return self.give_up(detail) if self.open else NO_NEWS

    def lose(self, detail: str, now: float) -> News:
        """Close the session that is lost or was given up, and plan the next attempt, if there is one."""
        if not self.open:
            return NO_NEWS
        if self.ready:
            self._deadline = now + self._timeout
            if now - self._ready_at >= HEALTHY_AFTER:
                self._attempts = 0
        if self._attempts == len(BACKOFF):
            return self.give_up(detail)
        self._state = _State.WAITING
        self._retry_at = now + BACKOFF[self._attempts] * self._jitter
        self._attempts += 1
        return News((CloseModel(),), lost=True)

    def give_up(self, detail: str) -> News:
        """Do without a model from here on."""
        if self.gone:
            return NO_NEWS
        actions = self.end()
        return News(actions, failed=detail)

    def rest(self) -> News:
        """Close the session until the caller is there: nobody has come for it so far."""
        if self._state is _State.GONE or self._state is _State.RESTING:
            return NO_NEWS
        actions = self.end()
        self._state = _State.RESTING
        return News(actions, lost=True)

    def resume(self, now: float) -> News:
        """Open a session again after a rest."""
        if self._state is not _State.RESTING:
            return NO_NEWS
        self._deadline = now + self._timeout
        return News((self._connect(now),))

    def end(self) -> tuple[Action, ...]:
        """Close what is open: the call is over, or has to do without."""
        was_open = self.open
        self._state = _State.GONE
        return (CloseModel(),) if was_open else ()

    def _connect(self, now: float) -> Action:
        self._state = _State.CONNECTING
        self._try_by = now + LONGEST_ATTEMPT
        return ConnectModel()
