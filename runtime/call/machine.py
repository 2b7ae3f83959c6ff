"""The call machine: one call from the webhook to its end, without I/O.

    webhook ── model configured ── greeting asked for ── stream starts ── talk ── one exit

The model and the caller's stream come up independently, in either order; what the model says meanwhile waits
in the conversation's ledger. A call that ends on our side first *leaves*: what was said is played to its end,
bounded, before the stream is closed. However a call ends, `_finish` runs once, and nothing follows it.

The shell hands in events in order, with a monotonic clock in seconds, carries out the actions in order, and
calls `wake` at `wake_at()`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from runtime.call import events as ev
from runtime.call.actions import Action, DropStream, EndStream, Finished, Respond
from runtime.call.conversation import Conversation
from runtime.call.ending import REPORTED_ENDINGS, CallFacts, Ending, conclude
from runtime.call.plan import CallPlan
from runtime.call.stream_link import BACK, StreamLink
from runtime.call.thinking.model_link import ModelLink, News
from runtime.call.time_limit import WARNING, TimeLimit
from runtime.call.transfer_steps import Outcome
from runtime.call_record import TranscriptEntry

LONGEST_LEAVE: Final = 8.0  # s to wait for a goodbye's last mark, or for a model that should still speak


class CallMachine:
    """One call: events and a clock in, actions out."""

    __slots__ = (
        "_conversation",
        "_facts",
        "_goodbye",
        "_leave_by",
        "_leaving",
        "_limit",
        "_link",
        "_next_wake",
        "_now",
        "_over",
        "_plan",
        "_quiet_until",
        "_stream",
    )

    def __init__(self, plan: CallPlan, *, now: float) -> None:
        """Begin with the webhook at `now` (monotonic seconds)."""
        self._plan = plan
        self._now = self._leave_by = now
        self._stream = StreamLink(timeout=plan.stream_timeout, returns=plan.returns, now=now)
        self._link = ModelLink(timeout=plan.model_timeout, jitter=plan.jitter, now=now, prep=plan.prep)
        self._limit = TimeLimit(plan.max_call_seconds)
        self._leaving = self._over = False
        self._goodbye: str | None = None
        self._next_wake: float | None = None  # None: to be computed again
        self._quiet_until: float | None = None  # the same, of what is due outside the talk
        self._facts = CallFacts(streaming=plan.returns > 0, spoken=plan.agent_has_spoken)
        self._conversation = Conversation(self._facts, plan)
        if plan.answered_at is not None:
            self._answer(plan.answered_at)

    # --- what the record shows

    @property
    def facts(self) -> CallFacts:
        """What has been recorded so far: a live view, to be read only."""
        return self._facts

    @property
    def transcript(self) -> tuple[TranscriptEntry, ...]:
        """What was said, as the caller has heard it up to the last event."""
        return self._conversation.heard(self._now)

    @property
    def awaits_stream(self) -> bool:
        """Whether the caller's stream is to come, for the first time or again."""
        return not self._over and self._stream.awaited

    @property
    def returns(self) -> int:
        """How often the caller has come back, or was waited for, after a stream that broke."""
        return self._stream.returns

    @property
    def ending(self) -> Ending | None:
        """How the call ended; None while it goes on."""
        return conclude(self._facts) if self._over else None

    # --- the surface for the shell

    def handle(self, event: ev.Event, now: float) -> Sequence[Action]:
        """Take one event and return what is to be done about it; nothing once the call is over."""
        if self._over:
            return self._on_report(event, now) if isinstance(event, ev.ModelUsed) else ()
        self._now = now
        if isinstance(event, ev.CallerAudio):  # 50 times a second, and nothing becomes due by it, as a rule
            passed = self._conversation.hear(event, now) if self._stream.open else ()
            if len(passed) == 1:
                return passed
            self._next_wake = self._quiet_until = None
            return [*passed, *self._look_at_the_talk(now)]
        self._next_wake = None
        if isinstance(event, ev.ModelAudio) and not self._leaving and not self._link.successor_ready:
            return self._conversation.handle(event, now)  # which is all that it may change
        self._quiet_until = None
        match event:
            case ev.StreamStarted() | ev.StreamStopped() | ev.StreamBroken() | ev.BadFrame():
                return self._on_stream(event, now)
            case ev.ModelConnected() | ev.ModelConfigured() | ev.ModelLost() | ev.ModelUnavailable():
                return self._follow(self._link.hear(event, now, self._expiry(event)), now)
            case ev.ModelProblem() | ev.ModelUsed():
                return self._on_report(event, now)
            case ev.OfSuccessor(inner):
                news = self._link.hear_successor(inner, now, self._expiry(inner))
                return [*self._follow(news, now), *self._hand_over(now)]
            case _ if isinstance(event, ev.OutsideEvent):
                return self._on_outside(event, now)
            case ev.Prepared():
                return self._on_prepared(event, now)
            case _:
                return self._on_talk(event, now)

    def wake_at(self) -> float | None:
        """Return the moment (monotonic seconds) at which to call `wake`, None once the call is over."""
        if self._over:
            return None
        if self._quiet_until is None:
            self._quiet_until = self._next_deadline()
        if self._next_wake is None:
            self._next_wake = max(self._now, min(self._quiet_until, self._conversation.wake_at()))
        return self._next_wake

    def wake(self, now: float) -> Sequence[Action]:
        """Do what is due; harmless when nothing is."""
        if self._over:
            return ()
        self._now = now
        self._next_wake = self._quiet_until = None
        if now >= self._stream.deadline:
            return self._miss_stream(now)
        if now >= self._limit.end_at:
            return self._end_by_the_clock(now)
        news = self._link.rest() if self._stream.rests(now) else self._link.wake(now)
        return [*self._follow(news, now), *self._wake_talk(now)]

    def _wake_talk(self, now: float) -> Sequence[Action]:
        """Say what is due to be said."""
        if self._over:
            return ()
        actions: list[Action] = []
        if now >= self._limit.warn_at:
            self._limit.warned()
            actions += self._conversation.request(Respond(guidance=WARNING), now)
        actions += self._conversation.wake(now)
        return [*actions, *self._look_at_the_talk(now)]

    # --- the leg, the model's connection, the outside

    def _on_stream(
        self, event: ev.StreamStarted | ev.StreamStopped | ev.StreamBroken | ev.BadFrame, now: float
    ) -> Sequence[Action]:
        match event:
            case ev.BadFrame():
                self._facts.bad_frames += 1
            case _ if self._stream.away:  # of the stream that the caller has left
                pass
            case ev.StreamStarted():
                return self._start_stream(now)
            case ev.StreamBroken(detail):
                return self._lose_stream(detail, now)
            case ev.StreamStopped():
                self._facts.stopped = True
                self._stream.close()
                return self._finish(now)
        return ()

    def _start_stream(self, now: float) -> Sequence[Action]:
        if not self._stream.start():
            self._facts.bad_frames += 1
            return ()
        self._facts.streaming = True
        if not self._limit.started:
            self._answer(now)
        actions = self._follow(self._link.resume(now), now)
        return [*actions, *self._conversation.join(now), *self._settle(now)]

    def _lose_stream(self, detail: str, now: float) -> Sequence[Action]:
        """Wait for the caller to come back, unless the call was about to end, or that was often enough."""
        if self._handing_on:
            return self._hand_on(now)
        if self._leaving or not self._stream.lose(now):
            self._stream.close()
            self._facts.broken = detail
            return self._finish(now)
        return [DropStream(), *self._conversation.part(BACK, now)]

    def _miss_stream(self, now: float) -> Sequence[Action]:
        """Give up a caller whose stream does not come."""
        if self._facts.streaming:
            self._facts.broken = "the caller did not come back"
        else:
            self._facts.stream_missed = True
        return self._finish(now)

    def _expiry(self, event: ev.ModelEvent) -> float | None:
        """Return when (s, of this call's clock) a session expires that was configured."""
        if not isinstance(event, ev.ModelConfigured) or event.expires_at is None:
            return None
        return event.expires_at - self._plan.epoch_at_zero

    def _hand_over(self, now: float) -> Sequence[Action]:
        """Let a successor take over when nobody speaks, or, when it is urgent, between two responses."""
        if not self._link.successor_ready or self._leaving:
            return ()
        talk = self._conversation
        if talk.at_rest or (talk.between_turns and self._link.urgent):
            return self._follow(self._link.swap(now), now)
        return ()

    def _follow(self, news: News, now: float) -> Sequence[Action]:
        """Let the conversation know what became of its model."""
        if news.failed is not None:
            return [*news.actions, *self._go_on_without(news.failed, now)]
        if news.lost and self._leaving:
            return [*news.actions, *self._leave_without(now)]
        if news.lost:
            self._conversation.lose_session(now)
        if news.ready:
            opening = self._plan.opening or Respond(say=self._plan.greeting)
            return [*news.actions, *self._conversation.begin(opening, now)]
        return self._conversation.briefed(news.actions)

    def _on_report(self, event: ev.ModelProblem | ev.ModelUsed, now: float) -> Sequence[Action]:
        if isinstance(event, ev.ModelUsed):
            self._facts.used(event.usage)
            return ()
        self._facts.met_problem(event.code)
        if event.fatal:
            return self._follow(self._link.give_up(event.code), now)
        return self._follow(self._link.malformed(now), now) if event.code == ev.MALFORMED else ()

    def _on_prepared(self, event: ev.Prepared, now: float) -> Sequence[Action]:
        """Let the model begin with what is known about the caller, or not at all."""
        self._facts.caller_profile = event.profile
        if event.complete or self._plan.prep != "required":
            return self._follow(self._link.prepared(now), now)
        self._facts.refused = "prep_timeout"
        return self._follow(self._link.give_up("prep brought nothing"), now)

    def _on_outside(self, event: ev.OutsideEvent, now: float) -> Sequence[Action]:
        match event:
            case ev.TransferEnded(outcome):
                return self._on_transfer_end(outcome, now)
            case ev.StatusReported(status):
                if status not in REPORTED_ENDINGS:
                    return ()
                self._facts.reported = status
            case ev.HangUpRequested():
                self._facts.cancelled = True
            case ev.DrainExpired():
                self._facts.drained = True
                return self._finish(now, self._plan.fallback_message)
            case ev.AnswererKnown():
                return self._finish(now, self._facts.message) if self._facts.answered(event) else ()
        return self._finish(now)

    def _on_talk(self, event: ev.TalkEvent, now: float) -> Sequence[Action]:
        """Let the conversation handle it, and see whether the call is to end now."""
        if isinstance(event, ev.ResponseEnded) and event.fatal:
            return self._follow(self._link.give_up(event.error_code or event.status), now)
        actions = self._conversation.handle(event, now)
        if self._conversation.hopeless:
            return [*actions, *self._look_at_the_talk(now)]
        if self._conversation.agent_hangs_up and not self._leaving:
            self._facts.agent_hung_up = True
            self._leave(None, now)
        elif self._conversation.transfer_asked and not self._leaving and not self._stream.away:
            self._leave(None, now)
        if self._link.successor_ready:
            return [*actions, *self._settle(now), *self._hand_over(now)]
        return [*actions, *self._settle(now)] if self._leaving else actions

    def _look_at_the_talk(self, now: float) -> Sequence[Action]:
        """Replace a model that does not answer; finish a call that has said its last words."""
        if self._conversation.hopeless and self._link.open:
            return self._follow(self._link.lose("the model does not answer", now), now)
        if self._conversation.caller_is_gone and not self._leaving:
            self._facts.caller_silent = True
            self._leave(None, now)
        return [*self._settle(now), *self._hand_over(now)]

    # --- limits

    def _answer(self, moment: float) -> None:
        """Count from here: transcript, latency and the time limit."""
        self._conversation.answered_at = moment
        self._limit.start(moment)

    def _next_deadline(self) -> float:
        """Return the next moment (s) at which something is due outside the talk, infinity for none."""
        stream, limit = self._stream, self._limit
        near = min(stream.deadline, stream.rest_at, limit.warn_at, limit.end_at)
        return min(near, self._link.wake_at(), self._latest_leave)

    @property
    def _latest_leave(self) -> float:
        """The moment (s) at which a leaving call is closed, heard or not."""
        if not self._leaving or not self._stream.open:
            return math.inf
        return max(self._leave_by, self._conversation.ends_at + LONGEST_LEAVE)

    # --- endings

    def _end_by_the_clock(self, now: float) -> Sequence[Action]:
        if self._leaving and not self._handing_on:
            return self._finish(now, self._goodbye)
        self._facts.time_is_up = True
        return self._finish(now, self._plan.fallback_message)

    def _go_on_without(self, detail: str, now: float) -> Sequence[Action]:
        """Go on without the model: play what it said, then the fallback message, unless that was goodbye."""
        self._conversation.lose_model()
        if not self._leaving:
            self._facts.model_failure = detail
            if not self._facts.spoken:
                self._conversation.drop(now)
            self._leave(self._plan.fallback_message, now)
        return self._settle(now)

    def _leave_without(self, now: float) -> Sequence[Action]:
        """Say no more than was said: the model was lost while the call was about to end, or be handed on."""
        if self._handing_on:
            self._conversation.lose_session(now)
            return [*self._link.rest().actions, *self._settle(now)]
        return [*self._link.end(), *self._go_on_without("lost while leaving", now)]

    def _leave(self, goodbye: str | None, now: float) -> None:
        """Begin to end the call: let what was said be heard, then close the stream with `goodbye`."""
        self._leaving = True
        self._goodbye = goodbye
        self._leave_by = now + LONGEST_LEAVE
        self._conversation.close()

    def _settle(self, now: float) -> Sequence[Action]:
        """Finish a leaving call once its last words were heard, or waited for long enough."""
        if not self._leaving or not self._stream.open:
            return ()
        if self._conversation.silent or now >= self._latest_leave:
            return self._hand_on(now) if self._handing_on else self._finish(now, self._goodbye)
        return ()

    # --- transfers

    @property
    def _handing_on(self) -> bool:
        """Whether the agent says its last words before a transfer."""
        return self._leaving and self._goodbye is None and self._conversation.transfer_asked is not None

    def _hand_on(self, now: float) -> Sequence[Action]:
        """Let the caller go to somebody else."""
        order = self._conversation.transfer_asked
        assert order is not None
        self._leaving = False
        self._stream.send_away(now)
        self._limit.hold(now)
        return [DropStream(), *self._conversation.part(None, now), order]

    def _on_transfer_end(self, outcome: Outcome | None, now: float) -> Sequence[Action]:
        """End the call, which is the person's now, or go on with the caller, who is about to be back."""
        if not self._stream.away:
            return ()
        self._limit.go_on(now)
        if outcome is None:
            self._facts.transferred = True
            self._conversation.hand_over(now)
            return self._finish(now)
        self._stream.take_back(now)
        told = self._conversation.take_back(outcome, now)
        if self._link.gone:
            self._leaving = False
            return self._go_on_without("gone during a transfer", now)
        return [*told, *self._follow(self._link.resume(now), now)]

    def _finish(self, now: float, goodbye: str | None = None) -> Sequence[Action]:
        """End the call. The one exit: every path leads here, and only once."""
        assert not self._over
        self._over = True
        self._conversation.drop(now)
        closing: list[Action] = [EndStream(goodbye)] if self._stream.open else []
        return [*closing, *self._link.end(), Finished()]
