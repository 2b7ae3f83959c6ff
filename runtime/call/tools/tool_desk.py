"""Where a call's tools are used: the toolbox, and the functions that the call carries out itself.

A thin layer between the conversation, which owns sound, keys and turns, and the toolbox, which owns requests
and answers. It returns what is to be done; the conversation lets `Respond` wait for its turn, plays
`SoundKeys`, and passes the rest on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from runtime.call.actions import BeginTransfer, Respond, RunTool
from runtime.call.events import ToolAnswered
from runtime.call.tools.built_in import (
    COLLECT_DIGITS,
    DO_NOT_CALL,
    HANG_UP,
    LANGUAGE_SWITCHED,
    MESSAGE_TAKEN,
    SEND_DIGITS,
    SWITCH_LANGUAGE,
    TAKE_MESSAGE,
    TRANSFER,
    keys_sent,
    transfer_result,
)
from runtime.call.tools.digit_input import DigitInput
from runtime.call.tools.tones import tones
from runtime.call.tools.tool_texts import failure
from runtime.call.tools.toolbox import FILLER_AFTER, NO_SUCH_TOOL, ToolAction, Toolbox

if TYPE_CHECKING:
    from runtime.call.events import ToolReported, ToolRequested
    from runtime.call.tools.toolset import JsonObject, Toolset
    from runtime.call.transfer_steps import Outcome
    from runtime.call_record import ToolUse


@dataclass(frozen=True, slots=True)
class SoundKeys:
    """Play keys to the other side as an utterance of this name: `audio` is µ-law, `keys` what they are."""

    item_id: str
    keys: str
    audio: bytes


DeskAction: TypeAlias = ToolAction | SoundKeys


MOST_TRANSFERS: Final = 5  # attempts in one call


@dataclass(frozen=True, slots=True)
class _Transfer:
    """A transfer that the agent asked for: answered when the caller is with the person, or comes back."""

    call_id: str
    order: BeginTransfer
    asked_at: float


@dataclass(frozen=True, slots=True)
class _Sounding:
    """Keys on their way to the other side: answered when they have been heard."""

    call_id: str
    item_id: str
    keys: str
    asked_at: float


class ToolDesk:
    """The tools of one call. `hang_up_asked` is set when the agent wants the call to end.

    Keys that are sent are numbered behind `after`. `language` is the one that the agent has changed to, None
    for the first one.
    """

    __slots__ = (
        "_input",
        "_keys_sent",
        "_sounding",
        "_toolbox",
        "_transfer",
        "_transfers",
        "hang_up_asked",
        "language",
    )

    def __init__(
        self, tools: Toolset, record: list[ToolUse], after: int = 0, *, language: str | None = None
    ) -> None:
        self.hang_up_asked = False
        self.language = language
        self._toolbox = Toolbox(tools, record)
        self._input: DigitInput | None = None
        self._sounding: _Sounding | None = None
        self._keys_sent = after
        self._transfer: _Transfer | None = None
        self._transfers = 0

    @property
    def busy(self) -> bool:
        """Whether something that was asked for is still being done, other than a transfer."""
        return self._toolbox.running > (0 if self._transfer is None else 1)

    # --- requests and answers

    def ask(self, request: ToolRequested, now: float, *, ended: bool, unheard: bool) -> Sequence[DeskAction]:
        """Take a request of the model; see `Toolbox.ask`."""
        taken = self._toolbox.ask(request, now, ended=ended, unheard=unheard)
        if taken is None:
            return self._toolbox.give()
        function, arguments = taken
        if not function.built_in:
            return [RunTool(request.call_id, function.name, arguments), *self._toolbox.give()]
        return self._carry_out(request, arguments, now)

    def answer(self, event: ToolAnswered) -> Sequence[DeskAction]:
        """Take the answer of a tool that the shell has run."""
        return self._toolbox.answer(event)

    def reported(self, event: ToolReported) -> DeskAction:
        """Note a tool that the model's side has run."""
        return self._toolbox.report(event)

    def response_ended(self, response_id: str) -> Sequence[DeskAction]:
        """Note that a response is over."""
        return self._toolbox.response_ended(response_id)

    def lose_session(self) -> None:
        """Go on without the session that asked."""
        self._toolbox.lose_session()

    def resume(self) -> Sequence[DeskAction]:
        """Go on with a new session, and return what it is to be told."""
        return self._toolbox.resume()

    def _carry_out(self, request: ToolRequested, arguments: JsonObject, now: float) -> Sequence[DeskAction]:
        call_id = request.call_id
        if request.name == HANG_UP:
            self.hang_up_asked = True
            self._toolbox.drop(call_id)
            return ()
        if request.name == TAKE_MESSAGE:
            return self._done(call_id, MESSAGE_TAKEN)
        if request.name == DO_NOT_CALL:
            return [RunTool(call_id, request.name, arguments), *self._toolbox.give()]
        if request.name == SEND_DIGITS:
            return self._send(call_id, str(arguments.get("digits") or ""), now)
        if request.name == COLLECT_DIGITS:
            return self._collect(DigitInput(call_id, arguments))
        if request.name == SWITCH_LANGUAGE:
            self.language = str(arguments.get("language") or "") or self.language
            return self._done(call_id, LANGUAGE_SWITCHED)
        if request.name == TRANSFER:
            return self._hand_on(call_id, arguments, now)
        return self._done(call_id, failure(NO_SUCH_TOOL))

    def _done(self, call_id: str, output: str, ms: int = 0) -> Sequence[DeskAction]:
        return self._toolbox.answer(ToolAnswered(call_id, output, None, ms))

    # --- a transfer

    @property
    def transfer_asked(self) -> BeginTransfer | None:
        """The transfer that the agent wants, until it has ended."""
        return None if self._transfer is None else self._transfer.order

    def transfer_ended(self, outcome: Outcome | None, now: float) -> Sequence[DeskAction]:
        """Note that the caller is with the person, or back; the agent goes on then, whatever it had asked."""
        transfer, self._transfer = self._transfer, None
        self.hang_up_asked = False
        if transfer is None:
            return ()
        ms = round((now - transfer.asked_at) * 1000)
        return self._done(transfer.call_id, transfer_result(outcome), ms)

    def _hand_on(self, call_id: str, arguments: JsonObject, now: float) -> Sequence[DeskAction]:
        if self._transfer is not None or self._transfers >= MOST_TRANSFERS:
            return self._done(call_id, failure("not transferred: that was tried often enough"))
        self._transfers += 1
        destination = arguments.get("destination")
        order = BeginTransfer(
            None if destination is None else str(destination), str(arguments.get("summary") or "")
        )
        self._transfer = _Transfer(call_id, order, now)
        return ()

    # --- keys to the other side

    def _send(self, call_id: str, keys: str, now: float) -> Sequence[DeskAction]:
        if self._sounding is not None:
            return self._done(call_id, failure("other keys are still sounding"))
        try:
            audio = tones(keys)
        except KeyError:
            audio = b""
        if not audio:
            return self._done(call_id, failure("digits: 0-9, *, #, A-D and w, at least one of them"))
        self._keys_sent += 1
        item_id = f"keys-sent-{self._keys_sent}"
        self._sounding = _Sounding(call_id, item_id, keys, now)
        return [SoundKeys(item_id, keys, audio)]

    def sounds(self, item_id: str) -> bool:
        """Tell whether an utterance is keys of ours, which the model knows nothing of."""
        return item_id.startswith("keys-sent-")

    @property
    def sounding(self) -> str | None:
        """The name of the utterance that has to be heard before the model is answered."""
        return None if self._sounding is None else self._sounding.item_id

    def keys_heard(self, now: float, *, whole: bool) -> Sequence[DeskAction]:
        """Note that the keys have sounded, or were cut off."""
        sounding, self._sounding = self._sounding, None
        if sounding is None:
            return ()
        ms = round((now - sounding.asked_at) * 1000)
        return self._done(sounding.call_id, keys_sent(sounding.keys, whole=whole), ms)

    # --- keys of the caller

    def _collect(self, wanted: DigitInput) -> Sequence[DeskAction]:
        if self._input is not None:
            return self._done(wanted.call_id, failure("digits are being collected already"))
        self._input = wanted
        return [Respond(say=wanted.prompt)] if wanted.prompt else ()

    @property
    def collecting(self) -> bool:
        """Whether the caller's keys are meant for a tool."""
        return self._input is not None

    @property
    def input(self) -> DigitInput | None:
        """What the caller is to type, None when nothing is wanted."""
        return self._input

    def take_input(self, keys: str, finish_key: str | None) -> Sequence[DeskAction]:
        """Take what the caller has typed, from a carrier that collects keys by itself."""
        if self._input is None:
            return ()
        self._input.take(keys, finish_key)
        return self._end_input()

    def listen(self, now: float) -> None:
        """Note that the caller has heard everything, what to type included."""
        if self._input is not None:
            self._input.listen(now)

    def press(self, key: str, now: float) -> Sequence[DeskAction]:
        """Take a key of the caller while `collecting`."""
        assert self._input is not None
        self._input.press(key, now)
        return self._end_input()

    def _end_input(self) -> Sequence[DeskAction]:
        wanted = self._input
        if wanted is None or wanted.ended_by is None:
            return ()
        self._input = None
        return self._done(wanted.call_id, wanted.result())

    # --- time

    def caller_speaks(self) -> None:
        """Note that the caller is not waiting in silence."""
        self._toolbox.caller_speaks()

    def wake_at(self, quiet_since: float | None) -> float:
        """Return when (s) something is due; `quiet_since` is None while somebody speaks or is about to."""
        due = self._input.due_at if self._input is not None else math.inf
        return min(due, self._toolbox.wake_at(), self._filler_at(quiet_since))

    def wake(self, now: float, quiet_since: float | None) -> Sequence[DeskAction]:
        """Do what is due."""
        actions: list[DeskAction] = [*self._toolbox.wake(now)]
        self._forget_given_up()
        if self._input is not None:
            self._input.wake(now)
            actions += self._end_input()
        if now >= self._filler_at(quiet_since):
            actions.append(self._toolbox.take_filler())
        return actions

    def _forget_given_up(self) -> None:
        """Let go of keys that the toolbox has answered for already."""
        if self._input is not None and not self._toolbox.awaits(self._input.call_id):
            self._input = None
        if self._sounding is not None and not self._toolbox.awaits(self._sounding.call_id):
            self._sounding = None

    def _filler_at(self, quiet_since: float | None) -> float:
        if quiet_since is None:
            return math.inf
        return max(self._toolbox.filler_at(), quiet_since + FILLER_AFTER)
