"""Twilio ConversationRelay, without I/O: messages in and events out, actions in and messages out.

Twilio sends `setup`, `prompt`, `dtmf`, `interrupt`, `error` and, where it is asked for, `info`. Fields that
are not known here mean nothing; one that is missing or of another type makes a message a `BadFrame`. Twilio
itself closes the session after ten messages in a row that it does not understand (64105), so what is
written here has exactly the documented fields.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from runtime.call.events import BadFrame, KeyPressed, StreamStarted
from runtime.call.text.relay_steps import (
    AgentSounds,
    CallerSounds,
    CarrierEvent,
    Complaint,
    EndRelay,
    Interrupted,
    PlayHold,
    Prompted,
    SendKeys,
    SpeakLanguage,
    SpeakText,
    ToCarrier,
)
from runtime.legs.relay_outcome import HandOff

MOST_CHARACTERS: Final = 4_000
_KEYS: Final = frozenset("0123456789*#ABCD")
_SID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_SENDABLE: Final = re.compile(r"[^0-9w#*]")


class _Setup(msgspec.Struct, tag_field="type", tag="setup", rename="camel"):
    session_id: str
    call_sid: str


class _Prompt(msgspec.Struct, tag_field="type", tag="prompt", rename="camel"):
    voice_prompt: str
    last: bool = True


class _Dtmf(msgspec.Struct, tag_field="type", tag="dtmf"):
    digit: str


class _Interrupt(msgspec.Struct, tag_field="type", tag="interrupt", rename="camel"):
    utterance_until_interrupt: str = ""
    duration_until_interrupt_ms: float = 0.0


class _Info(msgspec.Struct, tag_field="type", tag="info"):
    name: str
    value: str = ""


class _Error(msgspec.Struct, tag_field="type", tag="error"):
    description: str = ""


_Message = _Setup | _Prompt | _Dtmf | _Interrupt | _Info | _Error
_DECODER: Final = msgspec.json.Decoder(_Message)


def decode(message: str | bytes) -> CarrierEvent | None:
    """Return what a message means, None for one that means nothing to a call. Never raises."""
    if isinstance(message, bytes):
        return BadFrame("a binary message")
    try:
        told = _DECODER.decode(message)
    except (ValueError, RecursionError) as error:  # msgspec's own, broken Unicode; nested too deeply
        return BadFrame(f"not a message of ConversationRelay: {error}")
    match told:
        case _Setup(session_id, call_sid):
            if not _SID.fullmatch(session_id):
                return BadFrame("a setup without a session id")
            return StreamStarted(session_id, call_sid)
        case _Prompt(words, last):
            return Prompted(words.strip()[:MOST_CHARACTERS], last)
        case _Dtmf(digit):
            return KeyPressed(digit) if digit in _KEYS else BadFrame("an unknown key")
        case _Interrupt(heard, heard_ms):
            return Interrupted(heard.strip()[:MOST_CHARACTERS], max(0, round(heard_ms)))
        case _Error(description):
            return Complaint(description[:MOST_CHARACTERS])
        case _Info("agentSpeaking", value):
            return AgentSounds(value == "on")
        case _Info("clientSpeaking", value):
            return CallerSounds(value == "on")
    return None


def encode(action: ToCarrier) -> str | None:
    """Return the message for an action; None where nothing of it can be sent.

    Twilio: `sendDigits` takes 0-9, w, # and * only; `loop` 0 is a thousand times; what is preemptible gives
    way to the next text; `handoffData` is given to the action URL to the letter.
    """
    match action:
        case SpeakText(token, last):
            return _json({"type": "text", "token": token, "last": last})
        case PlayHold(source, times):
            return _json({"type": "play", "source": source, "loop": times, "preemptible": True})
        case SpeakLanguage(language):
            return _json({"type": "language", "ttsLanguage": language, "transcriptionLanguage": language})
        case SendKeys(keys):
            digits = _NOT_SENDABLE.sub("", keys.replace("W", "w"))
            return _json({"type": "sendDigits", "digits": digits}) if digits else None
        case EndRelay():
            return _json({"type": "end", "handoffData": HandOff.of(action).write()})


def _json(message: dict[str, str | bool | int]) -> str:
    return msgspec.json.encode(message).decode()
