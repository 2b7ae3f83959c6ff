"""Twilio Media Streams, without I/O: text frames in and events out, actions in and text frames out.

Twilio sends `connected`, `start`, then `media` (20 ms of µ-law in base64, as a rule), `dtmf`, `mark` and
`stop`. It numbers its messages with strings; nothing here depends on them, on optional fields, or on fields
that are new. Twilio itself is strict about what it is sent: an extra field makes it ignore the message, so
the frames here have exactly the documented ones.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

import msgspec

from runtime.call.actions import LegAction, PlayAudio, PlayMark
from runtime.call.events import (
    BadFrame,
    CallerAudio,
    KeyPressed,
    LegEvent,
    MarkPlayed,
    StreamStarted,
    StreamStopped,
)

_SID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEYS: Final = frozenset("0123456789*#ABCD")
_ENCODING: Final = "audio/x-mulaw"
_RATE: Final = 8000
LONGEST_STAMP: Final = 12  # digits of a time in ms: thirty years


class _MediaFormat(msgspec.Struct, rename="camel"):
    encoding: str = _ENCODING
    sample_rate: int | str = _RATE


class _Start(msgspec.Struct, rename="camel"):
    call_sid: str | None = None
    stream_sid: str | None = None
    media_format: _MediaFormat = msgspec.field(default_factory=_MediaFormat)


class _Media(msgspec.Struct):
    payload: str
    track: str = "inbound"
    timestamp: str | int | None = None


class _Mark(msgspec.Struct):
    name: str


class _Key(msgspec.Struct):
    digit: str


class _Frame(msgspec.Struct, rename="camel"):
    event: str
    stream_sid: str | None = None
    media: _Media | None = None
    start: _Start | None = None
    mark: _Mark | None = None
    dtmf: _Key | None = None


_DECODER: Final = msgspec.json.Decoder(_Frame)


def decode(message: str | bytes, stream_sid: str | None = None) -> LegEvent | None:
    """Return what a frame means, None for one that means nothing to a call (`connected`).

    What cannot be read is a `BadFrame`, and so is a frame of another stream than `stream_sid`, where that is
    given. Never raises.
    """
    try:
        frame = _DECODER.decode(message)
    except (ValueError, RecursionError) as error:  # msgspec's own, broken Unicode; nested too deeply
        return BadFrame(f"not a Media Streams frame: {error}")
    if stream_sid is not None and frame.stream_sid is not None and frame.stream_sid != stream_sid:
        return BadFrame("a frame of another stream")
    if frame.media is not None and frame.event == "media":
        return _media(frame.media)
    return _other(frame)


def _media(media: _Media) -> LegEvent | None:
    """Return the caller's audio; its text goes on unchanged, so it must be nothing but base64."""
    if media.track != "inbound":
        return None
    try:
        audio = binascii.a2b_base64(media.payload, strict_mode=True)
    except ValueError:  # binascii.Error is one; text beyond ASCII is another
        return BadFrame("the media payload is not base64")
    if not audio:
        return None
    stamp = media.timestamp
    if isinstance(stamp, str) and len(stamp) <= LONGEST_STAMP and stamp.isdecimal():
        return CallerAudio(media.payload, int(stamp))
    return CallerAudio(media.payload)


def _other(frame: _Frame) -> LegEvent | None:
    match frame.event:
        case "mark" if frame.mark is not None:
            return MarkPlayed(frame.mark.name)
        case "dtmf" if frame.dtmf is not None:
            digit = frame.dtmf.digit
            return KeyPressed(digit) if digit in _KEYS else BadFrame("an unknown key")
        case "start" if frame.start is not None:
            return _start(frame, frame.start)
        case "stop":
            return StreamStopped()
        case "connected":
            return None
    return BadFrame("an unknown or incomplete event")


def _start(frame: _Frame, start: _Start) -> LegEvent:
    """Return the stream's beginning; its id goes into every frame, so it must be a plain one."""
    stream_sid = frame.stream_sid or start.stream_sid or ""
    if not _SID.fullmatch(stream_sid):
        return BadFrame("a start without a stream id")
    if start.media_format.encoding != _ENCODING or str(start.media_format.sample_rate) != str(_RATE):
        return BadFrame("a stream that is not µ-law at 8000 Hz")
    return StreamStarted(stream_sid, start.call_sid)


def encode(action: LegAction, stream_sid: str) -> str:
    """Return the frame for an action. `stream_sid` is the one of `StreamStarted`."""
    if isinstance(action, PlayAudio):
        return f'{{"event":"media","streamSid":"{stream_sid}","media":{{"payload":"{action.payload}"}}}}'
    if isinstance(action, PlayMark):
        return f'{{"event":"mark","streamSid":"{stream_sid}","mark":{{"name":"{action.name}"}}}}'
    return f'{{"event":"clear","streamSid":"{stream_sid}"}}'
