"""OpenAI Realtime (GA), without I/O: server events become the call's, actions become client events.

Audio is `audio/pcmu` both ways, which is what telephones speak, so payloads pass as the text in which they
came. Unknown events and unknown fields are ignored. The session's configuration is `realtime_session`'s.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from dataclasses import replace
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
    Recall,
    Respond,
    TellModel,
    TruncateItem,
)
from runtime.call.plan import Capabilities
from runtime.call_record import JsonValue
from runtime.engines.conversion import Conversion
from runtime.engines.mcp_tool import mcp_report
from runtime.engines.pcm_sign import PcmSign
from runtime.engines.realtime_errors import SESSION_EXPIRED, is_fatal
from runtime.engines.realtime_session import (
    RealtimeSettings,
    configuration,
    echoed_formats,
    misunderstanding,
)
from runtime.engines.realtime_usage import response_usage, transcription_usage
from runtime.engines.realtime_wire import PCM, PCMU, ServerEvent, Session, read

# Every request carries an id; a refusal names it, and so tells what was refused.
_CONFIGURE: Final = "tm-configure"
_RESPOND: Final = "tm-respond"

AUDIO_DELTA: Final = "response.output_audio.delta"

# The role and the kind of content by which the model knows who said something.
_MESSAGES: Final = {
    "caller": ("user", "input_text"),
    "agent": ("assistant", "output_text"),
    "system": ("system", "input_text"),
}


class RealtimeEngine:
    """The codec of one session. `model` names what the connection is opened with."""

    def __init__(self, settings: RealtimeSettings) -> None:
        acts = settings.acts_on_speech
        self.capabilities = Capabilities(cancels_on_speech=acts, answers_on_pause=acts)
        self.closed = False
        self.settings = settings
        self.model = settings.model
        self._asked = 0
        self._conversion: Conversion | None = None
        self._sign: PcmSign | None = PcmSign()

    @property
    def instructions(self) -> str:
        """What the model is told before everything else."""
        return self.settings.instructions

    def instruct(self, instructions: str) -> None:
        """Tell the next session something else."""
        self.settings = replace(self.settings, instructions=instructions)

    def fresh(self) -> RealtimeEngine:
        """Return a codec for another session on the same terms."""
        return RealtimeEngine(self.settings)

    # --- from the model

    def decode(self, message: str | bytes) -> ev.ModelEvent | None:
        """Return what a server event means, None for one that means nothing to a call. Never raises.

        What cannot be read is a `ModelProblem` with the code `malformed_event`.
        """
        try:
            event = read(message, READ_TYPES)
        except (ValueError, RecursionError) as error:
            return ev.ModelProblem(ev.MALFORMED, str(error))
        if event is None:
            return None
        if event.type == "session.updated":
            return self._configured(event)
        if event.type == AUDIO_DELTA:
            if self._sign is not None and self._conversion is None:
                event.delta = self._judged(event.delta, self._sign)
            if self._conversion is not None:
                event.delta = self._conversion.from_model(event.item_id, event.delta)
        reader = _READERS.get(event.type)
        meaning = reader(event) if reader else None
        return _sign_of_life(event.type) if meaning is None else meaning

    def _configured(self, event: ServerEvent) -> ev.ModelConfigured:
        """Compare the echo with what was asked for. A model that stands by 24 kHz PCM is given that."""
        formats = (PCMU, PCM) if self._asked > 1 else (PCMU,)
        wrong = misunderstanding(self.settings, event.session, formats)
        if wrong is None:
            self._convert(event.session)
        expires_at = event.session.expires_at if event.session else None
        return ev.ModelConfigured(wrong is None, wrong or "", expires_at)

    def _convert(self, session: Session | None) -> None:
        hearing, speaking = echoed_formats(session)
        if PCM in (hearing, speaking):
            self._conversion = Conversion(hears_pcm=hearing == PCM, speaks_pcm=speaking == PCM)

    def _judged(self, payload: str, sign: PcmSign) -> str:
        """Convert from here on what turns out not to be the µ-law that was echoed."""
        try:
            audio = binascii.a2b_base64(payload, strict_mode=True)
        except binascii.Error:  # counted where it is to be played
            return payload
        begun = sign.odd
        if sign.feed(audio):
            self._conversion = Conversion(hears_pcm=False, speaks_pcm=True)
            if begun:
                payload = binascii.b2a_base64(audio[1:], newline=False).decode("ascii")
        if sign.over:
            self._sign = None
        return payload

    def read(self, message: str | bytes) -> Sequence[ev.ModelEvent]:
        """Return what a server event means, as a line reads it."""
        event = self.decode(message)
        return () if event is None else (event,)

    # --- to the model

    def write(self, action: EngineAction) -> Sequence[str]:
        """Return the client event for an action, as a line sends it."""
        return (self.encode(action),)

    def encode(self, action: EngineAction) -> str:
        """Return the client event for an action, as JSON text."""
        if isinstance(action, HearCaller):
            payload = (
                action.payload if self._conversion is None else self._conversion.to_model(action.payload)
            )
            return f'{{"type":"input_audio_buffer.append","audio":"{payload}"}}'
        return msgspec.json.encode(self._client_event(action)).decode()

    def _client_event(self, action: EngineAction) -> dict[str, JsonValue]:
        match action:
            case ConfigureModel():
                self._asked += 1
                return self.session_update()
            case Respond():
                return _respond(action)
            case Recall():
                return _recall(action)
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

    def farewell(self) -> None:
        """Return what ends the session: nothing but the end of its connection."""

    def untold_usage(self) -> None:
        """Return what was not told: each response tells its own."""

    def session_update(self) -> dict[str, JsonValue]:
        """Return the whole configuration."""
        return {"type": "session.update", "event_id": _CONFIGURE, "session": configuration(self.settings)}


_WITHOUT_TOOLS: Final[dict[str, JsonValue]] = {"tool_choice": "none"}


def _respond(action: Respond) -> dict[str, JsonValue]:
    event: dict[str, JsonValue] = {"type": "response.create", "event_id": _RESPOND}
    if action.say is not None:
        words = f'Say exactly the following words, all of them and nothing else: "{action.say}"'
        event["response"] = {"instructions": words, **_WITHOUT_TOOLS}
    elif action.guidance is not None:
        event["response"] = {"instructions": action.guidance, **({} if action.acts else _WITHOUT_TOOLS)}
    return event


def _recall(action: Recall) -> dict[str, JsonValue]:
    """Return what was said before as text: audio of the agent cannot be given back to a session."""
    role, kind = _MESSAGES[action.role]
    item: dict[str, JsonValue] = {
        "type": "message",
        "role": role,
        "content": [{"type": kind, "text": action.text}],
    }
    if action.item_id is not None:
        item["id"] = action.item_id
    return _item(item)


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
    """Read a finished call of a function or an MCP tool; a cancelled one has only part of its arguments."""
    item = event.item
    if item is not None and item.type == "mcp_call":
        return mcp_report(item)
    if item is None or item.type != "function_call" or item.status not in (None, "completed"):
        return None
    return ev.ToolRequested(event.response_id, item.call_id or "", item.name or "", item.arguments or "{}")


def _error(event: ServerEvent) -> ev.ModelEvent:
    error = event.error
    code = (error.code or error.type or "unknown") if error else "unknown"
    message = (error.message or "") if error else ""
    asked = error.event_id if error else None
    if code == SESSION_EXPIRED:
        return ev.ModelLost(code)
    if is_fatal(code):
        return ev.ModelProblem(code, message, fatal=True)
    if asked == _CONFIGURE:
        return ev.ModelConfigured(False, f"{code}: {message}")
    if asked == _RESPOND or code == "conversation_already_has_active_response":
        return ev.RequestRefused(code, message)
    return ev.ModelProblem(code, message)


_AT_TOOL: Final = ev.ModelWorks(at_tool=True)
_WORKS: Final = ev.ModelWorks()


def _sign_of_life(kind: str) -> ev.ModelWorks | None:
    """Read what says nothing but that a response is under way: arguments, parts, calls of MCP tools."""
    if kind == "response.mcp_call.in_progress":
        return _AT_TOOL
    return _WORKS if kind.startswith("response.") else None


_READERS: Final[dict[str, Callable[[ServerEvent], ev.ModelEvent | None]]] = {
    AUDIO_DELTA: _audio,
    "response.output_audio.done": lambda event: ev.ModelAudioDone(event.item_id),
    "response.output_audio_transcript.delta": lambda event: ev.ModelWords(event.item_id, event.delta),
    "response.output_audio_transcript.done": lambda event: ev.ModelWordsDone(event.item_id, event.transcript),
    "input_audio_buffer.speech_started": lambda event: ev.CallerSpeechStarted(
        event.item_id, int(event.audio_start_ms)
    ),
    "input_audio_buffer.speech_stopped": lambda event: ev.CallerSpeechStopped(
        event.item_id, int(event.audio_end_ms)
    ),
    "conversation.item.input_audio_transcription.delta": lambda event: ev.CallerWordsHeard(
        event.item_id, event.delta
    ),
    "conversation.item.input_audio_transcription.completed": lambda event: ev.CallerWords(
        event.item_id, event.transcript, transcription_usage(event.usage)
    ),
    "response.created": lambda event: ev.ResponseStarted((event.response.id or "") if event.response else ""),
    "response.done": _response_done,
    "response.output_item.done": _output_item_done,
    "mcp_list_tools.failed": lambda event: ev.ModelProblem(
        "mcp_list_tools_failed", "an MCP server does not tell its tools"
    ),
    "session.created": lambda event: ev.ModelConnected(),
    "error": _error,
}
READ_TYPES: Final = frozenset({*_READERS, "session.updated"})
