"""A call in gather mode, without I/O: the carrier hears and speaks, and asks for one step after another.

    webhook ── greeting ── the caller speaks ── the carrier asks ── the agent's words ── … ── one exit
                                                     └── a wait, when these take long

The carrier waits for each answer in silence, for some seconds at most. So an answer leaves when the agent has
nothing to add; before that when a sentence is there and more is slow to come; and when nothing is there, the
caller is given something to hear meanwhile, and is fetched out of it as soon as the agent has words.

The shell hands in events, carries out the actions in order, and calls `wake` at `wake_at()`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from runtime.call import events as ev
from runtime.call.actions import Finished, Respond
from runtime.call.ending import REPORTED_ENDINGS
from runtime.call.plan import CallPlan
from runtime.call.stream_link import BACK
from runtime.call.text import gather_steps as gs
from runtime.call.text.gather_turns import CallerTurns
from runtime.call.text.text_call import TextCall
from runtime.call.text.text_events import (
    AskFailed,
    CallerSilent,
    CallerTurn,
    CallerTyped,
    TextDelta,
    TextEnded,
)
from runtime.call.time_limit import WARNING

PATIENCE: Final = 3.5  # s that a caller waits in silence for the agent's first word
GRACE: Final = 0.25  # s that a sentence waits for the rest of the answer
TAKEN: Final = 1.0  # s after the first step, in which the carrier has surely taken the call up
TAKEN_UP: Final = Respond(
    guidance="The connection failed for a moment. What you were about to say or do is lost, and so is the "
    "answer of a tool that does not stand above. Go on from there: repeat nothing that was said, and do not "
    "mention the connection."
)


class _State(Enum):
    LISTENING = auto()
    TYPING = auto()
    PRESSING = auto()
    BETWEEN = auto()
    WAITING = auto()
    HANDING_ON = auto()
    AWAY = auto()
    LEAVING = auto()
    OVER = auto()


class GatherCall(TextCall):
    """One call, from its webhook at `now` (s) on. `number` is that of the step which the caller has.

    `goes_on`: with that step another node had left the agent in the middle of something.
    """

    __slots__ = (
        "_asked_at",
        "_deadline",
        "_fetched",
        "_goes_on",
        "_sent_at",
        "_state",
        "_terms",
        "_turns",
        "asked",
        "number",
        "returns",
        "step",
    )

    def __init__(
        self,
        plan: CallPlan,
        terms: gs.GatherTerms,
        *,
        now: float,
        number: int = 0,
        goes_on: bool = False,
    ) -> None:
        assert plan.answered_at is not None, "the first document answers the call"
        super().__init__(plan, now=now, ssml=terms.ssml, drafts=terms.drafts, streams=False)
        self._terms = terms
        self._asked_at = self._sent_at = now
        self._turns = CallerTurns(self._talk, terms)
        had_listened = bool(plan.returns and plan.history) and not goes_on
        self._state = _State.LISTENING if had_listened else _State.BETWEEN
        self._goes_on = goes_on
        self._deadline = math.inf
        self._fetched = False
        self.returns = plan.returns
        self.number = number
        self.asked = plan.returns == 0
        """Whether the carrier waits for a step."""
        self.step: gs.Step | None = None
        """The last step that the carrier was given."""

    @property
    def _is_over(self) -> bool:
        return self._state is _State.OVER

    # --- the surface for the shell

    def begin(self) -> Sequence[gs.GatherAction]:
        """Open the talk; the first step is there at once, if only to be asked again."""
        now = self._now
        if self._plan.returns and self._plan.history:  # what the caller did or heard last decides
            return ()
        actions: list[gs.GatherAction] = [] if self._unprepared else [*self._open(now)]
        if self._plan.returns:
            return actions
        if self._talk.settled and not self._unprepared:
            return [*actions, *self._look(now)]
        if self._terms.holds:
            return [*actions, self._give(gs.Wait(first=True), _State.WAITING, now)]
        return [*actions, self._give(gs.GoOn(), _State.BETWEEN, now)]

    def handle(self, event: gs.GatherEvent | ev.Event, now: float) -> Sequence[gs.GatherAction]:
        """Take one event and return what is to be done about it; nothing once the call is over."""
        if self._state is _State.OVER:
            return ()
        self._now = now
        match event:
            case gs.Asked(turn):
                return self._on_asked(turn, now)
            case gs.Overheard(text):
                listening = self._state is _State.LISTENING and not self.asked
                return self._turns.overhear(text, now) if listening else ()
            case gs.CameBack():
                return self._on_return(now)
            case ev.Prepared():
                return [*self._prepare(event, now), *self._look(now)]
            case ev.ToolAnswered():
                return [*self._talk.tool_answered(event, now), *self._look(now)]
            case ev.ToolReported():
                return self._talk.tool_reported(event, now)
            case TextDelta() | TextEnded() | AskFailed() | ev.ToolRequested():
                return [*self._talk.handle(event, now), *self._look(now)]
            case _ if isinstance(event, ev.OutsideEvent):
                return self._on_outside(event, now)
            case _:  # of a stream, which there is none of
                return ()

    def wake_at(self) -> float | None:
        """Return the moment (monotonic seconds) at which to call `wake`, None once the call is over."""
        if self._state is _State.OVER:
            return None
        moments = [self._deadline, self._limit.end_at, self._talk.wake_at()]
        if self.asked:
            moments += [self._asked_at + PATIENCE, self._talk.speech_since + GRACE]
        elif self._awaited:
            moments.append(self._talk.speech_since + GRACE if self._fetchable else self._taken_at)
        return max(self._now, min(moments))

    def wake(self, now: float) -> Sequence[gs.GatherAction]:
        """Do what is due; harmless when nothing is."""
        if self._state is _State.OVER:
            return ()
        self._now = now
        if now >= self._limit.end_at:
            self._facts.time_is_up = True
            return self._part(self._plan.fallback_message, now)
        if now >= self._deadline:
            return self._give_up(now)
        return [*self._talk.wake(now), *self._look(now)]

    # --- the carrier

    def _on_asked(self, turn: CallerTurn | None, now: float) -> Sequence[gs.GatherAction]:
        """Take what the caller did, and find out what comes next."""
        self._note_request(now)
        state, self._state = self._state, _State.BETWEEN
        if state is _State.LEAVING:
            return [self._give(gs.HangUp(), _State.LEAVING, now)]
        actions: list[gs.GatherAction] = []
        if state is _State.HANDING_ON:
            return self._hand_on(now)
        if state is _State.PRESSING:
            actions += self._talk.keys_sent(now)
        elif state is _State.TYPING and self._talk.collecting is not None:
            typed = turn if isinstance(turn, CallerTyped) else CallerTyped("")
            actions += self._talk.typed(typed.keys, typed.finish_key, now)
        elif turn is not None or state is _State.LISTENING:
            actions += self._turns.take(turn or CallerSilent(), self._sent_at, now)
        elif self._goes_on:
            actions += self._talk.request(TAKEN_UP, now)
        self._goes_on = False
        if now >= self._limit.warn_at:
            self._limit.warned()
            actions += self._talk.request(Respond(guidance=WARNING), now)
        return [*actions, *self._look(now)]

    def _on_return(self, now: float) -> Sequence[gs.GatherAction]:
        """Go on with a caller who was away, or whose last step went wrong."""
        self._note_request(now)
        if self._state is _State.LEAVING:
            return [self._give(gs.HangUp(), _State.LEAVING, now)]
        self._state = _State.BETWEEN
        actions: list[gs.GatherAction] = []
        if self._talk.settled and self._talk.speech_since == math.inf:
            actions += self._talk.request(BACK, now)
        return [*actions, *self._look(now)]

    def _note_request(self, now: float) -> None:
        self.asked = True
        # A caller who has heard hold music to its end is not to wait in silence after it.
        self._asked_at = now - PATIENCE if self._state is _State.WAITING else now
        self._deadline = math.inf
        self._fetched = False
        self._facts.streaming = True

    # --- what comes next

    @property
    def _awaited(self) -> bool:
        """Whether the caller hears hold music, and is not on the way back yet."""
        return self._state is _State.WAITING and not self._fetched

    @property
    def _fetchable(self) -> bool:
        """Whether the carrier can be told to do something else than the first step."""
        return self._facts.streaming or self._now >= self._taken_at

    @property
    def _taken_at(self) -> float:
        """When (s) the carrier has taken the call up, and has said what it says first."""
        return self._sent_at + max(TAKEN, self._terms.before)

    def _look(self, now: float) -> Sequence[gs.GatherAction]:
        """Answer the carrier if it has asked and there is something to be said, or nothing more to come."""
        if self._state in (_State.OVER, _State.LEAVING, _State.AWAY) or not (self.asked or self._awaited):
            return ()
        if self._facts.refused is not None:
            return self._part(self._plan.fallback_message, now)
        talk = self._talk
        if talk.failed is not None:
            self._facts.model_failure = talk.failed
        elif self._unprepared or not (talk.settled or now >= talk.speech_since + GRACE):
            if self.asked and now >= self._asked_at + PATIENCE:
                return [self._give(gs.Wait(), _State.WAITING, now)]
            return ()
        if not (self.asked or self._fetchable):
            return ()
        if not self.asked:
            self._fetched = True
            return [gs.FetchCaller()]
        if talk.failed is not None:
            return self._part(self._plan.fallback_message, now)
        return self._next(now) if talk.settled else [self._give(gs.GoOn(), _State.BETWEEN, now)]

    def _next(self, now: float) -> Sequence[gs.GatherAction]:
        """Let the agent's words be spoken, and what it asked for be done behind them."""
        talk = self._talk
        if talk.hang_up_asked or self._turns.given_up:
            self._facts.caller_silent = self._turns.given_up
            self._facts.agent_hung_up = talk.hang_up_asked
            return self._part(None, now)
        if talk.transfer_asked is not None:
            if talk.speech_since == math.inf:
                return self._hand_on(now)
            return [self._give(gs.GoOn(), _State.HANDING_ON, now)]
        if talk.keys is not None:
            return [self._give(gs.PressKeys(talk.keys), _State.PRESSING, now)]
        if (wanted := talk.collecting) is not None:
            digits = gs.TakeDigits(wanted.most, wanted.finish_key, wanted.pause)
            return [self._give(digits, _State.TYPING, now)]
        return [self._give(gs.Listen(), _State.LISTENING, now)]

    def _give(self, then: gs.Then, state: _State, now: float) -> gs.GiveStep:
        """Give the carrier the next step, with all that waits to be spoken."""
        assert self.asked
        say = self._talk.take(now)
        self.number += 1
        self.asked = False
        self._state = state
        self._sent_at = now
        self.step = gs.Step(self.number, say, then)
        self._deadline = now + gs.longest(self.step, self._terms)
        return gs.GiveStep(self.step)

    # --- the outside

    def _on_outside(self, event: ev.OutsideEvent, now: float) -> Sequence[gs.GatherAction]:
        match event:
            case ev.TransferEnded(outcome):
                return self._on_transfer_end(event, now) if outcome is None else self._take_back(event, now)
            case ev.StatusReported(status):
                if status not in REPORTED_ENDINGS:
                    return ()
                self._facts.reported = status
                return self._finish(now)
            case ev.HangUpRequested():
                self._facts.cancelled = True
                return self._part(None, now)
            case ev.DrainExpired():
                self._facts.drained = True
                last = self._part(self._plan.fallback_message, now)
                return last if self._state is _State.OVER else [*last, *self._finish(now)]
            case ev.AnswererKnown():
                return self._part(self._facts.message, now) if self._facts.answered(event) else ()

    # --- transfers

    def _hand_on(self, now: float) -> Sequence[gs.GatherAction]:
        """Let the caller go to somebody else."""
        order = self._talk.transfer_asked
        assert order is not None
        self._limit.hold(now)
        return [order, self._give(gs.HandOn(), _State.AWAY, now)]

    def _take_back(self, event: ev.TransferEnded, now: float) -> Sequence[gs.GatherAction]:
        """Have the agent know why the caller is about to be back."""
        if self._state is not _State.AWAY:
            return ()
        self._limit.go_on(now)
        self._state = _State.BETWEEN
        self._deadline = now + gs.LATE
        return self._talk.transfer_ended(event.outcome, now)

    def _on_transfer_end(self, event: ev.TransferEnded, now: float) -> Sequence[gs.GatherAction]:
        """End the call, which is the person's now."""
        if self._state is not _State.AWAY:
            return ()
        self._facts.transferred = True
        self._talk.transfer_ended(event.outcome, now)
        return self._finish(now)

    # --- endings

    def _part(self, goodbye: str | None, now: float) -> Sequence[gs.GatherAction]:
        """End the call on our side: with the words that wait, or with `goodbye` instead of them.

        Where the carrier does not ask, the shell ends the call through its API.
        """
        actions: list[gs.GatherAction] = [*self._talk.stop()]
        if not self.asked:
            return [*actions, *self._finish(now)]
        if goodbye is not None:
            self._talk.drop_speech()
        self._facts.dismissed = True
        answer = self._give(gs.HangUp(), _State.LEAVING, now)
        if goodbye is not None:
            self.step = gs.Step(self.number, (goodbye,), gs.HangUp())
            self._deadline = now + gs.longest(self.step, self._terms)
            answer = gs.GiveStep(self.step)
        return [*actions, answer]

    def _give_up(self, now: float) -> Sequence[gs.GatherAction]:
        """End a call of which the carrier says nothing any more."""
        if self._state is not _State.LEAVING:
            self._facts.broken = "the carrier does not ask any more"
        return self._finish(now)

    def _finish(self, now: float) -> Sequence[gs.GatherAction]:
        """End the call. The one exit: every path leads here, and only once."""
        self._talk.cut(now)
        self._state = _State.OVER
        actions: list[gs.GatherAction] = [*self._talk.stop()]
        if self.asked:
            actions.append(self._last_step(now))
        return [*actions, Finished()]

    def _last_step(self, now: float) -> gs.GiveStep:
        """Return the answer for a carrier that still asks of a call that is over."""
        self._talk.drop_speech()
        self._facts.dismissed = True
        return self._give(gs.HangUp(), _State.OVER, now)
