"""The response object of OpenAI's protocol: status, items, tokens."""

from __future__ import annotations

from typing import Literal, TypeAlias, dataclass_transform

import msgspec

from sandbox.model.config import AudioFormat, MaxTokens, Modality, VoiceId
from sandbox.model.items import Item


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON object inside an event."""


class CachedTokens(Shape):
    """The part of the input that was sent before."""

    text_tokens: int
    audio_tokens: int
    image_tokens: int = 0


class InputTokens(Shape):
    """The conversation so far."""

    text_tokens: int
    audio_tokens: int
    cached_tokens: int
    cached_tokens_details: CachedTokens
    image_tokens: int = 0


class OutputTokens(Shape):
    """What the model said."""

    text_tokens: int
    audio_tokens: int


class Usage(Shape):
    """What a response costs, in tokens."""

    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_token_details: InputTokens
    output_token_details: OutputTokens


class FailureDetails(Shape):
    """Why a response failed."""

    type: str
    code: str
    message: str


class StatusDetails(Shape, omit_defaults=True):
    """Why a response is not completed."""

    type: Literal["cancelled", "failed", "incomplete"]
    reason: Literal["turn_detected", "client_cancelled", "max_output_tokens", "content_filter"] | None = None
    error: FailureDetails | None = None


class ResponseAudioOutput(Shape):
    """How a response sounds."""

    format: AudioFormat
    voice: str | VoiceId


class ResponseAudio(Shape):
    """How a response sounds."""

    output: ResponseAudioOutput


ResponseStatus: TypeAlias = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]


class ResponseObject(Shape):
    """A response as it stands; `output` has no audio."""

    id: str
    status: ResponseStatus
    audio: ResponseAudio
    conversation_id: str | None
    output_modalities: tuple[Modality, ...]
    max_output_tokens: MaxTokens
    metadata: dict[str, str] | None
    object: Literal["realtime.response"] = "realtime.response"
    status_details: StatusDetails | None = None
    output: tuple[Item, ...] = ()
    usage: Usage | None = None
