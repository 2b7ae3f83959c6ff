"""A call in relay mode, without I/O: the carrier hears and speaks, over one connection that stays.

    webhook ── stream ── the caller's words ── the agent's, as they are written ── … ── one exit
                 └── broken: awaited again            └── interrupted: cut where the caller stopped hearing

The model is asked when the webhook arrives, so its first words are there when the caller is. What it
writes leaves at once; the carrier makes sentences of it, and tells what was heard of them when the caller
interrupts.

The shell hands in events, carries out the actions in order, and calls `wake` at `wake_at()`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from runtime.call import events as ev
from runtime.call.actions import DropStream, Finished, Respond
from runtime.call.ending import REPORTED_ENDINGS
from runtime.call.plan import CallPlan
from runtime.call.stream_link import BACK, StreamLink
from runtime.call.text import relay_steps as rs
from runtime.call.text.relay_caller import RelayCaller
from runtime.call.text.relay_hold import RelayHold
from runtime.call.text.relay_voice import RelaySpeech
from runtime.call.text.text_call import TextCall
from runtime.call.text.text_events import AskFailed, TextDelta, TextEnded
from runtime.call.time_limit import WARNING


class RelayCall(TextCall):
    """One call, from its webhook at `now` (s) on."""

    __slots__ = (
        "_caller",
        "_goodbye",
        "_hold",
        "_language",
        "_leaving",
        "_link",
        "_over",
        "_speech",
        "_voice",
    )

    def __init__(self, plan: CallPlan, terms: rs.RelayTerms, *, now: float) -> None:
        super().__init__(plan, now=now, ssml=False, drafts=terms.drafts, streams=True)
        self._link = StreamLink(timeout=plan.stream_timeout, returns=plan.returns, now=now)
        self._caller = RelayCaller(self._talk, plan.idle_seconds)
        self._hold = RelayHold(terms.hold)
        self._speech = RelaySpeech(self._talk)
        self._voice = self._speech.voice
        self._language: str | None = None
        self._leaving = self._over = False
        self._goodbye: str | None = None

    # --- what the record shows

    @property
    def _is_over(self) -> bool:
        return self._over

    @property
    def awaits_stream(self) -> bool:
        """Whether the caller is to be connected, for the first time or again."""
        return not self._over and self._link.awaited

    @property
    def returns(self) -> int:
        """How often the caller has come back to a new stream."""
        return self._link.returns

    # --- the surface for the shell

    def begin(self) -> Sequence[rs.RelayAction]:
        """Have the agent's first words written, while the caller is being connected."""
        return () if self._unprepared else self._open(self._now)

    def handle(self, event: rs.RelayEvent, now: float) -> Sequence[rs.RelayAction]:
        """Take one event and return what is to be done about it; nothing once the call is over."""
        if self._over:
            return ()
        self._now = now
        match event:
            case ev.StreamStarted():
                actions = self._start_stream(now)
            case ev.StreamBroken(detail):
                actions = self._lose_stream(detail, now)
            case rs.SessionFailed():
                actions = self._fail_session(event, now)
            case ev.BadFrame() | rs.Complaint():
                self._facts.bad_frames += 1
                actions = []
            case rs.AgentSounds(speaking):
                self._voice.report(now, speaking=speaking)
                actions = []
            case rs.CallerSounds(speaking):
                self._caller.report(now, speaking=speaking)
                actions = []
            case rs.Prompted() | rs.Interrupted() | ev.KeyPressed():
                actions = self._on_caller(event, now)
            case TextDelta() | TextEnded() | AskFailed() | ev.ToolRequested():
                actions = [*self._talk.handle(event, now)]
            case ev.ToolAnswered():
                actions = [*self._talk.tool_answered(event, now)]
            case ev.ToolReported():
                actions = [*self._talk.tool_reported(event, now)]
            case ev.Prepared():
                actions = [*self._prepare(event, now)]
            case _ if isinstance(event, ev.OutsideEvent):
                actions = self._on_outside(event, now)
            case _:  # of a model that hears
                return ()
        return [*actions, *self._look(now)]

    def wake_at(self) -> float | None:
        """Return the moment (monotonic seconds) at which to call `wake`, None once the call is over."""
        if self._over:
            return None
        moments = [self._link.deadline, self._limit.end_at, self._talk.wake_at()]
        if self._link.open:
            caller = self._caller.due_at(self._voice.until, minds=self._minds_silence)
            moments += [self._limit.warn_at, caller, self._hold.due_at, self._ends_at]
        return max(self._now, min(moments))

    def wake(self, now: float) -> Sequence[rs.RelayAction]:
        """Do what is due; harmless when nothing is."""
        if self._over:
            return ()
        self._now = now
        if now >= self._link.deadline:
            return self._miss_stream(now)
        if now >= self._limit.end_at:
            self._facts.time_is_up = True
            return self._finish(self._plan.fallback_message, now)
        actions: list[rs.RelayAction] = [*self._talk.wake(now)]
        if self._link.open and not self._leaving:
            actions += self._wake_talk(now)
        return [*actions, *self._look(now)]

    def _wake_talk(self, now: float) -> list[rs.RelayAction]:
        actions: list[rs.RelayAction] = []
        if now >= self._limit.warn_at:
            self._limit.warned()
            actions += self._talk.request(Respond(guidance=WARNING), now)
        return [*actions, *self._caller.wake(now, self._voice.until, minds=self._minds_silence)]

    # --- the stream

    def _start_stream(self, now: float) -> list[rs.RelayAction]:
        was_here = self._facts.streaming
        if not self._link.start():
            self._facts.bad_frames += 1
            return []
        self._facts.streaming = True
        if not self._limit.started:
            self._answered_at = now
            self._limit.start(now)
        self._caller.spoken_to(now)
        self._language = None
        has_words = not self._talk.settled or self._talk.speech_since != math.inf
        speaks = not was_here or has_words or self._unprepared
        first: list[rs.RelayAction] = [*self._change_language()]
        return first if speaks else [*first, *self._talk.request(BACK, now)]

    def _lose_stream(self, detail: str, now: float) -> list[rs.RelayAction]:
        """Wait for the caller to come back, unless the call was about to end, or that was often enough."""
        if not self._link.open:
            return []
        if self._leaving and self._handing_on:
            return self._part(now)
        if self._leaving or not self._link.lose(now):
            self._link.close()
            if not self._leaving:
                self._talk.cut(now)
            self._facts.broken = detail
            return self._finish(self._goodbye, now)
        self._fall_silent(now)
        self._talk.cut(now)
        self._talk.drop_speech()
        return [DropStream(), *self._talk.break_off(now)]

    def _fail_session(self, failed: rs.SessionFailed, now: float) -> list[rs.RelayAction]:
        """Give up a session that would fail again and again; one that did not come about is awaited again."""
        if self._link.open:
            return [] if failed.for_good else self._lose_stream(failed.detail, now)
        if not failed.for_good and self._link.lose(now):
            return []
        self._facts.broken = failed.detail
        return self._finish(self._plan.fallback_message, now)

    def _fall_silent(self, now: float) -> list[rs.SpeakText]:
        """Note that nothing is to be heard any more, of either side."""
        self._caller.leaves()
        self._hold.stop()
        return self._speech.fall_silent(now)

    def _miss_stream(self, now: float) -> list[rs.RelayAction]:
        """Give up a caller whose stream does not come."""
        if self._facts.streaming:
            self._facts.broken = "the caller did not come back"
        else:
            self._facts.stream_missed = True
        return self._finish(None, now)

    # --- the caller

    def _on_caller(
        self, event: rs.Prompted | rs.Interrupted | ev.KeyPressed, now: float
    ) -> list[rs.RelayAction]:
        if not self._link.open:
            return []
        self._caller.stirs(now)
        if isinstance(event, rs.Interrupted):
            return self._on_interruption(event, now)
        if self._leaving or (isinstance(event, rs.Prompted) and not event.text):
            return []
        if isinstance(event, ev.KeyPressed):
            return [*self._caller.presses(event, now)]
        return [*self._caller.says(event, now)]

    def _on_interruption(self, event: rs.Interrupted, now: float) -> list[rs.RelayAction]:
        """Stop where the caller stopped listening."""
        if self._hold.sounding:
            self._hold.stop()
            return []
        ended = self._speech.fall_silent(now)
        return [*ended, *self._talk.interrupt(event.heard, event.heard_ms, now)]

    # --- what comes next

    def _look(self, now: float) -> Sequence[rs.RelayAction]:
        """Speak what there is to be said; when all is said, do what is to be done behind it."""
        if self._over:
            return ()
        talk = self._talk
        if self._facts.refused is not None:
            return self._finish(self._plan.fallback_message, now)
        if talk.failed is not None and not self._leaving:
            self._facts.model_failure = talk.failed
            self._leave(self._plan.fallback_message)
            if not self._link.open and not self._link.away:
                return self._finish(self._goodbye, now)
        if not self._link.open:
            return ()
        actions = self._speak(now)
        if talk.keys is not None and talk.ask_id is None:
            actions.append(rs.SendKeys(talk.keys))
            actions += talk.keys_sent(now)
            actions += self._speak(now)
        actions += self._fill_wait(now)
        if not talk.settled and not self._leaving:
            return actions
        if talk.collecting is not None and not self._leaving:
            if now >= self._voice.ends_at:
                talk.listen(now)
            return actions
        wants_to_part = talk.hang_up_asked or talk.transfer_asked is not None or self._caller.given_up
        if wants_to_part and not self._leaving:
            self._facts.agent_hung_up = talk.hang_up_asked
            self._facts.caller_silent = self._caller.given_up
            self._leave(None)
        if not self._leaving or now < self._voice.ends_at:
            return actions
        return [*actions, *self._part(now)]

    def _speak(self, now: float) -> list[rs.RelayAction]:
        """Hand on what the agent has written."""
        spoken = self._speech.hand_on(now)
        if spoken:
            self._caller.spoken_to(now)
            self._hold.stop()
        return [*spoken, *self._change_language()]

    def _change_language(self) -> list[rs.SpeakLanguage]:
        """Let the carrier know in which language the agent goes on."""
        if self._talk.language == self._language or self._talk.language is None:
            return []
        self._language = self._talk.language
        return [rs.SpeakLanguage(self._language)]

    def _fill_wait(self, now: float) -> list[rs.RelayAction]:
        """Let a caller who waits for the agent hear something."""
        mute = self._leaving or self._caller.speaks or self._talk.collecting is not None
        waits = not mute and (self._unprepared or not self._talk.settled)
        first = not self._facts.spoken
        return [*self._hold.look(now, waits=waits, first=first, spoken_until=self._voice.until)]

    @property
    def _minds_silence(self) -> bool:
        """Whether it is the caller's turn to say something."""
        return not self._leaving and self._talk.settled and self._talk.collecting is None

    @property
    def _ends_at(self) -> float:
        """When (s) the words are heard behind which something is to be done."""
        wanted = self._talk.collecting
        waits = self._leaving or (wanted is not None and not wanted.listening and self._talk.settled)
        return self._voice.ends_at if waits else math.inf

    # --- the outside

    def _on_outside(self, event: ev.OutsideEvent, now: float) -> list[rs.RelayAction]:
        match event:
            case ev.TransferEnded():
                return self._on_transfer_end(event, now)
            case ev.StatusReported(status):
                if status not in REPORTED_ENDINGS:
                    return []
                self._facts.reported = status
            case ev.HangUpRequested():
                self._facts.cancelled = True
            case ev.DrainExpired():
                self._facts.drained = True
                return self._cut_off(self._plan.fallback_message, now)
            case ev.AnswererKnown():
                return self._cut_off(self._facts.message, now) if self._facts.answered(event) else []
        return self._cut_off(None, now)

    def _on_transfer_end(self, event: ev.TransferEnded, now: float) -> list[rs.RelayAction]:
        """End the call, which is the person's now, or go on with the caller, who is about to be back."""
        if not self._link.away:
            return []
        self._limit.go_on(now)
        told: list[rs.RelayAction] = [*self._talk.transfer_ended(event.outcome, now)]
        if event.outcome is None:
            self._facts.transferred = True
            return self._finish(None, now)
        self._link.take_back(now)
        return told

    # --- endings

    def _leave(self, goodbye: str | None) -> None:
        """Let what was sent be heard to its end, then part."""
        self._leaving = True
        self._goodbye = goodbye

    @property
    def _handing_on(self) -> bool:
        """Whether the caller goes to somebody else, and not for good."""
        ends = self._facts.agent_hung_up or self._caller.given_up or self._facts.model_failure is not None
        return self._talk.transfer_asked is not None and not ends

    def _part(self, now: float) -> list[rs.RelayAction]:
        """End the call, or let the caller go to somebody else."""
        order = self._talk.transfer_asked
        if order is None or not self._handing_on:
            return self._finish(self._goodbye, now)
        self._leaving = False
        self._link.send_away(now)
        self._limit.hold(now)
        self._fall_silent(now)
        return [rs.EndRelay(away=True), DropStream(), order]

    def _cut_off(self, goodbye: str | None, now: float) -> list[rs.RelayAction]:
        """End the call in the middle of whatever is being said."""
        self._talk.cut(now)
        return self._finish(goodbye, now)

    def _finish(self, goodbye: str | None, now: float) -> list[rs.RelayAction]:
        """End the call. The one exit: every path leads here, and only once."""
        self._over = True
        self._now = now
        actions: list[rs.RelayAction] = [*self._talk.stop()]
        if self._link.open:
            actions.append(rs.EndRelay(goodbye))
        self._link.close()
        return [*actions, Finished()]
