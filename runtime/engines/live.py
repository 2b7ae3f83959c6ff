"""OpenAI GPT-Live, without I/O: one endless sound each way, told to the call as turns.

The model hears and speaks at the same time, and decides by itself when to speak and when to fall silent for
the caller. A call is made of utterances and turns, so those are found here: the agent's by `LiveVoice`, the
caller's by `LiveCaller`; tools are `Delegation`'s. What a session is to know about the time before it is told
at its start; afterwards it is told by instructions, and by thoughts that it keeps to itself.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from runtime.call import events as ev
from runtime.call.actions import (
    AnswerTool,
    ConfigureModel,
    EngineAction,
    HearCaller,
    Recall,
    Respond,
    TellModel,
)
from runtime.call.plan import Capabilities
from runtime.call.usage import Usage
from runtime.engines.conversion import Conversion
from runtime.engines.live_caller import LiveCaller
from runtime.engines.live_delegation import Delegation
from runtime.engines.live_session import (
    LiveSettings,
    live_configuration,
    live_misunderstanding,
    started_format,
)
from runtime.engines.live_voice import LiveVoice
from runtime.engines.live_wire import LiveEvent, read
from runtime.engines.realtime_errors import is_fatal
from runtime.engines.realtime_wire import PCM

if TYPE_CHECKING:
    from runtime.call_record import JsonValue

_START: Final = "tm-start"
_RESPOND: Final = "tm-respond"
_ADDITIONS: Final = "session.instructions.append"
_THOUGHTS: Final = "session.thinking.append"
# OpenAI: what is appended has 500 tokens at most, of some four characters.
LONGEST_ADDITION: Final = 1_800

GO_ON: Final = "It is your turn: answer the caller now, or go on where you stopped."
_SPEAKERS: Final = {
    "caller": "The caller said before: ",
    "agent": "You said before, and the caller heard: ",
    "system": "",
}
READ_TYPES: Final = frozenset(
    {
        "session.started",
        "session.output_audio.delta",
        "session.output_transcript.delta",
        "session.input_transcript.delta",
        "session.usage.updated",
        "session.closed",
        "response.event",
        "error",
    }
)
CAPABILITIES: Final = Capabilities(
    owes_answers=False,
    truncates=False,
    recalls_at_start=True,
    words_run_ahead=False,
    sounds_always=True,
)


class LiveEngine:
    """The codec of one session."""

    def __init__(self, settings: LiveSettings) -> None:
        self.capabilities = CAPABILITIES
        self.settings = settings
        self.closed = False
        self._started = False
        self._told_seconds = 0.0
        self._continued = False
        self._conversion: Conversion | None = None
        self._voice = LiveVoice("")
        self._caller = LiveCaller("")
        self._delegation = Delegation()

    @property
    def instructions(self) -> str:
        """What the model is told before everything else."""
        return self.settings.instructions

    def instruct(self, instructions: str) -> None:
        """Tell the next session something else."""
        self.settings = replace(self.settings, instructions=instructions)

    def fresh(self) -> LiveEngine:
        """Return a codec for another session on the same terms."""
        return LiveEngine(self.settings)

    # --- from the model

    def read(self, message: str | bytes) -> Sequence[ev.ModelEvent]:
        """Return what a server event means. Never raises.

        What cannot be read is a `ModelProblem` with the code `malformed_event`.
        """
        try:
            event = read(message, READ_TYPES)
        except (ValueError, RecursionError) as error:
            return (ev.ModelProblem(ev.MALFORMED, str(error)),)
        if event is None:
            return ()
        match event.type:
            case "session.output_audio.delta":
                return self._on_sound(event.delta)
            case "session.output_transcript.delta":
                return self._voice.say(event.delta, event.start_ms)
            case "session.input_transcript.delta":
                return self._on_caller_words(event)
            case "response.event" if event.event is not None:
                return self._delegation.take(event.delegation_id or "", event.event, self._voice.at_ms)
            case "session.usage.updated":
                return self._used(event)
            case "session.started":
                return self._on_start(event)
            case "session.closed":
                self.closed = True
                return [*self._used(event), ev.ModelLost(f"closed: {event.reason}")]
            case "error":
                return (_error(event),)
        return ()

    def _on_start(self, event: LiveEvent) -> Sequence[ev.ModelEvent]:
        """Compare the echo with what was asked for: a session cannot be asked twice."""
        session = event.session
        if self._started:
            return ()
        self._started = True
        wrong = live_misunderstanding(self.settings, session)
        if wrong is not None or session is None:
            return (ev.ModelUnavailable(wrong or "the session is not told"),)
        self._voice, self._caller = LiveVoice(session.id), LiveCaller(session.id)
        if started_format(session) == PCM:
            self._conversion = Conversion(hears_pcm=True, speaks_pcm=True)
        return (ev.ModelConfigured(matches=True, expires_at=session.expires_at),)

    def _on_sound(self, payload: str) -> Sequence[ev.ModelEvent]:
        """Find the turns in the model's sound, which is also what time is told by."""
        if self._conversion is not None:
            payload = self._conversion.from_model("", payload)
        try:
            audio = a2b_base64(payload, strict_mode=True)
        except Error:
            return (ev.ModelProblem(ev.MALFORMED, "audio that is no base64"),)
        voice, caller = self._voice, self._caller
        spoke = voice.speaks
        heard = voice.hear(audio)
        if voice.speaks and not spoke:
            heard = [*caller.pause(), *heard]
        elif voice.pauses and caller.spoke_before(voice.at_ms - voice.silent_ms, voice.at_ms):
            utterance = voice.utterance
            heard += [*caller.interrupt(), *self._delegation.interrupted(utterance), *voice.give_way()]
        now_ms = voice.at_ms
        return [*heard, *caller.wait(now_ms), *self._delegation.wait(now_ms, voice.silent_ms)]

    def _on_caller_words(self, event: LiveEvent) -> Sequence[ev.ModelEvent]:
        """Take the caller's words; those into a pause of the agent's come after what it said."""
        ended = self._voice.end() if self._voice.pauses else []
        speaks = self._voice.speaks
        said = self._caller.say(event.delta, event.start_ms, event.end_ms, agent_speaks=speaks)
        return [*ended, *said]

    def _used(self, event: LiveEvent) -> Sequence[ev.ModelEvent]:
        """Return what the session took since the last time: OpenAI tells the sum."""
        seconds = max(0.0, (event.usage.seconds if event.usage else 0.0) - self._told_seconds)
        self._told_seconds += seconds
        return (ev.ModelUsed(Usage(session_seconds=seconds)),) if seconds else ()

    def untold_usage(self) -> Usage | None:
        """Return what the sound that came says about the time that was not told any more."""
        seconds = self._voice.at_ms / 1000 - self._told_seconds
        if self.closed or seconds <= 0:
            return None
        self._told_seconds += seconds
        return Usage(session_seconds=seconds)

    # --- to the model

    def write(self, action: EngineAction) -> Sequence[str]:
        """Return the client events for an action, as JSON texts.

        A session that falls silent by itself is not told to: for that, and for cuts, there is nothing.
        """
        match action:
            case HearCaller(payload):
                return (self._append(payload),)
            case ConfigureModel(history=history):
                session = live_configuration(self.settings, history)
                return (_event("session.start", event_id=_START, session=session),)
            case Respond():
                return self._respond(action)
            case Recall(role, text):
                return _thoughts(_SPEAKERS[role] + text)
            case TellModel(text):
                return _thoughts(text)
            case AnswerTool(call_id, output):
                messages = self._delegation.answer(call_id, output)
                self._continued = len(messages) > 1
                return messages
        return ()

    def _append(self, payload: str) -> str:
        self._caller.hear(payload, self._voice.at_ms, closely=self._voice.speaks)
        if self._conversion is not None:
            payload = self._conversion.to_model(payload)
        return f'{{"type":"session.input_audio.append","audio":"{payload}"}}'

    def _respond(self, action: Respond) -> Sequence[str]:
        """Ask for words by an instruction; what the delegated model goes on to do is spoken unasked."""
        continued, self._continued = self._continued, False
        if action.say is not None:
            words = f'Say exactly the following words now, all of them and nothing else: "{action.say}"'
        elif action.guidance is not None:
            words = action.guidance
        elif continued:
            return ()
        else:
            words = GO_ON
        return (_event(_ADDITIONS, event_id=_RESPOND, content=words, delegation_id=None),)

    def farewell(self) -> str | None:
        """Return what ends the session: OpenAI bills it until it is closed."""
        return '{"type":"session.close"}' if self._started and not self.closed else None


def _thoughts(text: str) -> Sequence[str]:
    """Let the model know something without a word about it."""
    parts = [text[at : at + LONGEST_ADDITION] for at in range(0, len(text), LONGEST_ADDITION)]
    return [_event(_THOUGHTS, content=part, delegation_id=None) for part in parts]


def _event(kind: str, **fields: JsonValue) -> str:
    return msgspec.json.encode({"type": kind, **fields}).decode()


def _error(event: LiveEvent) -> ev.ModelEvent:
    error = event.error
    code = (error.code or error.type or "unknown") if error else "unknown"
    message = (error.message or "") if error else ""
    asked = error.client_event_id if error else None
    if is_fatal(code):
        return ev.ModelProblem(code, message, fatal=True)
    if asked == _START:
        return ev.ModelConfigured(matches=False, detail=f"{code}: {message}")
    if asked == _RESPOND:
        return ev.RequestRefused(code, message)
    return ev.ModelProblem(code, message)
