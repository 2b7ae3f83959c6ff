"""The call's link to its model: one session after another, as long as the call needs one.

    connecting ── asked ── ready ── lost ── waiting ── connecting ── … ── gone

A session is ready when its answer to the configuration is what was asked for. One that is lost, or never gets
ready, is replaced after a pause that grows with every attempt. The attempts are counted until a session has
been healthy for a minute: a server that takes connections and drops them does not get endless ones. A fault
that no other connection can mend ends the link at once. A session that is about to expire is handed over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias, assert_never

from runtime.call import events as ev
from runtime.call.actions import Action, CloseModel, ConfigureModel, ConnectModel, SwapModel
from runtime.call.plan import PrepTerms
from runtime.call.thinking.handover import LONGEST_ATTEMPT, Handover

BACKOFF: Final = (0.2, 0.5, 1.0, 2.0)  # s before each new attempt, times the call's jitter
HEALTHY_AFTER: Final = 60.0  # s after which a session's loss is no consequence of the one before
MOST_MALFORMED: Final = 50  # events of one session that cannot be read


class _State(Enum):
    CONNECTING = auto()
    HELD = auto()
    ASKED = auto()
    ASKED_AGAIN = auto()
    READY = auto()
    WAITING = auto()
    RESTING = auto()
    GONE = auto()


_OPEN: Final = frozenset({_State.CONNECTING, _State.HELD, _State.ASKED, _State.ASKED_AGAIN, _State.READY})


@dataclass(frozen=True, slots=True)
class News:
    """What came of an event: what is to be done, and whether the call has a model now.

    `lost`: the session is gone, but there is or will be another. `ready`: one listens from here on. With both
    the one has taken the other's place. `failed`: there is none and will be none; says why.
    """

    actions: tuple[Action, ...] = ()
    ready: bool = False
    lost: bool = False
    failed: str | None = None


NO_NEWS: Final = News()
LinkEvent: TypeAlias = ev.ModelConnected | ev.ModelConfigured | ev.ModelLost | ev.ModelUnavailable


class ModelLink:
    """Knows which session the call has, and when to open another.

    The shell opens the first connection by itself. `timeout` (s) bounds how long the call may be without a
    session, from `now` and from each loss; `jitter` (0 to 1) is the part of each pause that this call waits,
    so that calls which lose their model together do not come back together. With `prep` a session is
    configured only after `prepared`, or, where that is no more than wanted, when the timeout is over.
    """

    __slots__ = (
        "_attempts",
        "_awaits_prep",
        "_deadline",
        "_handover",
        "_jitter",
        "_malformed",
        "_needs_prep",
        "_ready_at",
        "_retry_at",
        "_state",
        "_timeout",
        "_try_by",
    )

    def __init__(self, *, timeout: float, jitter: float, now: float, prep: PrepTerms = "none") -> None:
        self._state = _State.CONNECTING
        self._timeout = timeout
        self._jitter = jitter
        self._deadline = now + timeout
        self._try_by = now + LONGEST_ATTEMPT
        self._retry_at = math.inf
        self._ready_at = math.inf
        self._attempts = 0
        self._awaits_prep = prep != "none"
        self._needs_prep = prep == "required"
        self._malformed = 0
        self._handover = Handover()

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

    @property
    def successor_ready(self) -> bool:
        """Whether another session is ready to take over."""
        return self._handover.ready

    @property
    def urgent(self) -> bool:
        """Whether the successor should take over as soon as no response is under way."""
        return self._handover.urgent

    # --- time

    def wake_at(self) -> float:
        """Return the next moment (s) at which something is due, infinity if there is none."""
        if self.ready:
            return self._handover.wake_at()
        if self._state is _State.WAITING:
            return min(self._retry_at, self._deadline)
        if self._state is _State.HELD:
            return self._deadline
        return min(self._try_by, self._deadline) if self.open else math.inf

    def wake(self, now: float) -> News:
        """Do what is due."""
        if now < self.wake_at():
            return NO_NEWS
        if self.ready:
            return News(self._handover.wake(now))
        if now >= self._deadline:
            if self._state is _State.HELD and not self._needs_prep:
                self._deadline = now + LONGEST_ATTEMPT
                return self.prepared(now)
            return self.give_up("the model was not ready in time")
        if self._state is _State.WAITING:
            return News((self._connect(now),))
        return self.lose("the model did not get ready", now)

    # --- what happens

    def hear(self, event: LinkEvent, now: float, expires_at: float | None = None) -> News:
        """Take what became of the connection; `expires_at` (s) is what a `ModelConfigured` says."""
        match event:
            case ev.ModelConnected():
                return self.connected()
            case ev.ModelConfigured(matches, detail):
                return self.configured(now, expires_at) if matches else self.misconfigured(detail)
            case ev.ModelUnavailable(detail, may_pass=False):
                return self.give_up(detail)
            case ev.ModelLost(detail) | ev.ModelUnavailable(detail):
                return self.lose(detail, now)
        assert_never(event)

    def connected(self) -> News:
        """Note that the connection is open; the first sign of it counts."""
        if self._state is not _State.CONNECTING:
            return NO_NEWS
        if self._awaits_prep:
            self._state = _State.HELD
            return NO_NEWS
        self._state = _State.ASKED
        return News((ConfigureModel(),))

    def prepared(self, now: float) -> News:
        """Configure the session that was held: what it is to know about the caller is there, or too late."""
        self._awaits_prep = False
        if self._state is not _State.HELD:
            return NO_NEWS
        self._state = _State.ASKED
        self._try_by = now + LONGEST_ATTEMPT
        return News((ConfigureModel(),))

    def configured(self, now: float, expires_at: float | None = None) -> News:
        """Note that the session is what was asked for, and when (s) it expires."""
        if self._state not in (_State.ASKED, _State.ASKED_AGAIN):
            return NO_NEWS
        self._serve(now, expires_at)
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
        if self.successor_ready:
            return self.swap(now)
        if self.ready:
            self._deadline = now + self._timeout
            if now - self._ready_at >= HEALTHY_AFTER:
                self._attempts = 0
        if self._attempts == len(BACKOFF):
            return self.give_up(detail)
        self._state = _State.WAITING
        self._retry_at = now + BACKOFF[self._attempts] * self._jitter
        self._attempts += 1
        return News((CloseModel(), *self._handover.drop()), lost=True)

    def malformed(self, now: float) -> News:
        """Note an event that cannot be read; a session that sends many of them is replaced."""
        self._malformed += 1
        return self.lose("the model is not understood", now) if self._malformed > MOST_MALFORMED else NO_NEWS

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
        return (CloseModel(), *self._handover.drop()) if was_open else ()

    # --- the successor

    def hear_successor(self, event: ev.ModelEvent, now: float, expires_at: float | None = None) -> News:
        """Take an event of the successor; `expires_at` (s) is what a `ModelConfigured` says."""
        match event:
            case ev.ModelConnected():
                return News(self._handover.connected())
            case ev.ModelConfigured(matches=True):
                self._handover.configured(expires_at)
            case ev.ModelConfigured():
                return News(self._handover.misconfigured(now))
            case ev.ModelLost() | ev.ModelUnavailable() | ev.ModelProblem(fatal=True):
                return News(self._handover.lose(now))
            case _:
                pass
        return NO_NEWS

    def swap(self, now: float) -> News:
        """Let the successor, which is ready, take over."""
        self._serve(now, self._handover.successor_expires_at)
        return News((SwapModel(),), lost=True, ready=True)

    def _serve(self, now: float, expires_at: float | None) -> None:
        self._state = _State.READY
        self._ready_at = now
        self._malformed = 0
        self._handover.plan(now, expires_at)

    def _connect(self, now: float) -> Action:
        self._state = _State.CONNECTING
        self._try_by = now + LONGEST_ATTEMPT
        return ConnectModel()
