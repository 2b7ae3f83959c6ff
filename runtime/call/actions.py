"""What the machine wants done. The shell does it, in order, and decides nothing.

The leg's codec encodes `PlayAudio`, `PlayMark`, `ClearPlayback`; the engine's codec encodes what goes to the
model; `LineAction`s are its connections'; the others are the shell's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from runtime.call.tools.toolset import JsonObject

# --- to the leg ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlayAudio:
    """Play this to the caller: base64 µ-law, whole 20 ms frames except at an item's end, 100 ms at most."""

    payload: str


@dataclass(frozen=True, slots=True)
class PlayMark:
    """Tell us by this name when everything before it has been played."""

    name: str


@dataclass(frozen=True, slots=True)
class ClearPlayback:
    """Throw away what has not been played yet."""


@dataclass(frozen=True, slots=True)
class EndStream:
    """Close the caller's stream; it is open when this is asked.

    `goodbye` is spoken by the carrier's own voice after the stream; None hangs up.
    """

    goodbye: str | None


@dataclass(frozen=True, slots=True)
class DropStream:
    """Let go of the caller's stream, which is broken or did not come about; another one may come."""


# --- to the model -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectModel:
    """Open a connection to the model; the first is opened without being asked.

    A `successor` is opened beside the one that serves.
    """

    successor: bool = False


@dataclass(frozen=True, slots=True)
class SwapModel:
    """Close the connection to the model, and let the successor's take its place."""


@dataclass(frozen=True, slots=True)
class HearCaller:
    """Let the model hear this: base64 µ-law, untouched since the caller's leg."""

    payload: str


@dataclass(frozen=True, slots=True)
class Respond:
    """Let the agent speak: exactly the words of `say`, or along `guidance`, or as it sees fit."""

    say: str | None = None
    guidance: str | None = None
    acts: bool = True
    """Whether it may use its tools meanwhile; exact words never come with tools."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Tell a new session what was said before it; `item_id` names the item where that can be cut later."""

    role: Literal["caller", "agent", "system"]
    text: str
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class ConfigureModel:
    """Send the session's configuration and report what the model made of it.

    `history` is what was said before, for a model that takes it with the configuration only.
    """

    successor: bool = False
    history: tuple[Recall, ...] = ()


@dataclass(frozen=True, slots=True)
class TellModel:
    """Add a text in the caller's name to the conversation (keys that were pressed)."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerTool:
    """Give the model the result of a tool that it asked for."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """Stop generating this response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """The caller heard only the first `heard_ms` of this item; never more than was received, never 0."""

    item_id: str
    heard_ms: int


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """The caller heard nothing of this item."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CloseModel:
    """Close the connection to the model, or to its `successor`, or stop opening it."""

    successor: bool = False


# --- to the shell -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool beside the call and hand in a `ToolAnswered`; the arguments fit its schema."""

    call_id: str
    name: str
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class BeginTransfer:
    """Put the caller, who is out of the stream, through to somebody, and hand in `TransferEnded`.

    `destination` is a declared name, None where there is one person only; `summary` is the agent's own.
    """

    destination: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The call is over: the last action, exactly once. Write the record and free everything."""


LineAction: TypeAlias = ConnectModel | SwapModel | CloseModel
LegAction: TypeAlias = PlayAudio | PlayMark | ClearPlayback
EngineAction: TypeAlias = (
    ConfigureModel
    | HearCaller
    | Respond
    | Recall
    | TellModel
    | AnswerTool
    | CancelResponse
    | TruncateItem
    | DeleteItem
)
Action: TypeAlias = (
    LegAction | EngineAction | EndStream | DropStream | LineAction | RunTool | BeginTransfer | Finished
)
