"""The messages of a ConversationRelay session, both ways, as values. No I/O.

Twilio → app: setup, prompt, dtmf, interrupt, info, error. App → Twilio: text, play, sendDigits, language,
end; `token` may not be null, `last` is false where it is missing. What is not one of these is answered
with an error message (64107 in the debugger), and the session goes on.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Struct

from sandbox.network.relay_attributes import interruptible_by
from sandbox.network.verbs import Interruptible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.account.calls import Call

Language = Annotated[str, msgspec.Meta(pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*|multi)$")]


class Text(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="text"):
    """A token of an answer to be spoken; `last` ends the answer."""

    token: str
    last: bool = False
    lang: Language | None = None
    interruptible: bool | Literal["none", "dtmf", "speech", "any"] | None = None
    preemptible: bool | None = None

    def interruptible_by(self, default: Interruptible) -> Interruptible:
        """Return which input cuts this off."""
        if self.interruptible is None:
            return default
        return interruptible_by(str(self.interruptible).lower())


class Play(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="play"):
    """Media to be played; a `loop` of 0 is 1000 times."""

    source: Annotated[str, msgspec.Meta(pattern="^https?://")]
    loop: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 1
    interruptible: bool | None = None
    preemptible: bool | None = None


class SendDigits(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="sendDigits"):
    """Keys for the other side."""

    digits: Annotated[str, msgspec.Meta(pattern="^[0-9w#*]+$")]


class SwitchLanguage(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="language"):
    """Other languages from now on: at least one of both."""

    tts: Language | None = msgspec.field(name="ttsLanguage", default=None)
    transcription: Language | None = msgspec.field(name="transcriptionLanguage", default=None)


class End(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="end"):
    """The end of the session; `handoff` is given to the action URL to the letter."""

    handoff: str | None = msgspec.field(name="handoffData", default=None)


FromApp = Text | Play | SendDigits | SwitchLanguage | End


class RefusedMessageError(Exception):
    """A message that Twilio does not understand, and what was wrong with it."""


def read_message(frame: str | bytes) -> FromApp:
    """Read one frame of the app. Raises RefusedMessageError."""
    if isinstance(frame, bytes):
        raise RefusedMessageError("binary frames are not accepted")
    try:
        message: FromApp = msgspec.json.decode(frame, type=FromApp)
    except msgspec.MsgspecError as error:
        raise RefusedMessageError(str(error)) from error
    if isinstance(message, SwitchLanguage) and message.tts is None and message.transcription is None:
        raise RefusedMessageError("language names neither ttsLanguage nor transcriptionLanguage")
    return message


def setup(session_id: str, call: Call, parameters: Mapping[str, str]) -> str:
    """Return the first message. Twilio: fields without a value are empty strings."""
    return _json(
        type="setup",
        sessionId=session_id,
        accountSid=call.account_sid,
        parentCallSid=call.parent_call_sid or "",
        callSid=call.sid,
        **{"from": call.from_},
        to=call.to,
        forwardedFrom="",
        callType="PSTN" if re.fullmatch(r"\+\d+", call.from_) else "CLIENT",
        callerName=call.caller_name,
        direction="inbound" if call.direction == "inbound" else "outbound-api",
        callStatus="IN_PROGRESS",
        customParameters=dict(parameters),
    )


def prompt(words: str, lang: str, *, last: bool) -> str:
    """Return what the caller said; without `last`, so far."""
    return _json(type="prompt", voicePrompt=words, lang=lang, last=last)


def dtmf(digit: str) -> str:
    """Return a key that the caller pressed."""
    return _json(type="dtmf", digit=digit)


def interrupt(heard: str, after_ms: int) -> str:
    """Return that the caller cut the app off, who had said `heard` in `after_ms`."""
    return _json(type="interrupt", utteranceUntilInterrupt=heard, durationUntilInterruptMs=after_ms)


def info(name: str, value: str) -> str:
    """Return something that an app may ask to be told."""
    return _json(type="info", name=name, value=value)


def error(frame: str | bytes) -> str:
    """Return that a message was not understood."""
    shown = frame if isinstance(frame, str) else "(binary)"
    return _json(type="error", description=f"Invalid message received: {shown[:500]}")


def _json(**message: object) -> str:
    return json.dumps(message, ensure_ascii=False)
