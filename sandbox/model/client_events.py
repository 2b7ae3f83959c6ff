"""The eleven events that a client may send, and reading them."""

from __future__ import annotations

import base64
import binascii
from typing import Literal, TypeAlias

import msgspec

from sandbox.model.config import JsonObject, MaxTokens, Modalities, Part, Reasoning, Tool, ToolChoice
from sandbox.model.config import Output as AudioOutput
from sandbox.model.items import FunctionCall, FunctionCallOutput, Message
from sandbox.model.refusal import RefusedError, refusal_of

MAX_APPEND_BYTES = 15 * 1024 * 1024  # OpenAI: 15 MiB of audio in one event


class ClientEvent(Part, kw_only=True, tag_field="type"):
    """What all have: an optional id, which errors name."""

    event_id: str | None = None


class SessionUpdate(ClientEvent, tag="session.update"):
    """Change the session; merged and checked as a whole later."""

    session: JsonObject


class Append(ClientEvent, tag="input_audio_buffer.append"):
    """More of the caller's audio, base64; never acknowledged."""

    audio: str

    def decoded(self) -> bytes:
        """Return the bytes, or refuse what is not base64 or too much."""
        try:
            audio = base64.b64decode(self.audio, validate=True)
        except binascii.Error as error:
            raise RefusedError("invalid_value", "Invalid 'audio': not base64.", param="audio") from error
        if len(audio) > MAX_APPEND_BYTES:
            raise RefusedError("invalid_value", "Invalid 'audio': more than 15 MiB.", param="audio")
        return audio


class Commit(ClientEvent, tag="input_audio_buffer.commit"):
    """Make the buffered audio a message of the caller."""


class Clear(ClientEvent, tag="input_audio_buffer.clear"):
    """Forget the buffered audio."""


class ItemCreate(ClientEvent, tag="conversation.item.create"):
    """Add an item."""

    item: Message | FunctionCall | FunctionCallOutput
    previous_item_id: str | None = None


class ItemRetrieve(ClientEvent, tag="conversation.item.retrieve"):
    """Ask for an item."""

    item_id: str


class ItemDelete(ClientEvent, tag="conversation.item.delete"):
    """Remove an item."""

    item_id: str


class ItemTruncate(ClientEvent, tag="conversation.item.truncate"):
    """Cut the agent's speech at the position that was heard."""

    item_id: str
    content_index: int
    audio_end_ms: int


class ItemReference(Part, tag_field="type", tag="item_reference"):
    """An item of the conversation, by id."""

    id: str


class ResponseAudio(Part):
    """The sound of one response."""

    output: AudioOutput | None = None


class ResponseParams(Part):
    """What one response does differently from the session."""

    instructions: str | None = None
    output_modalities: Modalities | None = None
    audio: ResponseAudio | None = None
    conversation: Literal["auto", "none"] = "auto"
    input: tuple[Message | FunctionCall | FunctionCallOutput | ItemReference, ...] | None = None
    metadata: dict[str, str] | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: MaxTokens | None = None
    reasoning: Reasoning | None = None
    prompt: JsonObject | None = None


class ResponseCreate(ClientEvent, tag="response.create"):
    """Let the model answer now."""

    response: ResponseParams | None = None


class ResponseCancel(ClientEvent, tag="response.cancel"):
    """Stop the response in progress, or the named one."""

    response_id: str | None = None


class OutputClear(ClientEvent, tag="output_audio_buffer.clear"):
    """WebRTC and SIP only; refused on a WebSocket."""


AnyClientEvent: TypeAlias = (
    SessionUpdate
    | Append
    | Commit
    | Clear
    | ItemCreate
    | ItemRetrieve
    | ItemDelete
    | ItemTruncate
    | ResponseCreate
    | ResponseCancel
    | OutputClear
)

_decoder: msgspec.json.Decoder[AnyClientEvent] = msgspec.json.Decoder(AnyClientEvent)


def read(frame: str | bytes) -> AnyClientEvent:
    """Read one frame; raise `RefusedError` for what is not JSON, not known, or not in order."""
    try:
        return _decoder.decode(frame)
    except msgspec.ValidationError as error:
        raise _refusal(frame, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError("invalid_event", "The frame is not valid JSON.") from error


def event_id_of(frame: str | bytes) -> str | None:
    """Return the event id of a frame that could not be read, if it has one."""
    try:
        event = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    found = event.get("event_id") if isinstance(event, dict) else None
    return found if isinstance(found, str) else None


def _refusal(frame: str | bytes, error: msgspec.ValidationError) -> RefusedError:
    event = msgspec.json.decode(frame)
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return RefusedError("invalid_event", "An event is a JSON object with a 'type'.", param="type")
    refusal = refusal_of(error)
    if refusal.param == "type":
        return RefusedError(
            "invalid_event", f"Invalid value: '{event['type']}': no such event.", param="type"
        )
    return refusal
