"""A transfer as a transaction: the caller ends up with the person, or back with the agent, or has hung up.

    cold   leaving ── dialled ───────────────────────────────┬─ together
                                                             └─ returning ── back
    warm   leaving ── dialling ── ringing ── asking ── joining ─┬─ together
                                                                └─ returning ── back

The caller's leg has left the agent's stream when it begins. A cold transfer leaves the dialling to the
carrier. In a warm one the caller waits in a conference while the person is called, told what it is about and
asked to press 1; only then do the two meet.

Callbacks come late, twice, in any order or not at all. Each phase has a deadline, what belongs to a phase
that has passed changes nothing, and a leg that turns up when nobody needs it any more is cancelled: none is
left to ring, or to wait, for nobody. No I/O and no clock in here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, assert_never

from runtime.call import transfer_steps as ts
from runtime.call.transfer_steps import Document, Outcome, TransferAction, TransferEvent

ACCEPT_KEY: Final = "1"
LEAVING_SECONDS: Final = 10.0  # s until the carrier asks what follows the stream
DIALLING_SECONDS: Final = 15.0  # s for the request that makes the person's leg, its repetitions included
RINGING_MARGIN: Final = 15.0  # s beyond the ringing time until the carrier has told how it ended
JOINING_SECONDS: Final = 10.0  # s from the key to the conference's own report
RETRY_SECONDS: Final = 2.0  # s between attempts to bring the caller back
RETURNING_SECONDS: Final = 15.0  # s in which the caller has to be back

# Twilio: CallStatus and DialCallStatus values. `completed` before the key means that the person hung up.
_ENDED: Final[dict[str, Outcome]] = {
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failed",
    "canceled": "failed",
    "completed": "refused",
}
TALKED: Final = frozenset({"completed", "answered"})
_IN_PROGRESS: Final = frozenset({"in-progress", "answered"})


class Phase(Enum):
    """Where the transaction stands."""

    LEAVING = auto()
    DIALLED = auto()
    DIALLING = auto()
    RINGING = auto()
    ASKING = auto()
    JOINING = auto()
    RETURNING = auto()
    TOGETHER = auto()
    BACK = auto()
    GONE = auto()


_OVER: Final = frozenset({Phase.TOGETHER, Phase.BACK, Phase.GONE})
_WARM: Final = frozenset({Phase.DIALLING, Phase.RINGING, Phase.ASKING, Phase.JOINING})


@dataclass(frozen=True, slots=True)
class TransferTerms:
    """`ring_seconds` is how long the person's phone may ring, `brief_seconds` how long the brief takes."""

    warm: bool
    ring_seconds: float
    brief_seconds: float = 0.0


class Transfer:
    """One transfer: events and a clock (monotonic s) in, actions out."""

    __slots__ = ("_cancelled", "_ended", "_leg", "_retry_at", "_terms", "deadline", "phase")

    def __init__(self, terms: TransferTerms, *, now: float) -> None:
        self.phase = Phase.LEAVING
        self.deadline = now + LEAVING_SECONDS
        self._terms = terms
        self._leg: str | None = None
        self._ended: set[str] = set()
        self._cancelled: set[str] = set()
        self._retry_at = math.inf

    @property
    def over(self) -> bool:
        """Whether it is settled what becomes of the caller."""
        return self.phase in _OVER

    @property
    def waits(self) -> bool:
        """Whether the caller is in a conference, and nobody has come to them yet."""
        return self.phase in _WARM

    def wake_at(self) -> float:
        """Return the next moment (s) at which something is due, infinity once it is over."""
        return min(self.deadline, self._retry_at)

    def wake(self, now: float) -> Sequence[TransferAction]:
        """Do what is due: a phase that lasts too long ends as if its bad news had come."""
        if now < self.wake_at():
            return ()
        if now < self.deadline:
            self._retry_at = math.inf
            return [ts.BringBack()]
        match self.phase:
            case Phase.LEAVING | Phase.DIALLING:
                return self._give_back("failed", now)
            case Phase.RINGING:
                return [*self._cancel(), *self._give_back("no_answer", now)]
            case Phase.ASKING:
                return [*self._cancel(), *self._give_back("refused", now)]
            case Phase.JOINING | Phase.DIALLED:
                # The report of success got lost: one of failure would have come by two ways.
                return self._put_through()
            case _:
                return self._end(Phase.GONE)

    def handle(self, event: TransferEvent, now: float) -> Sequence[TransferAction]:
        """Take one event and return what is to be done about it."""
        match event:
            case ts.CallerAsks():
                return self._on_question(event, now)
            case ts.CallerLeft():
                return self._on_caller_left()
            case ts.CallOver():
                return () if self.over else [*self._cancel(), *self._end(Phase.GONE)]
            case ts.BringBackFailed(over):
                return self._on_failed_return(now, over=over)
            case ts.DialFailed():
                return self._give_back("failed", now) if self.phase is Phase.DIALLING else ()
            case ts.LegDialled(leg):
                return self._meet(leg, now)
            case ts.LegReports(leg, status):
                return self._on_report(leg, status, now)
            case ts.LegIsMachine(leg):
                return self._on_machine(leg, now)
            case ts.LegAsks(leg):
                return self._on_answered(leg, now)
            case ts.LegPressed(leg, key):
                return self._on_key(leg, key, now)
            case ts.LegJoined(leg):
                return self._on_joined(leg)
        assert_never(event)

    # --- the caller

    def _on_question(self, event: ts.CallerAsks, now: float) -> Sequence[TransferAction]:
        # A conference ends as `answered` whatever was in it; a dialling that did has brought people together.
        has_talked = self.phase is Phase.DIALLED and event.dial in TALKED
        if event.gone and not has_talked:
            return [ts.Answer(Document.HANG_UP), *self._on_caller_left()]
        match self.phase:
            case Phase.LEAVING if self._terms.warm:
                self._enter(Phase.DIALLING, now + DIALLING_SECONDS)
                return [ts.Answer(Document.HOLD), ts.DialPerson()]
            case Phase.LEAVING:
                self._enter(Phase.DIALLED, now + self._terms.ring_seconds + RINGING_MARGIN)
                return [ts.Answer(Document.DIAL)]
            case Phase.DIALLED:
                return self._on_dialled(event.dial)
            case Phase.TOGETHER:
                return [ts.Answer(Document.HANG_UP)]
            case Phase.RETURNING:
                return self._end(Phase.BACK)
            case Phase.BACK | Phase.GONE:
                return ()
            case _:
                return self._on_left_conference(event.dial)

    def _on_dialled(self, dial: str | None) -> Sequence[TransferAction]:
        """Go by how the carrier's dialling ended."""
        if dial is None:  # the first question, once more
            return [ts.Answer(Document.DIAL)]
        if dial in TALKED:
            return [ts.Answer(Document.HANG_UP), *self._put_through()]
        self._end(Phase.BACK)
        return [ts.GiveBack(_ENDED.get(dial, "failed"))]

    def _on_left_conference(self, dial: str | None) -> Sequence[TransferAction]:
        """Take back a caller who is out of the conference before anybody came to them."""
        if dial is None:  # the first question, once more
            return [ts.Answer(Document.HOLD)]
        actions = [*self._cancel(), ts.GiveBack("failed")]
        self._end(Phase.BACK)
        return actions

    def _on_caller_left(self) -> Sequence[TransferAction]:
        """Leave nobody behind: not even a person who came to the conference in the caller's last moment."""
        if self.phase is Phase.BACK:
            return ()
        actions = self._cancel()
        if not self.over:
            self._end(Phase.GONE)
        return actions

    def _give_back(self, outcome: Outcome, now: float) -> Sequence[TransferAction]:
        self._enter(Phase.RETURNING, now + RETURNING_SECONDS)
        return [ts.GiveBack(outcome), ts.BringBack()]

    def _on_failed_return(self, now: float, *, over: bool) -> Sequence[TransferAction]:
        if self.phase is not Phase.RETURNING:
            return ()
        if over:
            return self._end(Phase.GONE)
        self._retry_at = now + RETRY_SECONDS
        return ()

    # --- the person

    def _meet(self, leg: str, now: float) -> Sequence[TransferAction]:
        """Note the person's leg; one that nobody needs is cancelled."""
        if self.phase is Phase.DIALLING:
            self._leg = leg
            self._enter(Phase.RINGING, now + self._terms.ring_seconds + RINGING_MARGIN)
            return ()
        late = self.over or self.phase is Phase.RETURNING
        return self._cancel(leg) if late and not self._is_together_with(leg) else ()

    def _on_report(self, leg: str, status: str, now: float) -> Sequence[TransferAction]:
        if self.phase is Phase.DIALLED:
            return self._put_through() if status in _IN_PROGRESS else ()
        outcome = _ENDED.get(status)
        if outcome is None:
            return self._meet(leg, now)
        self._ended.add(leg)
        if self.phase is Phase.DIALLING or (self.phase in _WARM and leg == self._leg):
            return self._give_back(outcome, now)
        return ()

    def _on_machine(self, leg: str, now: float) -> Sequence[TransferAction]:
        """Let a machine be; whoever has pressed the key is none."""
        actions = self._meet(leg, now)
        if self.phase in (Phase.RINGING, Phase.ASKING) and leg == self._leg:
            return [*self._cancel(), *self._give_back("voicemail", now)]
        return actions

    def _on_answered(self, leg: str, now: float) -> Sequence[TransferAction]:
        self._meet(leg, now)
        if self.phase is Phase.RINGING and leg == self._leg:
            self._enter(Phase.ASKING, now + self._terms.brief_seconds)
        if self.phase is Phase.ASKING and leg == self._leg:
            return [ts.Answer(Document.BRIEF)]
        return [ts.Answer(Document.HANG_UP)]

    def _on_key(self, leg: str, key: str | None, now: float) -> Sequence[TransferAction]:
        ours = leg == self._leg
        if ours and key == ACCEPT_KEY and self.phase in (Phase.ASKING, Phase.JOINING):
            if self.phase is Phase.ASKING:
                self._enter(Phase.JOINING, now + JOINING_SECONDS)
            return [ts.Answer(Document.JOIN)]
        if ours and self.phase is Phase.ASKING:
            self._ended.add(leg)  # by the document
            return [ts.Answer(Document.DECLINE), *self._give_back("refused", now)]
        return [ts.Answer(Document.HANG_UP)]

    def _on_joined(self, leg: str) -> Sequence[TransferAction]:
        if self.phase is Phase.JOINING and leg == self._leg:
            return self._put_through()
        return [] if self._is_together_with(leg) else self._cancel(leg)

    def _is_together_with(self, leg: str) -> bool:
        """Tell whether a leg is in its place; in a cold transfer the carrier sees to that."""
        return not self._terms.warm or (self.phase is Phase.TOGETHER and leg == self._leg)

    def _cancel(self, leg: str | None = None) -> list[TransferAction]:
        """Return what ends a leg, by default the one that is known; nothing for one that has ended."""
        leg = leg or self._leg
        if leg is None or leg in self._ended or leg in self._cancelled:
            return []
        self._cancelled.add(leg)
        return [ts.CancelLeg(leg)]

    # --- phases

    def _put_through(self) -> Sequence[TransferAction]:
        self._end(Phase.TOGETHER)
        return [ts.PutThrough()]

    def _enter(self, phase: Phase, deadline: float) -> None:
        self.phase = phase
        self.deadline = deadline

    def _end(self, phase: Phase) -> Sequence[TransferAction]:
        self._enter(phase, math.inf)
        self._retry_at = math.inf
        return ()
