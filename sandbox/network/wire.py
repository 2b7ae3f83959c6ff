"""The messages of a media stream, both ways, as values. No I/O.

Twilio → server: `sequenceNumber`, `chunk` and `timestamp` are strings, `sampleRate` and `channels`
are numbers; `sequenceNumber` starts at "1" with `start` and rises with every message. Server →
Twilio: a missing field, an extra field, another stream's SID, an unknown event or no JSON at all
is refused (31951, or 31950 when it is not even text) and ignored.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Media:
    """Audio for the caller, µ-law at 8 kHz without a header."""

    ulaw: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark to be returned when the audio before it has been played."""

    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Drop the audio that waits."""


Outgoing = Media | Mark | Clear


class RefusedMessageError(Exception):
    """A message that Twilio ignores: the debugger's code and what was wrong."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


# Each event with the one field that its body has; `clear` has no body.
_BODY_FIELD = {"media": "payload", "mark": "name", "clear": None}


def parse_outgoing(frame: str | bytes, stream_sid: str) -> Outgoing:
    """Read one frame from the server. Raises RefusedMessageError."""
    message = _object(frame)
    event = message.get("event")
    if not isinstance(event, str) or event not in _BODY_FIELD:
        raise RefusedMessageError(31951, f"unknown event: {event!r:.60}")
    field = _BODY_FIELD[event]
    _exactly(message, {"event", "streamSid"} if field is None else {"event", "streamSid", event})
    if message["streamSid"] != stream_sid:
        raise RefusedMessageError(31951, f"streamSid is not this stream's: {message['streamSid']!r:.60}")
    if field is None:
        return Clear()
    body = message[event]
    if not isinstance(body, dict):
        raise RefusedMessageError(31951, f"{event} is not an object")
    _exactly(body, {field})
    value = body[field]
    if not isinstance(value, str):
        raise RefusedMessageError(31951, f"{event}.{field} is not a string")
    return Mark(value) if event == "mark" else Media(_ulaw(value))


def _object(frame: str | bytes) -> dict[str, object]:
    if isinstance(frame, bytes):
        raise RefusedMessageError(31950, "binary frames are not accepted")
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise RefusedMessageError(31951, "the message is not JSON") from error
    if not isinstance(message, dict):
        raise RefusedMessageError(31951, "the message is not an object")
    return message


def _exactly(found: Mapping[str, object], wanted: set[str]) -> None:
    if missing := wanted - found.keys():
        raise RefusedMessageError(31951, f"missing field: {', '.join(sorted(missing))}")
    if extra := found.keys() - wanted:
        raise RefusedMessageError(31951, f"unexpected field: {', '.join(sorted(extra))[:200]}")


def _ulaw(payload: str) -> bytes:
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedMessageError(31951, "the payload is not base64") from error


class StreamWriter:
    """Writes Twilio's messages of one stream, numbering them."""

    def __init__(self, account_sid: str, call_sid: str, stream_sid: str) -> None:
        self._call = {"accountSid": account_sid, "callSid": call_sid}
        self._stream_sid = stream_sid
        self._sequence = 0
        self._chunk = 0

    def connected(self) -> str:
        """Return the first message, which has neither number nor SID."""
        return _json({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self, parameters: Mapping[str, str]) -> str:
        """Return the message that describes the stream."""
        body = {
            "accountSid": self._call["accountSid"],
            "streamSid": self._stream_sid,
            "callSid": self._call["callSid"],
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(parameters),
        }
        return self._numbered("start", body)

    def media(self, ulaw: bytes, timestamp_ms: int) -> str:
        """Return one frame of the caller's audio; `timestamp_ms` counts from the stream's start."""
        self._chunk += 1
        body = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(timestamp_ms),
            "payload": base64.b64encode(ulaw).decode(),
        }
        return self._numbered("media", body)

    def dtmf(self, digit: str) -> str:
        """Return a key that the caller pressed."""
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        """Return a mark of the server's."""
        return self._numbered("mark", {"name": name})

    def stop(self) -> str:
        """Return the last message of a stream that Twilio ends."""
        return self._numbered("stop", self._call)

    def _numbered(self, event: str, body: Mapping[str, object]) -> str:
        self._sequence += 1
        return _json(
            {
                "event": event,
                "sequenceNumber": str(self._sequence),
                "streamSid": self._stream_sid,
                event: body,
            }
        )


def _json(message: Mapping[str, object]) -> str:
    return json.dumps(message, separators=(",", ":"))
