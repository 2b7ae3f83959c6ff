"""Tools within the talk: what they do to sound, keys, turns and transcript.

Between the conversation, whose ledger, turns and transcript it shares, and the `ToolDesk`, which knows
requests and answers. Nothing here waits: a tool that runs leaves the caller and the model free to talk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from runtime.call.actions import Action, BeginTransfer, Respond, RunTool
from runtime.call.playback.playhead import BYTES_PER_MS
from runtime.call.tools.tool_desk import DeskAction, SoundKeys, ToolDesk
from runtime.call.tools.toolbox import ToolLine

if TYPE_CHECKING:
    from runtime.call.events import ToolAnswered, ToolReported, ToolRequested
    from runtime.call.plan import CallPlan
    from runtime.call.playback.ledger import Cut, PlaybackLedger
    from runtime.call.thinking.turns import Turns
    from runtime.call.transcript import Transcript
    from runtime.call.transfer_steps import Outcome
    from runtime.call_record import ToolUse


class ToolTalk:
    """The tools of one call. `at_ms` turns a moment (s) into ms since the answer."""

    __slots__ = ("_at_ms", "_closing", "_desk", "_ledger", "_listens", "_transcript", "_turns")

    def __init__(
        self,
        plan: CallPlan,
        record: list[ToolUse],
        ledger: PlaybackLedger,
        transcript: Transcript,
        turns: Turns,
        *,
        at_ms: Callable[[float], int],
    ) -> None:
        self._desk = ToolDesk(plan.tools, record, after=len(plan.history))
        self._ledger = ledger
        self._transcript = transcript
        self._turns = turns
        self._at_ms = at_ms
        self._listens = False
        self._closing = False

    @property
    def hang_up_asked(self) -> bool:
        """Whether the agent wants the call to end."""
        return self._desk.hang_up_asked

    @property
    def transfer_asked(self) -> BeginTransfer | None:
        """The transfer that the agent wants, until it has ended."""
        return self._desk.transfer_asked

    def transfer_ended(self, outcome: Outcome | None, now: float) -> list[Action]:
        """Note what came of the transfer; a caller who comes back is talked to again."""
        self._closing = outcome is None
        return self._do(self._desk.transfer_ended(outcome, now), now)

    @property
    def busy(self) -> bool:
        """Whether the agent waits for a tool, and is going to say more."""
        return self._listens and self._desk.busy

    # --- the model

    def begin(self, now: float) -> list[Action]:
        """Let a session of the model have what came while there was none."""
        self._listens = True
        return self._do(self._desk.resume(), now)

    def lose_session(self) -> None:
        """Keep what comes for the next session of the model."""
        self._listens = False
        self._desk.lose_session()

    def close(self) -> None:
        """Tell the model nothing more: the call ends. What was asked for is still done."""
        self._closing = True

    def requested(self, event: ToolRequested, now: float) -> list[Action]:
        """Take a request; one in a response that the caller spoke into is not carried out."""
        unheard = self._turns.discarded(event.response_id)
        ended = event.response_id != self._turns.active
        done = self._do(self._desk.ask(event, now, ended=ended, unheard=unheard), now)
        return [*done, *self.heard(now)] if ended else done

    def answered(self, event: ToolAnswered, now: float) -> list[Action]:
        """Take the answer of a tool that has run."""
        return self._do(self._desk.answer(event), now)

    def reported(self, event: ToolReported, now: float) -> list[Action]:
        """Note a tool that the model's side has run."""
        return self._do([self._desk.reported(event)], now)

    def response_ended(self, response_id: str, now: float) -> list[Action]:
        """Note that a response asks for nothing more; the caller may have heard all of it."""
        return [*self._do(self._desk.response_ended(response_id), now), *self.heard(now)]

    # --- the caller

    def caller_speaks(self) -> None:
        """Note that the caller is not waiting in silence."""
        self._desk.caller_speaks()

    def key_pressed(self, key: str, now: float) -> list[Action] | None:
        """Take a key that is meant for a tool; None when none wants it."""
        return self._do(self._desk.press(key, now), now) if self._desk.collecting else None

    def heard(self, now: float) -> list[Action]:
        """Look at what the caller has heard by now: keys that sounded, a prompt to its end."""
        if self._desk.sounding is not None and self._ledger.quiet:
            return self._do(self._desk.keys_heard(now, whole=True), now)
        if self._desk.collecting and self._ledger.quiet and self._turns.idle:
            self._desk.listen(now)
        return []

    def cut(self, cut: Cut, now: float) -> list[Action] | None:
        """Note that keys of ours were cut off; None for an utterance of the model."""
        if not self._desk.sounds(cut.item_id):
            return None
        self._transcript.cut(cut)
        return self._do(self._desk.keys_heard(now, whole=False), now)

    # --- time

    def wake_at(self) -> float:
        """Return the next moment (s) at which something is due, infinity if there is none."""
        return self._desk.wake_at(self._quiet_since())

    def wake(self, now: float) -> list[Action]:
        """Do what is due."""
        return self._do(self._desk.wake(now, self._quiet_since()), now)

    def _quiet_since(self) -> float | None:
        """Return since when (s) nobody has spoken, None while somebody does or is about to."""
        if not self._listens or self._closing or not self._turns.idle or self._ledger.speaks:
            return None
        return self._ledger.ends_at

    # --- what comes of it

    def _do(self, actions: Sequence[DeskAction], now: float) -> list[Action]:
        done: list[Action] = []
        for action in actions:
            if isinstance(action, RunTool):
                done.append(action)
            elif isinstance(action, ToolLine):
                self._transcript.tool_used(action.call_id, action.text, self._at_ms(now))
            elif self._closing or not self._listens:
                continue
            elif isinstance(action, SoundKeys):
                self._sound(action)
            elif isinstance(action, Respond):
                done += self._turns.ask(action, now)
            else:
                done.append(action)
        return done

    def _sound(self, keys: SoundKeys) -> None:
        """Let keys wait behind what the agent says, as an utterance of our own."""
        self._transcript.agent_says(keys.item_id, f"[keys: {keys.keys}]")
        if self._ledger.receive(keys.item_id, keys.audio):
            self._transcript.agent_audio(keys.item_id, len(keys.audio) / BYTES_PER_MS)
            self._ledger.complete(keys.item_id)
