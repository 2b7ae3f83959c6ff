"""The configuration of a GPT-Live session: what an agent asks for, and whether the echo agrees to it.

OpenAI: all of it is fixed at the start. Audio has one format both ways, and µ-law names its rate, unlike in
Realtime. Earlier messages are given as text: 128 at most, and no more than some 8,000 tokens of them. Tools
belong to the model that the session delegates to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.call.tools.built_in import HANG_UP_ONLY
from runtime.engines.mcp_tool import mcp_tool
from runtime.engines.realtime_wire import PCM, PCMU, CustomVoice
from schemas.voice import DEFAULT_DELEGATE

if TYPE_CHECKING:
    from runtime.call.actions import Recall
    from runtime.call.tools.toolset import Toolset
    from runtime.call_record import JsonValue
    from runtime.engines.live_wire import LiveSession
    from schemas.tools import McpServer

DEFAULT_LIVE_MODEL: Final = "gpt-live-1"
MOST_HISTORY: Final = 128  # messages
MOST_HISTORY_CHARACTERS: Final = 24_000  # OpenAI: 8,192 tokens, with some room

# The role and the kind of content by which the model knows who said something.
_MESSAGES: Final = {
    "caller": ("user", "input_text"),
    "agent": ("assistant", "output_text"),
    "system": ("developer", "input_text"),
}


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What an agent asks of the model. `delegate` is the text model that uses the tools."""

    instructions: str
    model: str = DEFAULT_LIVE_MODEL
    voice: str = "marin"
    delegate: str = DEFAULT_DELEGATE
    tools: Toolset = HANG_UP_ONLY
    mcp: tuple[McpServer, ...] = ()


def live_configuration(settings: LiveSettings, history: Sequence[Recall]) -> dict[str, JsonValue]:
    """Return the `session` of a `session.start`."""
    session: dict[str, JsonValue] = {
        "model": settings.model,
        "instructions": settings.instructions,
        "audio": {"format": {"type": PCMU, "rate": 8000}, "output": {"voice": _voice(settings.voice)}},
        "delegation": {"type": "responses", "responses": _delegate(settings)},
        "store": False,
    }
    messages = [_message(each) for each in newest(history)]
    if messages:
        session["input"] = messages
    return session


def _delegate(settings: LiveSettings) -> JsonValue:
    # OpenAI: functions are strict unless they say otherwise, which few schemas could be.
    functions = [{**each.to_model(), "strict": False} for each in settings.tools.functions.values()]
    return {
        "model": settings.delegate,
        "instructions": settings.instructions,
        "tools": [*functions, *map(mcp_tool, settings.mcp)],
    }


def _message(recall: Recall) -> JsonValue:
    role, kind = _MESSAGES[recall.role]
    return {"type": "message", "role": role, "content": [{"type": kind, "text": recall.text}]}


def newest(history: Sequence[Recall]) -> Sequence[Recall]:
    """Return as many of the newest messages as a session takes."""
    room = MOST_HISTORY_CHARACTERS
    for count, recall in enumerate(reversed(history)):
        room -= len(recall.text)
        if room < 0 or count == MOST_HISTORY:
            return history[len(history) - count :]
    return history


def _voice(voice: str) -> JsonValue:
    return {"id": voice} if voice.startswith("voice_") else voice


def started_format(session: LiveSession | None) -> str | None:
    """Return the format of both ways that the echo names, None where it names none."""
    audio = session.audio if session else None
    return audio.format.name if audio and audio.format else None


def live_misunderstanding(settings: LiveSettings, session: LiveSession | None) -> str | None:
    """Return what the echo has otherwise than asked for, None when a call can be held with it."""
    name = started_format(session)
    if name not in (PCMU, PCM):
        return f"the format is {name}, not {PCMU}"
    audio = session.audio if session else None
    voice = audio.output.voice if audio and audio.output else None
    named = voice.id if isinstance(voice, CustomVoice) else voice
    if named is not None and named != settings.voice:
        return "the voice is not the one that was asked for"
    return None
