"""What is said in a call: the caller's audio to the model, the model's through the ledger, and the cuts.

The part of a call's logic that knows neither why a call begins nor how it ends; `machine.CallMachine` does.
When the caller speaks into the agent's words, the floor decides what becomes of them.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.call import events as ev
from runtime.call.actions import Action, BeginTransfer, CancelResponse, ClearPlayback, Respond, TellModel
from runtime.call.hearing.floor import Floor
from runtime.call.hearing.idle import GOODBYE, Idle
from runtime.call.hearing.keypad import Keypad
from runtime.call.hearing.listening import Listening
from runtime.call.playback.ledger import PlaybackLedger
from runtime.call.playback.playhead import BYTES_PER_MS
from runtime.call.thinking.recall import Memory
from runtime.call.thinking.turn_clock import TurnClock
from runtime.call.thinking.turns import Turns
from runtime.call.tools.tool_talk import ToolTalk
from runtime.call.transcript import Transcript

if TYPE_CHECKING:
    from runtime.call.ending import CallFacts
    from runtime.call.plan import CallPlan
    from runtime.call.playback.ledger import Cut
    from runtime.call.transfer_steps import Outcome
    from runtime.call_record import TranscriptEntry


class Conversation:
    """The talk between the caller and the agent.

    The machine sets `answered_at` when the call is answered, calls `join` when the caller's stream is there
    and `begin` when a session of the model is ready, in either order, `lose_session` when that is lost and
    another is to come, and `close` when nobody is to be heard any more. It reads `agent_hangs_up`,
    `caller_is_gone` and `hopeless` after each event.
    """

    __slots__ = (
        "_begun",
        "_closing",
        "_facts",
        "_floor",
        "_idle",
        "_joined",
        "_keypad",
        "_ledger",
        "_listening",
        "_memory",
        "_model_listens",
        "_tools",
        "_transcript",
        "_turn_clock",
        "_turns",
        "agent_hangs_up",
        "answered_at",
        "caller_is_gone",
    )

    def __init__(self, facts: CallFacts, plan: CallPlan) -> None:
        self.answered_at = 0.0
        self.agent_hangs_up = False
        self.caller_is_gone = False
        self._facts = facts
        self._joined = False
        self._begun = False
        self._model_listens = False
        self._closing = False
        self._ledger = PlaybackLedger(plan.hold, keeps_sent=plan.interrupt.resume)
        self._memory = Memory(plan)
        self._transcript = Transcript(words_run_ahead=plan.capabilities.words_run_ahead)
        self._turns = Turns(owes_answers=plan.capabilities.owes_answers)
        self._turn_clock = TurnClock(facts.turns)
        self._floor = Floor(plan, self._ledger, self._turns, tell_of=self._tell_of)
        self._listening = Listening(
            plan, facts, self._floor, self._transcript, self._turn_clock, at_ms=self._ms
        )
        self._idle = Idle(plan.idle_seconds)
        self._keypad = Keypad(len(plan.history))
        self._tools = ToolTalk(plan, facts.tools, self._ledger, self._transcript, self._turns, at_ms=self._ms)

    # --- how it stands

    @property
    def hopeless(self) -> bool:
        """True when the model failed to answer as often as it may."""
        return self._turns.hopeless

    @property
    def transfer_asked(self) -> BeginTransfer | None:
        """The transfer that the agent wants, until it has ended."""
        return self._tools.transfer_asked

    @property
    def silent(self) -> bool:
        """True when the agent has been heard to the end and is not about to say more."""
        return self._ledger.quiet and not self._tools.busy and (self._turns.idle or not self._model_listens)

    @property
    def between_turns(self) -> bool:
        """Whether the model owes nobody an answer, and nobody speaks to it."""
        return self._turns.settled and not self._tools.busy

    @property
    def at_rest(self) -> bool:
        """Whether nobody speaks, and the agent has been heard to the end."""
        return self.between_turns and self._ledger.quiet

    @property
    def ends_at(self) -> float:
        """The moment (s) at which all that was sent so far has been played."""
        return self._ledger.ends_at

    def heard(self, now: float) -> tuple[TranscriptEntry, ...]:
        """Return the transcript as the caller has heard it up to `now`."""
        return self._transcript.view(self._ledger.unheard(now))

    # --- beginning and ending

    def join(self, now: float) -> list[Action]:
        """Let the caller in: their stream is there."""
        self._joined = True
        self._listening.join(now)
        self._idle.stir(now)
        if not self._ledger.speaks and not self._closing:
            self._ledger.wait(now)
        return self.wake(now)

    def part(self, back: Respond | None, now: float) -> list[Action]:
        """Let the caller go for a while: what they did not hear is cut, and `back` is said on their return.

        What was not sent before the agent's first word stays as it is, and is played then.
        """
        self._joined = False
        self._floor.let_go()
        cuts = self._ledger.interrupt(now) if self._facts.spoken else []
        self._ledger.lose_line()
        if not self._facts.spoken:
            return []
        active = self._turns.discard_active(unbegun=True)
        told: list[Action] = [] if active is None else [CancelResponse(active)]
        told += self._tell_of(cuts, now)
        if back is None:
            return told
        return [*told, *self._turns.ask(back, now)] if self._model_listens else self._turns.keep(back)

    def briefed(self, actions: Sequence[Action]) -> Sequence[Action]:
        """Return the actions with what a session is to know that is told with its configuration."""
        return self._memory.brief(actions, self._transcript.told)

    def begin(self, opening: Respond, now: float) -> list[Action]:
        """Let a session of the model listen: bring it up to date, and let it say what is owed to the caller.

        For the first session that is the `opening`.
        """
        told = self._memory.recall(self._transcript.told())
        requests = self._turns.resume(now) if self._begun else self._turns.ask(opening, now)
        if not requests:  # it is the caller's turn, and not to music
            self._ledger.stop_waiting()
        self._begun = self._model_listens = True
        self._idle.stir(now)
        return [*told, *requests, *self._tools.begin(now), *self._listening.open(now)]

    def request(self, request: Respond, now: float) -> Sequence[Action]:
        """Let the agent say something of our choosing, as soon as it is its turn."""
        if self._closing or not self._begun:
            return ()
        return self._turns.ask(request, now) if self._model_listens else self._turns.keep(request)

    def lose_session(self, now: float) -> None:
        """Do without the model until the next session is there; what it has said is played to its end.

        The caller hears the hold sound after that, if it takes longer than the sound's delay.
        An utterance that was lost in the middle ends in the transcript where its audio does.
        """
        broken_off = self._ledger.unfinished()
        for item_id, received_ms in broken_off:
            self._transcript.break_off(item_id, received_ms)
        if self._turns.lose_session(broken_off=bool(broken_off), tool_runs=self._tools.busy):
            self._memory.lost(
                agent_broken_off=bool(broken_off), caller_unheard=self._transcript.caller_unheard
            )
        self._listening.close()
        self.lose_model()
        if self._joined:
            self._ledger.wait(now)

    def lose_model(self) -> None:
        """Expect nothing more from the model; what it said before is still played."""
        self._model_listens = False
        self._floor.let_go()
        self._tools.lose_session()
        self._ledger.complete_all()

    def close(self) -> None:
        """Let nobody interrupt any more: the agent says its last words."""
        self._closing = True
        self._floor.close()
        self._tools.close()
        self._ledger.stop_waiting()

    def take_back(self, outcome: Outcome, now: float) -> list[Action]:
        """Go on with a caller who was put through to somebody and comes back, after `close` and `part`."""
        self._closing = self.agent_hangs_up = False
        self._floor.reopen()
        return self._tools.transfer_ended(outcome, now)

    def hand_over(self, now: float) -> None:
        """Note that the caller is together with the person."""
        self._tools.transfer_ended(None, now)

    def drop(self, now: float) -> None:
        """Forget what the caller has not heard, and cut the transcript there."""
        for cut in self._ledger.interrupt(now):
            self._transcript.cut(cut)

    # --- time

    def wake_at(self) -> float:
        """Return the next moment (s) at which something is due, infinity if there is none."""
        send_at = self._ledger.send_at() if self._joined else None
        return min(
            math.inf if send_at is None else send_at,
            self._keypad.due_at,
            self._turns.wake_at() if self._model_listens else math.inf,
            self._floor.interruption.due_at,
            self._listening.dead_at() if self._floor.caller_speaks else math.inf,
            self._idle_at() if self._idle.minded else math.inf,
            self._tools.wake_at(),
        )

    def wake(self, now: float) -> list[Action]:
        """Do what is due."""
        actions: list[Action] = []
        if now >= self._keypad.due_at:
            actions += self._send_keys(now)
        actions += self._audible(self._floor.wake(now))
        if self._model_listens:
            actions += self._turns.next(now)
        actions += [*self._listening.fill(now), *self._mind_silence(now), *self._tools.wake(now)]
        return actions + self._play(now)

    def _play(self, now: float) -> list[Action]:
        """Send the audio that is due and note what that means for the record."""
        if not self._joined:
            return []
        batch = self._ledger.due(now)
        for item_id in batch.begun:
            self._transcript.agent_begins(item_id, self._ms(now))
            self._turn_clock.begun(item_id, now)
            self._facts.agent_speaks(self._ms(now))
        if self._turn_clock.awaits_mark:
            self._turn_clock.sent(batch.actions)
        return [*batch.actions]

    def _idle_at(self) -> float:
        """Return when (s) both sides have been silent for too long."""
        talking = self._floor.caller_speaks or self._ledger.speaks or not self._turns.idle
        if talking or self._tools.busy or self._closing or not (self._joined and self._model_listens):
            return math.inf
        return self._idle.due_at(self.ends_at)

    def _mind_silence(self, now: float) -> Sequence[Action]:
        """Ask a silent caller whether they are there, and give up in the end."""
        if now < self._idle_at():
            return ()
        prompt = self._idle.prompt(now)
        self.caller_is_gone = prompt is GOODBYE
        return self._turns.ask(prompt, now)

    def _ms(self, moment: float) -> int:
        """Return a moment as ms since the answer."""
        return max(0, round((moment - self.answered_at) * 1000))

    # --- what happens

    def hear(self, audio: ev.CallerAudio, now: float) -> Sequence[Action]:
        """Pass the caller's audio on."""
        return () if self._closing else self._listening.hear(audio, now)

    def handle(self, event: ev.TalkEvent, now: float) -> Sequence[Action]:
        """Take one event of the talk and return what is to be done about it."""
        match event:
            case ev.ModelAudio():
                return self._on_audio(event, now)
            case ev.ModelAudioDone(item_id):
                self._ledger.complete(item_id)
                return self._play(now)
            case ev.MarkPlayed(name):
                self._ledger.acknowledge(name, now)
                if self._turn_clock.awaits_mark:
                    self._turn_clock.played(name, now)
                return self._tools.heard(now)
            case ev.ModelWords(item_id, delta):
                self._turns.works(now)
                self._transcript.agent_adds(item_id, delta)
                return ()
            case ev.ModelWordsDone(item_id, text):
                self._transcript.agent_says(item_id, text)
                return ()
            case ev.KeyPressed(digit):
                return self._on_key(digit, now)
            case ev.ToolRequested():
                actions = self._tools.requested(event, now)
                self.agent_hangs_up = self._tools.hang_up_asked
                return actions
            case ev.ToolReported():
                self._turns.works(now)
                return self._tools.reported(event, now)
            case ev.ModelWorks(at_tool):
                self._turns.works(now, at_tool=at_tool)
                return ()
            case ev.ToolAnswered():
                return self._tools.answered(event, now)
            case ev.ResponseStarted(response_id):
                wanted = self._turns.started(response_id, now)
                return () if wanted else (CancelResponse(response_id),)
            case ev.ResponseEnded():
                return self._on_response_end(event, now)
            case ev.RequestRefused():
                return self._turns.refused(now)
            case _:
                return self._on_caller(event, now)

    def _on_response_end(self, event: ev.ResponseEnded, now: float) -> Sequence[Action]:
        """Flush what waits for an end that was never told, and give the next request its turn."""
        self._facts.used(event.usage)
        self._idle.stir(now)
        if event.response_id == self._turns.active:
            self._ledger.complete_all()
        requests = self._turns.ended(event.response_id, failed=event.status == "failed", now=now)
        return [*self._play(now), *self._tools.response_ended(event.response_id, now), *requests]

    def _on_audio(self, event: ev.ModelAudio, now: float) -> Sequence[Action]:
        self._turns.reacted(now)
        if self._turns.discarded(event.response_id):
            return ()
        try:
            audio = binascii.a2b_base64(event.payload, strict_mode=True)
        except binascii.Error:
            self._facts.bad_model_audio += 1
            return ()
        if not audio or not self._ledger.receive(event.item_id, audio):
            return ()
        if self._turn_clock.awaits_audio:
            self._turn_clock.audio(event.response_id, event.item_id, now)
        self._transcript.agent_audio(event.item_id, len(audio) / BYTES_PER_MS)
        return self._play(now)

    def _on_caller(self, event: ev.CallerEvent, now: float) -> Sequence[Action]:
        self._idle.caller_stirs(now)
        if isinstance(event, ev.CallerSpeechStarted):
            self._tools.caller_speaks()
        actions = self._listening.handle(event, now, self._turns.active)
        return [*self._audible(actions), *self._play(now)]

    def _audible(self, actions: list[Action]) -> list[Action]:
        """Return the actions without those that mean nothing before the caller's stream is there."""
        return actions if self._joined else [each for each in actions if not isinstance(each, ClearPlayback)]

    def _tell_of(self, cuts: Sequence[Cut], now: float) -> list[Action]:
        """Cut the transcript and return what the model is told; of keys that sounded it knows nothing."""
        told: list[Action] = []
        for cut in cuts:
            keys = self._tools.cut(cut, now)
            told += self._memory.cut(cut, self._transcript.cut(cut)) if keys is None else keys
        return told

    def _on_key(self, key: str, now: float) -> Sequence[Action]:
        """Give the key to the tool that waits for keys, or else to the model, with those that follow."""
        self._idle.caller_stirs(now)
        taken = self._tools.key_pressed(key, now)
        if taken is None:
            self._keypad.press(key, now)
        return taken or ()

    def _send_keys(self, now: float) -> list[Action]:
        """Put the keys into the conversation and let the agent react to them."""
        keys = self._keypad.take()
        self._transcript.caller_says(keys.item_id, keys.text, self._ms(keys.since))
        if self._closing or not self._begun:
            return []
        if not self._model_listens:  # the next session finds them in the transcript
            return self._turns.keep(Respond())
        return [TellModel(keys.text), *self._turns.ask(Respond(), now)]
