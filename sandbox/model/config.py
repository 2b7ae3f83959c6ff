"""The session object: what a client may set, its defaults, and how an update is merged into it.

OpenAI: `session.update` merges deeply, the whole session is echoed, unknown fields are errors, and
audio formats other than PCM have no `rate`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, dataclass_transform

import msgspec

from sandbox.model.refusal import RefusedError, refusal_of

JsonObject: TypeAlias = dict[str, object]

Modality: TypeAlias = Literal["audio", "text"]
VoiceName: TypeAlias = Literal[
    "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"
]

DEFAULT_INSTRUCTIONS = "You are a friendly voice on the telephone. Speak briefly and clearly."


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(msgspec.field,))
class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A JSON object that a client sends: these fields and no others."""


class Pcm(Part, tag_field="type", tag="audio/pcm"):
    """Signed 16-bit little-endian samples."""

    rate: Literal[24000] = 24000


class Pcmu(Part, tag_field="type", tag="audio/pcmu"):
    """G.711 µ-law, 8 kHz by definition."""


class Pcma(Part, tag_field="type", tag="audio/pcma"):
    """G.711 A-law, 8 kHz by definition."""


AudioFormat: TypeAlias = Pcm | Pcmu | Pcma


class NoiseReduction(Part):
    """Filtering before the voice activity detection."""

    type: Literal["near_field", "far_field"]
    strength: float | None = None


class Transcription(Part):
    """A second model that writes down what the caller says."""

    model: str = "gpt-transcribe"
    language: str | None = None
    languages: tuple[str, ...] | None = None
    prompt: str | None = None
    keywords: tuple[str, ...] | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class ServerVad(Part, tag_field="type", tag="server_vad"):
    """Turns by loudness; times are milliseconds of received audio."""

    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    prefix_padding_ms: Annotated[int, msgspec.Meta(ge=0)] = 300
    silence_duration_ms: Annotated[int, msgspec.Meta(ge=0)] = 500
    create_response: bool = True
    interrupt_response: bool = True
    idle_timeout_ms: Annotated[int, msgspec.Meta(gt=0)] | None = None


class SemanticVad(Part, tag_field="type", tag="semantic_vad"):
    """Turns by meaning; here it is loudness too, with a patience that depends on the eagerness."""

    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


class Input(Part):
    """The caller's side."""

    format: AudioFormat = Pcm()
    noise_reduction: NoiseReduction | None = None
    transcription: Transcription | None = None
    turn_detection: ServerVad | SemanticVad | None = ServerVad()


class VoiceId(Part):
    """A custom voice."""

    id: str


class Output(Part):
    """The agent's side."""

    format: AudioFormat = Pcm()
    voice: VoiceName | VoiceId = "marin"
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=1.5)] = 1.0


class Audio(Part):
    """Both sides."""

    input: Input = Input()
    output: Output = Output()


class FunctionTool(Part, tag_field="type", tag="function"):
    """A function that the client carries out."""

    name: str
    description: str | None = None
    parameters: JsonObject | None = None


class McpTool(Part, tag_field="type", tag="mcp"):
    """A tool server; the sandbox accepts it and never calls it."""

    server_label: str
    server_url: str | None = None
    server_description: str | None = None
    connector_id: str | None = None
    authorization: str | None = None
    headers: dict[str, str] | None = None
    allowed_tools: tuple[str, ...] | JsonObject | None = None
    require_approval: str | JsonObject | None = None


Tool: TypeAlias = FunctionTool | McpTool


class FunctionChoice(Part, tag_field="type", tag="function"):
    """One function and no other."""

    name: str


class McpChoice(Part, tag_field="type", tag="mcp"):
    """One tool server, or one tool of it."""

    server_label: str
    name: str | None = None


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | FunctionChoice | McpChoice


class Reasoning(Part):
    """How long the model thinks before it speaks."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class RetentionRatio(Part, tag_field="type", tag="retention_ratio"):
    """How much of a too long conversation is kept."""

    retention_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)]
    token_limits: JsonObject | None = None


MaxTokens: TypeAlias = Annotated[int, msgspec.Meta(ge=1)] | Literal["inf"]
Modalities: TypeAlias = Annotated[tuple[Modality, ...], msgspec.Meta(min_length=1, max_length=1)]


class SessionConfig(Part):
    """Everything that `session.update` can set."""

    type: Literal["realtime"]
    model: str
    instructions: str = DEFAULT_INSTRUCTIONS
    output_modalities: Modalities = ("audio",)
    audio: Audio = Audio()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    max_output_tokens: MaxTokens = "inf"
    reasoning: Reasoning | None = None
    truncation: Literal["auto", "disabled"] | RetentionRatio = "auto"
    tracing: Literal["auto"] | JsonObject | None = None
    prompt: JsonObject | None = None
    include: tuple[Literal["item.input_audio_transcription.logprobs"], ...] | None = None


def updated(config: SessionConfig, update: JsonObject) -> SessionConfig:
    """Return the session after `session.update`; raise `RefusedError` where OpenAI answers with an error."""
    if "type" not in update:
        raise RefusedError(
            "missing_required_parameter", "Missing required parameter: 'session.type'.", param="session.type"
        )
    if update.get("model", config.model) != config.model:
        raise RefusedError(
            "invalid_value", "The model of a session cannot be changed.", param="session.model"
        )
    merged = merge(msgspec.to_builtins(config), update)
    try:
        return msgspec.convert(merged, SessionConfig)
    except msgspec.ValidationError as error:
        raise refusal_of(error, under="session") from error


# Where null is a setting of its own; anywhere else it brings the default back.
_NULL_MEANS_OFF = frozenset({"turn_detection"})


def merge(current: JsonObject, update: JsonObject) -> JsonObject:
    """Merge deeply; an object of another `type` (a format, a turn detection) replaces the old one whole."""
    merged = dict(current)
    for key, value in update.items():
        before = merged.get(key)
        if value is None and key in merged and key not in _NULL_MEANS_OFF:
            del merged[key]
        elif isinstance(value, dict) and isinstance(before, dict) and not _of_another_type(before, value):
            merged[key] = merge(before, value)
        else:
            merged[key] = value
    return merged


def _of_another_type(before: JsonObject, after: JsonObject) -> bool:
    return "type" in after and after["type"] != before.get("type")
