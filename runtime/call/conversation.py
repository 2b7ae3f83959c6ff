"""What is said in a call: the caller's audio to the model, the model's through the ledger, and the cuts.

The part of a call's logic that knows neither why a call begins nor how it ends; `machine.CallMachine` does.
When the caller speaks into the agent's words, the ledger tells what was heard of them, and playback, model
and transcript are cut at that place.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from runtime.call import events as ev
from runtime.call.actions import (
    Action,
    AnswerTool,
    CancelResponse,
    ClearPlayback,
    HearCaller,
    Recall,
    Respond,
    TellModel,
)
from runtime.call.keypad import Keypad
from runtime.call.ledger import PlaybackLedger
from runtime.call.playhead import BYTES_PER_MS
from runtime.call.recall import BROKEN_OFF, UNHEARD, Memory
from runtime.call.tools import HANG_UP, UNKNOWN_TOOL, tool_use
from runtime.call.transcript import Transcript
from runtime.call.turns import Turns
from runtime.call.uplink import Uplink

if TYPE_CHECKING:
    from runtime.call.ending import CallFacts
    from runtime.call.hold_sound import HoldSound
    from runtime.call.plan import Capabilities
    from runtime.call_record import TranscriptEntry


class Conversation:
    """The talk between the caller and the agent.

    The machine sets `answered_at` when the call is answered, calls `join` when the caller's stream is there
    and `begin` when a session of the model is ready, in either order, `lose_session` when that is lost and
    another is to come, and `close` when nobody is to be heard any more. It reads `agent_hangs_up` and
    `hopeless` after each event.
    """

    __slots__ = (
        "_begun",
        "_brief",
        "_caller_paused_at",
        "_capabilities",
        "_closing",
        "_facts",
        "_joined",
        "_key_messages",
        "_keypad",
        "_ledger",
        "_memory",
        "_model_listens",
        "_transcript",
        "_turns",
        "_uplink",
        "agent_hangs_up",
        "answered_at",
    )

    def __init__(
        self,
        facts: CallFacts,
        capabilities: Capabilities,
        history: tuple[TranscriptEntry, ...] = (),
        hold: HoldSound | None = None,
    ) -> None:
        self.answered_at = 0.0
        self.agent_hangs_up = False
        self._facts = facts
        self._capabilities = capabilities
        self._joined = False
        self._begun = False
        self._brief: str | None = None
        self._model_listens = False
        self._closing = False
        self._caller_paused_at: float | None = None
        self._key_messages = 0
        self._ledger = PlaybackLedger(hold)
        self._memory = Memory(history)
        self._transcript = Transcript()
        self._turns = Turns()
        self._uplink = Uplink()
        self._keypad = Keypad()

    # --- how it stands

    @property
    def hopeless(self) -> bool:
        """True when the model failed to answer as often as it may."""
        return self._turns.hopeless

    @property
    def silent(self) -> bool:
        """True when the agent has been heard to the end and is not about to say more."""
        return self._ledger.quiet and (self._turns.idle or not self._model_listens)

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
        if not self._ledger.speaks:
            self.wait_music(now)
        return self.wake(now)

    def wait_music(self, now: float) -> None:
        """Let the caller hear the hold sound, behind what is being said, until the agent speaks."""
        self._ledger.wait(now)

    def stop_music(self, now: float) -> list[Action]:
        """Let the hold sound fall silent, where the agent is not about to speak."""
        self._ledger.stop_waiting()
        return self._play(now)

    def begin(self, opening: Respond, now: float) -> list[Action]:
        """Let a session of the model listen: bring it up to date, and let it say what is owed to the caller.

        For the first session that is the `opening`.
        """
        told: list[Action] = [*self._memory.recall(self._transcript.told())]
        if self._brief is not None:
            told.append(Recall("system", self._brief))
            self._brief = None
        requests = self._turns.resume(now) if self._begun else self._turns.ask(opening, now)
        self._begun = self._model_listens = True
        return [*told, *requests, *self._uplink.open()]

    def request(self, request: Respond, now: float) -> Sequence[Action]:
        """Let the agent say something of our choosing, as soon as it is its turn."""
        if self._closing or not self._begun:
            return ()
        return self._turns.ask(request, now) if self._model_listens else self._turns.keep(request)

    def lose_session(self) -> None:
        """Do without the model until the next session is there; what it has said is played to its end.

        An utterance that was lost in the middle ends in the transcript where its audio does.
        """
        broken_off = self._ledger.unfinished()
        for item_id, received_ms in broken_off:
            self._transcript.break_off(item_id, received_ms)
        if self._transcript.caller_unheard:
            self._brief = UNHEARD
        elif broken_off:
            self._brief = BROKEN_OFF
        self._turns.lose_session(broken_off=bool(broken_off))
        self._uplink.close()
        self.lose_model()

    def lose_model(self) -> None:
        """Expect nothing more from the model; what it said before is still played."""
        self._model_listens = False
        self._ledger.complete_all()

    def close(self) -> None:
        """Let nobody interrupt any more: the agent says its last words."""
        self._closing = True
        self._ledger.stop_waiting()

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
            math.inf if self._keypad.due_at is None else self._keypad.due_at,
            self._turns.wake_at() if self._model_listens else math.inf,
        )

    def wake(self, now: float) -> list[Action]:
        """Do what is due."""
        actions: list[Action] = []
        if self._keypad.due_at is not None and now >= self._keypad.due_at:
            actions += self._send_keys(now)
        if self._model_listens:
            actions += self._turns.next(now)
        return actions + self._play(now)

    def _play(self, now: float) -> list[Action]:
        """Send the audio that is due and note what that means for the record."""
        if not self._joined:
            return []
        batch = self._ledger.due(now)
        for item_id in batch.begun:
            self._transcript.agent_begins(item_id, self._ms(now))
            self._note_latency(now)
        return [*batch.actions]

    def _note_latency(self, now: float) -> None:
        if not self._facts.spoken:
            self._facts.spoken = True
            self._facts.first_word_ms = self._ms(now)
        if self._caller_paused_at is not None:
            self._facts.turn_ms.append(round((now - self._caller_paused_at) * 1000))
            self._caller_paused_at = None

    def _ms(self, moment: float) -> int:
        """Return a moment as ms since the answer."""
        return max(0, round((moment - self.answered_at) * 1000))

    # --- what happens

    def hear(self, payload: str) -> Sequence[HearCaller]:
        """Pass the caller's audio on."""
        if self._closing:
            return ()
        passed = self._uplink.pass_on(payload)
        if not passed:
            self._facts.caller_audio_dropped_ms = self._uplink.dropped_ms
        return passed

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
                return ()
            case ev.ModelWords(item_id, delta):
                self._transcript.agent_adds(item_id, delta)
                return ()
            case ev.ModelWordsDone(item_id, text):
                self._transcript.agent_says(item_id, text)
                return ()
            case ev.KeyPressed(digit):
                self._keypad.press(digit, now)
                return ()
            case ev.ToolRequested():
                return self._on_tool(event, now)
            case ev.ResponseStarted(response_id):
                self._turns.started(response_id, now)
                return ()
            case ev.ResponseEnded():
                return self._on_response_end(event, now)
            case ev.RequestRefused():
                return self._turns.refused(now)
            case (
                ev.CallerSpeechStarted() | ev.CallerSpeechStopped() | ev.CallerWordsHeard() | ev.CallerWords()
            ):
                return self._on_caller(event, now)
        assert_never(event)

    def _on_response_end(self, event: ev.ResponseEnded, now: float) -> Sequence[Action]:
        """Flush what waits for an end that was never told, and give the next request its turn."""
        self._facts.used(event.usage)
        if event.response_id == self._turns.active:
            self._ledger.complete_all()
        requests = self._turns.ended(event.response_id, failed=event.status == "failed", now=now)
        return [*self._play(now), *requests]

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
        self._transcript.agent_audio(event.item_id, len(audio) / BYTES_PER_MS)
        return self._play(now)

    def _on_caller(self, event: ev.CallerEvent, now: float) -> Sequence[Action]:
        match event:
            case ev.CallerSpeechStarted(item_id, audio_start_ms):
                moment = self._uplink.moment(audio_start_ms, now)
                self._transcript.caller_begins(item_id, self._ms(moment))
                self._caller_paused_at = None
                self._turns.caller_speaks(now)
                return self._interrupt(now)
            case ev.CallerSpeechStopped():
                self._caller_paused_at = now
                self._turns.caller_pauses(now)
            case ev.CallerWords(item_id, text, usage):
                self._facts.used(usage)
                self._transcript.caller_says(item_id, text, self._ms(now))
        return ()

    def _interrupt(self, now: float) -> Sequence[Action]:
        """Stop the agent where the caller stopped listening.

        The clear goes first: it is what the caller hears. An engine that cancels its response itself is not
        told to, and a late cancel would hit the next response.
        """
        if self._closing:
            return ()
        active = self._turns.discard_active()
        cuts = self._ledger.interrupt(now)
        actions: list[Action] = [ClearPlayback()] if cuts and self._joined else []
        if active is not None and not self._capabilities.cancels_on_speech:
            actions.append(CancelResponse(active))
        for cut in cuts:
            actions += self._memory.cut(cut, self._transcript.cut(cut))
        return actions

    def _on_tool(self, event: ev.ToolRequested, now: float) -> Sequence[Action]:
        """Run a built-in tool; one that does not exist is answered, so that the model need not wait."""
        if self._closing or self._turns.discarded(event.response_id):
            return ()
        if event.name == HANG_UP:
            self._facts.tools.append(tool_use(event, None, 0))
            self.agent_hangs_up = True
            return ()
        self._facts.tools.append(tool_use(event, {"error": "there is no such tool"}, 0))
        return [AnswerTool(event.call_id, UNKNOWN_TOOL), *self._turns.ask(Respond(), now)]

    def _send_keys(self, now: float) -> list[Action]:
        """Put the keys into the conversation and let the agent react to them."""
        since = self._keypad.since
        text = self._keypad.take()
        self._key_messages += 1
        self._transcript.caller_says(f"keys-{self._key_messages}", text, self._ms(since))
        if self._closing or not self._begun:
            return []
        if not self._model_listens:  # the next session finds them in the transcript
            return self._turns.keep(Respond())
        return [TellModel(text), *self._turns.ask(Respond(), now)]
