"""OpenAI Realtime (GA), without I/O: server events become the call's, actions become client events.

Audio is `audio/pcmu` both ways, which is what telephones speak, so payloads pass as the text in which they
came. The echo of the configuration is compared with what was asked for: a model that was misunderstood speaks
PCM, and PCM that is played as µ-law is noise. Unknown events and unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from runtime.call import events as ev
from runtime.call.actions import (
    AnswerTool,
    CancelResponse,
    ConfigureModel,
    DeleteItem,
    EngineAction,
    HearCaller,
    Respond,
    TellModel,
    TruncateItem,
)
from runtime.call.plan import Capabilities
from runtime.call.tools import HANG_UP
from runtime.call_record import JsonValue
from runtime.engines.realtime_errors import is_fatal
from runtime.engines.realtime_usage import response_usage, transcription_usage
from runtime.engines.realtime_wire import CustomVoice, ServerEvent, read

PCMU: Final = "audio/pcmu"
DEFAULT_MODEL: Final = "gpt-realtime-2.1"
DEFAULT_VOICE: Final = "marin"
TRANSCRIPTION_MODEL: Final = "gpt-transcribe"

# Every request carries an id; a refusal names it, and so tells what was refused.
_CONFIGURE: Final = "tm-configure"
_RESPOND: Final = "tm-respond"

_HANG_UP_TOOL: Final[dict[str, JsonValue]] = {
    "type": "function",
    "name": HANG_UP,
    "description": "Ends the call. Say goodbye first; what you said is played to its end.",
    "parameters": {"type": "object", "properties": {}},
}


@dataclass(frozen=True, slots=True)
class RealtimeSettings:
    """What an agent asks of the model.

    `voice` is a Realtime voice or the id of a custom one (`voice_…`); `silence_duration_ms` is the pause
    after which the caller's turn is over; `language` (ISO 639-1) helps the transcription.
    """

    instructions: str
    model: str = DEFAULT_MODEL
    voice: str = DEFAULT_VOICE
    silence_duration_ms: int = 500
    prefix_padding_ms: int = 300
    threshold: float = 0.5
    language: str | None = None


class RealtimeEngine:
    """The codec of one session. `model` names what the connection is opened with."""

    capabilities = Capabilities(cancels_on_speech=True)

    def __init__(self, settings: RealtimeSettings) -> None:
        self.settings = settings
        self.model = settings.model

    # --- from the model

    def decode(self, message: str | bytes) -> ev.ModelEvent | None:
        """Return what a server event means, None for one that means nothing to a call. Never raises.

        What cannot be read is a `ModelProblem` with the code `malformed_event`.
        """
        try:
            event = read(message, READ_TYPES)
        except (ValueError, RecursionError) as error:
            return ev.ModelProblem("malformed_event", str(error))
        if event is None:
            return None
        if event.type == "session.updated":
            return self._configured(event)
        reader = _READERS.get(event.type)
        return reader(event) if reader else None

    def _configured(self, event: ServerEvent) -> ev.ModelConfigured:
        """Compare the echo with what was asked for."""
        audio = event.session.audio if event.session else None
        formats = {
            "input": audio.input.format.type if audio and audio.input and audio.input.format else None,
            "output": audio.output.format.type if audio and audio.output and audio.output.format else None,
        }
        for way, echoed in formats.items():
            if echoed != PCMU:
                return ev.ModelConfigured(False, f"{way} format is {echoed}, not {PCMU}")
        voice = audio.output.voice if audio and audio.output else None
        name = voice.id if isinstance(voice, CustomVoice) else voice
        if name is not None and name != self.settings.voice:
            return ev.ModelConfigured(False, "the voice is not the one that was asked for")
        return ev.ModelConfigured(True)

    # --- to the model

    def encode(self, action: EngineAction) -> str:
        """Return the client event for an action, as JSON text."""
        if isinstance(action, HearCaller):
            return f'{{"type":"input_audio_buffer.append","audio":"{action.payload}"}}'
        return msgspec.json.encode(self._client_event(action)).decode()

    def _client_event(self, action: EngineAction) -> dict[str, JsonValue]:
        match action:
            case ConfigureModel():
                return self.session_update()
            case Respond():
                return _respond(action)
            case TellModel(text):
                content: JsonValue = [{"type": "input_text", "text": text}]
                return _item({"type": "message", "role": "user", "content": content})
            case AnswerTool(call_id, output):
                return _item({"type": "function_call_output", "call_id": call_id, "output": output})
            case CancelResponse(response_id):
                return {"type": "response.cancel", "response_id": response_id}
            case TruncateItem(item_id, heard_ms):
                return {
                    "type": "conversation.item.truncate",
                    "item_id": item_id,
                    "content_index": 0,
                    "audio_end_ms": heard_ms,
                }
            case DeleteItem(item_id):
                return {"type": "conversation.item.delete", "item_id": item_id}
            case HearCaller(payload):
                return {"type": "input_audio_buffer.append", "audio": payload}

    def session_update(self) -> dict[str, JsonValue]:
        """Return the whole configuration, as the GA protocol wants it: `audio/pcmu` takes no rate."""
        return {"type": "session.update", "event_id": _CONFIGURE, "session": self._session()}

    def _session(self) -> dict[str, JsonValue]:
        settings = self.settings
        transcription: dict[str, JsonValue] = {"model": TRANSCRIPTION_MODEL}
        if settings.language:
            transcription["language"] = settings.language
        return {
            "type": "realtime",
            "instructions": settings.instructions,
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": PCMU},
                    "transcription": transcription,
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": settings.threshold,
                        "prefix_padding_ms": settings.prefix_padding_ms,
                        "silence_duration_ms": settings.silence_duration_ms,
                        "create_response": True,
                        "interrupt_response": True,
                    },
                },
                "output": {"format": {"type": PCMU}, "voice": self._voice()},
            },
            "tools": [_HANG_UP_TOOL],
            "tool_choice": "auto",
        }

    def _voice(self) -> JsonValue:
        voice = self.settings.voice
        return {"id": voice} if voice.startswith("voice_") else voice


def _respond(action: Respond) -> dict[str, JsonValue]:
    event: dict[str, JsonValue] = {"type": "response.create", "event_id": _RESPOND}
    if action.say is not None:
        words = f'Say exactly the following words, all of them and nothing else: "{action.say}"'
        event["response"] = {"instructions": words, "tool_choice": "none"}
    elif action.guidance is not None:
        event["response"] = {"instructions": action.guidance}
    return event


def _item(item: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"type": "conversation.item.create", "item": item}


# --- what each server event means


def _audio(event: ServerEvent) -> ev.ModelEvent:
    return ev.ModelAudio(event.response_id, event.item_id, event.delta)


def _response_done(event: ServerEvent) -> ev.ModelEvent | None:
    response = event.response
    if response is None:
        return None
    details = response.status_details
    code = details.error.code if details and details.error else None
    return ev.ResponseEnded(
        response.id or "",
        response.status or "completed",
        details.reason if details else None,
        code,
        is_fatal(code),
        response_usage(response.usage),
    )


def _output_item_done(event: ServerEvent) -> ev.ModelEvent | None:
    """Read a finished function call; a cancelled one has only part of its arguments."""
    item = event.item
    if item is None or item.type != "function_call" or item.status not in (None, "completed"):
        return None
    return ev.ToolRequested(event.response_id, item.call_id or "", item.name or "", item.arguments or "{}")


def _error(event: ServerEvent) -> ev.ModelEvent:
    error = event.error
    code = (error.code or error.type or "unknown") if error else "unknown"
    message = (error.message or "") if error else ""
    asked = error.event_id if error else None
    if is_fatal(code):
        return ev.ModelProblem(code, message, fatal=True)
    if asked == _CONFIGURE:
        return ev.ModelConfigured(False, f"{code}: {message}")
    if asked == _RESPOND or code == "conversation_already_has_active_response":
        return ev.RequestRefused(code, message)
    return ev.ModelProblem(code, message)


_READERS: Final[dict[str, Callable[[ServerEvent], ev.ModelEvent | None]]] = {
    "response.output_audio.delta": _audio,
    "response.output_audio.done": lambda event: ev.ModelAudioDone(event.item_id),
    "response.output_audio_transcript.delta": lambda event: ev.ModelWords(event.item_id, event.delta),
    "response.output_audio_transcript.done": lambda event: ev.ModelWordsDone(event.item_id, event.transcript),
    "input_audio_buffer.speech_started": lambda event: ev.CallerSpeechStarted(
        event.item_id, int(event.audio_start_ms)
    ),
    "input_audio_buffer.speech_stopped": lambda event: ev.CallerSpeechStopped(
        event.item_id, int(event.audio_end_ms)
    ),
    "conversation.item.input_audio_transcription.completed": lambda event: ev.CallerWords(
        event.item_id, event.transcript, transcription_usage(event.usage)
    ),
    "response.created": lambda event: ev.ResponseStarted((event.response.id or "") if event.response else ""),
    "response.done": _response_done,
    "response.output_item.done": _output_item_done,
    "session.created": lambda event: ev.ModelConnected(),
    "error": _error,
}
READ_TYPES: Final = frozenset({*_READERS, "session.updated"})
