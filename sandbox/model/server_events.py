"""The events that the server sends, as frozen values; `encode` makes the frame.

Field by field these are OpenAI's events; only `event_id`, which all have, is added by `encode`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sandbox.model.config import JsonObject
from sandbox.model.items import Item
from sandbox.model.response_object import ResponseObject, Shape


class ServerEvent(Shape, tag_field="type"):
    """Something that the server tells the client."""


class SessionCreated(ServerEvent, tag="session.created"):
    """The first event: the whole default session."""

    session: JsonObject


class SessionUpdated(ServerEvent, tag="session.updated"):
    """The whole session after an update."""

    session: JsonObject


class ErrorDetails(Shape):
    """OpenAI's error object; `event_id` is the client's."""

    type: str
    code: str | None
    message: str
    param: str | None = None
    event_id: str | None = None


class Error(ServerEvent, tag="error"):
    """The session goes on after most errors."""

    error: ErrorDetails


class Committed(ServerEvent, tag="input_audio_buffer.committed"):
    """The buffered audio is a message now."""

    item_id: str
    previous_item_id: str | None


class Cleared(ServerEvent, tag="input_audio_buffer.cleared"):
    """The buffered audio is forgotten."""


class SpeechStarted(ServerEvent, tag="input_audio_buffer.speech_started"):
    """The caller speaks; milliseconds of received audio, prefix padding included."""

    audio_start_ms: int
    item_id: str


class SpeechStopped(ServerEvent, tag="input_audio_buffer.speech_stopped"):
    """The caller has been silent for long enough; the silence is included."""

    audio_end_ms: int
    item_id: str


class TimeoutTriggered(ServerEvent, tag="input_audio_buffer.timeout_triggered"):
    """The caller said nothing for `idle_timeout_ms`."""

    item_id: str
    audio_start_ms: int
    audio_end_ms: int


class ItemAdded(ServerEvent, tag="conversation.item.added"):
    """An item begins."""

    item: Item
    previous_item_id: str | None


class ItemDone(ServerEvent, tag="conversation.item.done"):
    """An item is complete."""

    item: Item
    previous_item_id: str | None


class ItemRetrieved(ServerEvent, tag="conversation.item.retrieved"):
    """An item that was asked for."""

    item: Item


class ItemDeleted(ServerEvent, tag="conversation.item.deleted"):
    """An item is gone."""

    item_id: str


class ItemTruncated(ServerEvent, tag="conversation.item.truncated"):
    """The agent's speech ends here now."""

    item_id: str
    content_index: int
    audio_end_ms: int


class TranscriptionUsage(Shape):
    """What the transcription costs; billed apart from the response."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    type: Literal["tokens"] = "tokens"


class TranscriptionDelta(ServerEvent, tag="conversation.item.input_audio_transcription.delta"):
    """Some of what the caller said."""

    item_id: str
    content_index: int
    delta: str


class TranscriptionCompleted(ServerEvent, tag="conversation.item.input_audio_transcription.completed"):
    """All that the caller said; replaces the deltas."""

    item_id: str
    content_index: int
    transcript: str
    usage: TranscriptionUsage


class ResponseCreated(ServerEvent, tag="response.created"):
    """The model begins to think."""

    response: ResponseObject


class ResponseDone(ServerEvent, tag="response.done"):
    """Generation has ended, playback may not have."""

    response: ResponseObject


class OutputItemAdded(ServerEvent, tag="response.output_item.added"):
    """The response has one more item."""

    response_id: str
    output_index: int
    item: Item


class OutputItemDone(ServerEvent, tag="response.output_item.done"):
    """An item of the response is over, completed or not."""

    response_id: str
    output_index: int
    item: Item


class _InItem(ServerEvent, kw_only=True):
    response_id: str
    item_id: str
    output_index: int


class _InPart(_InItem, kw_only=True):
    content_index: int = 0


class AudioPart(Shape, tag_field="type", tag="audio"):
    """A content part is called `audio`, although the item's content is called `output_audio`."""

    transcript: str


class TextPart(Shape, tag_field="type", tag="text"):
    """The same for text."""

    text: str


class ContentPartAdded(_InPart, tag="response.content_part.added"):
    """Sound or text begins."""

    part: AudioPart | TextPart


class ContentPartDone(_InPart, tag="response.content_part.done"):
    """Sound or text is over."""

    part: AudioPart | TextPart


class AudioDelta(_InPart, tag="response.output_audio.delta"):
    """Some sound, base64."""

    delta: str


class AudioDone(_InPart, tag="response.output_audio.done"):
    """No more sound."""


class TranscriptDelta(_InPart, tag="response.output_audio_transcript.delta"):
    """Some words of the sound."""

    delta: str


class TranscriptDone(_InPart, tag="response.output_audio_transcript.done"):
    """All words of the sound."""

    transcript: str


class TextDelta(_InPart, tag="response.output_text.delta"):
    """Some text."""

    delta: str


class TextDone(_InPart, tag="response.output_text.done"):
    """All the text."""

    text: str


class ArgumentsDelta(_InItem, tag="response.function_call_arguments.delta"):
    """Some of a function call's JSON."""

    call_id: str
    delta: str


class ArgumentsDone(_InItem, tag="response.function_call_arguments.done"):
    """All of a function call's JSON."""

    call_id: str
    name: str
    arguments: str


class RateLimit(Shape):
    """What is left."""

    name: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset_seconds: float


class RateLimitsUpdated(ServerEvent, tag="rate_limits.updated"):
    """What is left after a response."""

    rate_limits: tuple[RateLimit, ...]


SESSION_EXPIRED = Error(
    error=ErrorDetails(
        type="invalid_request_error",
        code="session_expired",
        message="Your session hit the maximum duration of 60 minutes.",
    )
)

RATE_LIMITS = RateLimitsUpdated(
    rate_limits=(
        RateLimit(name="requests", limit=1000, remaining=999, reset_seconds=60),
        RateLimit(name="tokens", limit=50_000, remaining=45_000, reset_seconds=60),
    )
)


def to_json(event: ServerEvent, event_id: str) -> JsonObject:
    """Return the event as a JSON object, with its id."""
    fields: JsonObject = msgspec.to_builtins(event)
    return {"event_id": event_id, **fields}


def encode(event: ServerEvent, event_id: str) -> str:
    """Return the event as a frame."""
    return msgspec.json.encode(to_json(event, event_id)).decode()
