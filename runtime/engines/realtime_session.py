"""The configuration of a Realtime session: what an agent asks for, and whether the echo agrees to it.

Audio is `audio/pcmu` both ways and takes no rate (OpenAI: a rate is refused there as unknown). What the echo
leaves out is not held against it; what it says must be what was asked for, where a misunderstanding would be
heard: another format is noise, another turn detection makes two sides interrupt the agent, or none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from msgspec import UNSET

from runtime.call.tools.built_in import HANG_UP_ONLY
from runtime.engines.mcp_tool import mcp_tool
from runtime.engines.realtime_wire import PCMU, CustomVoice
from schemas.voice import SemanticVad, ServerVad

if TYPE_CHECKING:
    from runtime.call.tools.toolset import Toolset
    from runtime.call_record import JsonValue
    from runtime.engines.realtime_wire import Session
    from schemas.tools import McpServer

DEFAULT_MODEL: Final = "gpt-realtime-2.1"
DEFAULT_VOICE: Final = "marin"
TRANSCRIPTION_MODEL: Final = "gpt-transcribe"


@dataclass(frozen=True, slots=True)
class RealtimeSettings:
    """What an agent asks of the model.

    `voice` is a Realtime voice or the id of a custom one (`voice_…`); `turn_detection` says when the caller's
    turn is over; `language` (ISO 639-1) helps the transcription; `speed` is 1 where it is None.
    With `acts_on_speech` the model stops when it hears the caller and answers when they pause; otherwise it
    only tells of both, and is told when to stop and when to answer. `tools` are answered by us; the tools of
    `mcp` servers are called by OpenAI.
    """

    instructions: str
    model: str = DEFAULT_MODEL
    voice: str = DEFAULT_VOICE
    turn_detection: ServerVad | SemanticVad = field(default_factory=ServerVad)
    noise_reduction: Literal["near_field", "far_field"] | None = None
    language: str | None = None
    speed: float | None = None
    acts_on_speech: bool = True
    tools: Toolset = HANG_UP_ONLY
    mcp: tuple[McpServer, ...] = ()


def configuration(settings: RealtimeSettings) -> dict[str, JsonValue]:
    """Return the `session` of a `session.update`."""
    transcription: dict[str, JsonValue] = {"model": TRANSCRIPTION_MODEL}
    if settings.language:
        transcription["language"] = settings.language
    hearing: dict[str, JsonValue] = {
        "format": {"type": PCMU},
        "transcription": transcription,
        "turn_detection": _turn_detection(settings),
    }
    if settings.noise_reduction:
        hearing["noise_reduction"] = {"type": settings.noise_reduction}
    speaking: dict[str, JsonValue] = {"format": {"type": PCMU}, "voice": _voice(settings.voice)}
    if settings.speed is not None:
        speaking["speed"] = settings.speed
    return {
        "type": "realtime",
        "instructions": settings.instructions,
        "output_modalities": ["audio"],
        "audio": {"input": hearing, "output": speaking},
        "tools": [
            *(function.to_model() for function in settings.tools.functions.values()),
            *map(mcp_tool, settings.mcp),
        ],
        "tool_choice": "auto",
    }


def _turn_detection(settings: RealtimeSettings) -> JsonValue:
    """Return the turn detection: OpenAI refuses the fields of one type in the other."""
    turns = settings.turn_detection
    switches: dict[str, JsonValue] = {
        "create_response": settings.acts_on_speech,
        "interrupt_response": settings.acts_on_speech,
    }
    if isinstance(turns, SemanticVad):
        return {"type": "semantic_vad", "eagerness": turns.eagerness, **switches}
    return {
        "type": "server_vad",
        "threshold": turns.threshold,
        "prefix_padding_ms": turns.prefix_padding_ms,
        "silence_duration_ms": turns.silence_duration_ms,
        **switches,
    }


def _voice(voice: str) -> JsonValue:
    return {"id": voice} if voice.startswith("voice_") else voice


def echoed_formats(echo: Session | None) -> tuple[str | None, str | None]:
    """Return in which formats the model hears and speaks, by its own account."""
    audio = echo.audio if echo else None
    ways = (audio.input, audio.output) if audio else (None, None)
    hearing, speaking = (way.format.name if way and way.format else None for way in ways)
    return hearing, speaking


def misunderstanding(
    settings: RealtimeSettings, echo: Session | None, formats: tuple[str, ...] = (PCMU,)
) -> str | None:
    """Return what the echoed configuration has otherwise than asked for, None when it agrees.

    `formats` are those of which either direction may have one.
    """
    audio = echo.audio if echo else None
    hearing, speaking = (audio.input, audio.output) if audio else (None, None)
    for name, echoed in zip(("input", "output"), echoed_formats(echo), strict=True):
        if echoed not in formats:
            return f"{name} format is {echoed}, not {PCMU}"
    voice = speaking.voice if speaking else None
    named = voice.id if isinstance(voice, CustomVoice) else voice
    if named is not None and named != settings.voice:
        return "the voice is not the one that was asked for"
    turns = hearing.turn_detection if hearing else UNSET
    if turns is UNSET:
        return None
    if turns is None:
        return "turn detection is off"
    if turns.type != settings.turn_detection.type:
        return f"turn detection is {turns.type}, not {settings.turn_detection.type}"
    switches = (turns.create_response, turns.interrupt_response)
    if any(switch not in (None, settings.acts_on_speech) for switch in switches):
        return "turn detection has other switches than were asked for"
    return None
