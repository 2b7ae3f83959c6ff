"""What the caller says: into the model's ear, into the transcript, and to the floor, which acts on it."""

from __future__ import annotations

import binascii
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from runtime.call import events as ev
from runtime.call.actions import Action
from runtime.call.hearing.attention import Attention
from runtime.call.hearing.uplink import Uplink

if TYPE_CHECKING:
    from runtime.call.ending import CallFacts
    from runtime.call.hearing.floor import Floor
    from runtime.call.plan import CallPlan
    from runtime.call.thinking.turn_clock import TurnClock
    from runtime.call.transcript import Transcript


class Listening:
    """The caller's side of the talk. `at_ms` turns a moment (s) into the transcript's time."""

    __slots__ = (
        "_at_ms",
        "_attention",
        "_clock",
        "_deaf",
        "_facts",
        "_floor",
        "_interruption",
        "_owes_answers",
        "_pause_ms",
        "_transcript",
        "_uplink",
    )

    def __init__(
        self,
        plan: CallPlan,
        facts: CallFacts,
        floor: Floor,
        transcript: Transcript,
        clock: TurnClock,
        *,
        at_ms: Callable[[float], int],
    ) -> None:
        self._facts = facts
        self._floor = floor
        self._interruption = floor.interruption
        self._transcript = transcript
        self._clock = clock
        self._at_ms = at_ms
        self._pause_ms = plan.pause_ms
        self._uplink = Uplink()
        self._attention = Attention(plan.pause_ms)
        self._owes_answers = plan.capabilities.owes_answers  # by their absence a deaf model is known
        self._deaf = False

    def join(self, now: float) -> None:
        """Expect a stream, whose time begins at its start."""
        self._uplink.restart(now)

    def open(self, now: float) -> list[Action]:
        """Let the model listen, and return what was kept for it."""
        self._attention.restart(now)
        return [*self._uplink.open()]

    def close(self) -> None:
        """Keep what the caller says for the next session, and what a deaf one did not hear."""
        self._uplink.close()
        if self._deaf:
            self._uplink.keep(self._attention.recent())
        self._deaf = False

    # --- the caller's audio

    def hear(self, audio: ev.CallerAudio, now: float) -> Sequence[Action]:
        """Pass the caller's audio on, and look at it where it decides what they want.

        A session that does not hear them is given up.
        """
        passed = self._uplink.pass_on(audio, now)
        if len(passed) != 1:
            self._note_input()
        if passed and self._attention.is_due(audio.payload) and self._is_deaf(audio.payload, now):
            return ()
        if not self._interruption.doubt:
            return passed
        return [*passed, *self._floor.caller_sounds(binascii.a2b_base64(audio.payload), now)]

    def _is_deaf(self, payload: str, now: float) -> bool:
        """Tell whether the model does not hear the caller, and give it up then."""
        if not self._owes_answers:
            return False
        floor = self._floor
        aware = floor.caller_speaks
        if not self._attention.judge(payload, now, aware=aware, agent_busy=floor.agent_speaks(now)):
            return False
        self._deaf = not aware
        floor.caller_unheard(now)
        return True

    def dead_at(self) -> float:
        """Return when (s) to go on in silence for a line that went dead under the caller's words."""
        return self._uplink.intake.dead_at() if self._floor.caller_speaks else math.inf

    def fill(self, now: float) -> Sequence[Action]:
        """Give the model silence for a dead line, so that it can find the end of the caller's turn."""
        if now < self.dead_at():
            return ()
        silence = self._uplink.fill()
        self._note_input()
        return silence

    def _note_input(self) -> None:
        """Record what had to be done about the caller's audio."""
        self._facts.caller_audio_dropped_ms = self._uplink.dropped_ms
        self._facts.caller_audio_filled_ms = self._uplink.intake.filled_ms
        self._facts.caller_frames_dropped = self._uplink.intake.dropped

    def _silent_ms(self, audio_end_ms: int, now: float) -> int | None:
        """Return for how long the caller has been silent by now, where the model's pause is a known one."""
        late = now - self._uplink.moment(audio_end_ms, now)
        return None if self._pause_ms is None else round(late * 1000) + self._pause_ms

    # --- what the model hears in it

    def handle(self, event: ev.CallerEvent, now: float, active: str | None) -> list[Action]:
        """Take what the model reports; `active` is the response that it is generating."""
        self._attention.noticed(now)
        match event:
            case ev.CallerSpeechStarted(item_id, audio_start_ms):
                moment = self._uplink.moment(audio_start_ms, now)
                self._transcript.caller_begins(item_id, self._at_ms(moment))
                self._clock.caller_speaks()
                return self._floor.caller_starts(item_id, now)
            case ev.CallerSpeechStopped(_, audio_end_ms):
                self._clock.caller_pauses(now, self._silent_ms(audio_end_ms, now), active)
                return self._floor.caller_stops(now)
            case ev.CallerWordsHeard(item_id, delta):
                return self._floor.caller_says(item_id, delta, now, whole=False)
            case ev.CallerWords(item_id, text, usage):
                self._facts.used(usage)
                self._transcript.caller_says(item_id, text, self._at_ms(now))
                return self._floor.caller_says(item_id, text, now, whole=True)
