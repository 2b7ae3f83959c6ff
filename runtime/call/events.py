"""What can happen to a call, as the machine sees it: from the leg, from the model, from elsewhere.

Codecs make these values from wire messages (`runtime/legs`, `runtime/engines`), the shell makes the rest.
Audio travels as the base64 text in which it came: µ-law, 8,000 bytes a second, 8 bytes a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from runtime.call.transfer_steps import Outcome
from runtime.call.usage import Usage
from runtime.call_record import JsonValue

# --- from the leg -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The caller's audio stream is there; `call_sid` is None where the leg does not name the call."""

    stream_id: str
    call_sid: str | None = None


@dataclass(frozen=True, slots=True)
class CallerAudio:
    """A piece of the caller's audio: base64 µ-law of any length, as it came.

    `at_ms` is when it was made, in ms of the stream's own time, where the leg tells.
    """

    payload: str
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MarkPlayed:
    """Everything that was sent before this mark has been played, or was thrown away by a clear."""

    name: str


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """The caller pressed one key: 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The leg said that the stream is over: the caller has hung up."""


@dataclass(frozen=True, slots=True)
class StreamBroken:
    """The stream's connection ended without saying so."""

    detail: str


@dataclass(frozen=True, slots=True)
class BadFrame:
    """A message that the leg's codec could not read. It is counted, and the call goes on."""

    detail: str


# --- from the model -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelConnected:
    """The model can be configured now.

    The shell may hand this in when its socket is open, and codecs emit it for the model's first message:
    the first one counts.
    """


@dataclass(frozen=True, slots=True)
class ModelConfigured:
    """The model answered a configuration; `matches` tells whether it is the one that was asked for.

    `expires_at` (epoch s) is when the model is going to end the session, if it tells.
    """

    matches: bool
    detail: str = ""
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class ModelAudio:
    """A piece of the agent's speech: base64 µ-law, any length, possibly much faster than real time."""

    response_id: str
    item_id: str
    payload: str


@dataclass(frozen=True, slots=True)
class ModelAudioDone:
    """The item's audio is complete: generated, not played."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ModelWords:
    """The next words of what the agent says in this item; usually ahead of their audio."""

    item_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class ModelWordsDone:
    """The whole text of what the agent says in this item; it replaces the pieces."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class CallerSpeechStarted:
    """The model hears the caller speak, from `audio_start_ms` of the audio that it was given."""

    item_id: str
    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class CallerSpeechStopped:
    """The model hears the caller pause, at `audio_end_ms` of the audio that it was given."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class CallerWordsHeard:
    """The next words of what the caller says in this item, where the model tells them before all are said."""

    item_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class CallerWords:
    """What the caller said in this item. May come late, even after the next turn."""

    item_id: str
    text: str
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The model has begun to answer, on its own account or because it was asked."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """The model has finished generating (not: playing) an answer.

    `status` is completed, cancelled, failed or incomplete; `error_code` says why it failed, and `fatal`
    that asking again cannot help.
    """

    response_id: str
    status: str
    reason: str | None = None
    error_code: str | None = None
    fatal: bool = False
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ToolRequested:
    """The model wants a tool to be run; `arguments` is the JSON text that it gave."""

    response_id: str
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelWorks:
    """The model is at its answer, though there is nothing to hear of it yet.

    `at_tool`: a tool that its own side runs has the answer, and may take long.
    """

    at_tool: bool = False


MALFORMED: Final = "malformed_event"  # the code of what cannot be read


@dataclass(frozen=True, slots=True)
class ToolReported:
    """The model's side has run a tool by itself (of an MCP server); `error` says why it failed, if it did."""

    call_id: str
    name: str
    arguments: str
    output: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ModelProblem:
    """The model reported an error, or sent what cannot be read. Not `fatal`: the session goes on."""

    code: str
    message: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """The session has taken so much more than was told so far; it may come when the call is over."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """The model will not answer our last request to speak, for instance because it is speaking already."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ModelLost:
    """The connection to the model is gone."""

    detail: str


@dataclass(frozen=True, slots=True)
class ModelUnavailable:
    """There is no connection to the model.

    `may_pass`: trying again may help (busy, unreachable), as it cannot with a refused key.
    """

    detail: str
    may_pass: bool = False


@dataclass(frozen=True, slots=True)
class OfSuccessor:
    """An event of the connection that was opened beside the one that serves."""

    event: ModelEvent


# --- from elsewhere -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A tool that the shell was to run has ended, after `ms`: `output` is what the model is told.

    `result` is what the record shows of it; None reads it from the output.
    """

    call_id: str
    output: str
    result: JsonValue
    ms: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """Prep is over: `profile` is what was found out about the caller, `complete` tells whether it is all."""

    profile: JsonValue
    complete: bool


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """The caller is together with the person, or, with an `outcome`, about to come back to the agent."""

    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class StatusReported:
    """The carrier's status callback: completed, busy, failed, no-answer, canceled, or an earlier one."""

    status: str


@dataclass(frozen=True, slots=True)
class HangUpRequested:
    """An operator wants the call to end now."""


@dataclass(frozen=True, slots=True)
class AnswererKnown:
    """The carrier has found out who has answered a call of ours, after `ms`.

    `who` is Twilio's word: human, machine_start, machine_end_beep, machine_end_silence, machine_end_other,
    fax or unknown. `message` is what a machine is to record.
    """

    who: str
    ms: int
    message: str | None = None


@dataclass(frozen=True, slots=True)
class DrainExpired:
    """The node stops and has waited for the call for as long as it could."""


LegEvent: TypeAlias = (
    StreamStarted | CallerAudio | MarkPlayed | KeyPressed | StreamStopped | StreamBroken | BadFrame
)
ModelEvent: TypeAlias = (
    ModelConnected
    | ModelConfigured
    | ModelAudio
    | ModelAudioDone
    | ModelWords
    | ModelWordsDone
    | CallerSpeechStarted
    | CallerSpeechStopped
    | CallerWordsHeard
    | CallerWords
    | ResponseStarted
    | ResponseEnded
    | RequestRefused
    | ToolRequested
    | ToolReported
    | ModelWorks
    | ModelUsed
    | ModelProblem
    | ModelLost
    | ModelUnavailable
)
OutsideEvent: TypeAlias = StatusReported | HangUpRequested | DrainExpired | TransferEnded | AnswererKnown
Event: TypeAlias = LegEvent | ModelEvent | OfSuccessor | OutsideEvent | ToolAnswered | Prepared

CallerEvent: TypeAlias = CallerSpeechStarted | CallerSpeechStopped | CallerWordsHeard | CallerWords
TalkEvent: TypeAlias = (
    MarkPlayed
    | KeyPressed
    | ModelAudio
    | ModelAudioDone
    | ModelWords
    | ModelWordsDone
    | CallerEvent
    | ResponseStarted
    | ResponseEnded
    | RequestRefused
    | ToolRequested
    | ToolReported
    | ModelWorks
    | ToolAnswered
)
"""What is said in a call; all other events decide whether there is one."""
