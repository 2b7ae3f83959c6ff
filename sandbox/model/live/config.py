"""The session object of GPT-Live: strict, and most of it fixed at the start. No I/O.

OpenAI: one format for both ways, µ-law and A-law with `rate` 8000, PCM with 16000 or 24000; at most 128
messages of text as history; tools run through the model that is delegated to.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from sandbox.model.config import JsonObject, Part
from sandbox.model.text.responses_request import FunctionTool, Reasoning

MAX_INSTRUCTIONS = 16_384 * 4  # OpenAI: 16,384 tokens, of about four characters


class Pcm(Part, tag_field="type", tag="audio/pcm"):
    """Signed 16-bit little-endian samples."""

    rate: Literal[16000, 24000]


class Pcmu(Part, tag_field="type", tag="audio/pcmu"):
    """G.711 µ-law."""

    rate: Literal[8000]


class Pcma(Part, tag_field="type", tag="audio/pcma"):
    """G.711 A-law."""

    rate: Literal[8000]


LiveFormat: TypeAlias = Pcm | Pcmu | Pcma


class CustomVoice(Part):
    """A voice of one's own."""

    id: str


class AudioOutput(Part):
    """How the model sounds."""

    voice: str | CustomVoice | None = "marin"


class Audio(Part):
    """The one format, and the voice."""

    format: LiveFormat = Pcm(rate=24000)
    output: AudioOutput = AudioOutput()


class Responses(Part):
    """The model that carries out tools."""

    model: str
    instructions: str | None = None
    tools: tuple[FunctionTool, ...] | None = None
    tool_choice: Literal["auto", "none", "required"] | JsonObject | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    reasoning: Reasoning | None = None
    service_tier: str | None = None
    text: JsonObject | None = None


class DelegateToResponses(Part, tag_field="type", tag="responses"):
    """Tools are called by a text model on OpenAI's side."""

    responses: Responses
    acknowledgement_delay_ms: int | None = None


class DelegateToClient(Part, tag_field="type", tag="client"):
    """The client is told that something is to be done, and does it as it likes."""

    acknowledgement_delay_ms: int | None = None


Delegation: TypeAlias = DelegateToResponses | DelegateToClient


class InitialText(Part):
    """Words of an earlier message."""

    text: str
    type: Literal["input_text", "output_text", "text"] = "input_text"


class InitialItem(Part):
    """An earlier message, as text."""

    role: Literal["developer", "user", "assistant"]
    content: list[InitialText]
    type: Literal["message"] = "message"
    id: str | None = None
    status: Literal["incomplete", "completed"] | None = None


class LiveConfig(Part):
    """What `session.start` sets."""

    model: str
    instructions: Annotated[str, msgspec.Meta(max_length=MAX_INSTRUCTIONS)] | None = None
    audio: Audio = Audio()
    input: Annotated[list[InitialItem], msgspec.Meta(max_length=128)] | None = None
    delegation: Delegation | None = None
    store: bool | None = None
    safety_identifier: str | None = None
    client: JsonObject | None = None


class LiveUpdate(Part):
    """What `session.update` may change."""

    delegation: JsonObject | None = None
