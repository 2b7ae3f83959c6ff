"""The events that a client of GPT-Live may send, and reading them. No I/O."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, TypeAlias

import msgspec

from sandbox.model.config import JsonObject, Part
from sandbox.model.live.config import LiveConfig, LiveUpdate
from sandbox.model.refusal import RefusedError, refusal_of


class LiveClientEvent(Part, kw_only=True, tag_field="type"):
    """What all have: an optional id, which answers name."""

    event_id: str | None = None


class Start(LiveClientEvent, kw_only=True, tag="session.start"):
    """Begin the session; the first event, and the only one of its kind."""

    session: LiveConfig


class Update(LiveClientEvent, kw_only=True, tag="session.update"):
    """Change the delegation."""

    session: LiveUpdate


class Append(LiveClientEvent, kw_only=True, tag="session.input_audio.append"):
    """More of the caller's sound, base64; never acknowledged."""

    audio: str


class Mute(LiveClientEvent, kw_only=True, tag="session.input_audio.mute"):
    """Do not hear the caller."""


class Unmute(LiveClientEvent, kw_only=True, tag="session.input_audio.unmute"):
    """Hear him again."""


class FixturePlay(LiveClientEvent, kw_only=True, tag="session.output_audio.fixture.play"):
    """Let the caller hear PCM16 at 24 kHz, at most 30 s, while nobody listens to him."""

    audio: str


class Guidance(LiveClientEvent, kw_only=True):
    """Words for the model."""

    content: str
    delegation_id: str | None = None


class Instruct(Guidance, kw_only=True, tag="session.instructions.append"):
    """Tell the model what to do."""


class Comment(Guidance, kw_only=True, tag="session.commentary.append"):
    """Give the model something to say."""


class Think(Guidance, kw_only=True, tag="session.thinking.append"):
    """Let the model know something."""

    content: Annotated[str, msgspec.Meta(max_length=2000)]  # OpenAI: 500 tokens


class ItemCreate(LiveClientEvent, kw_only=True, tag="response.item.create"):
    """An item for the delegated model: what a function has answered."""

    item: JsonObject


class ResponseCreate(LiveClientEvent, kw_only=True, tag="response.create"):
    """Let the delegated model go on."""


class Close(LiveClientEvent, kw_only=True, tag="session.close"):
    """End the session; the server says when it has."""


AnyLiveEvent: TypeAlias = (
    Start
    | Update
    | Append
    | Mute
    | Unmute
    | FixturePlay
    | Instruct
    | Comment
    | Think
    | ItemCreate
    | ResponseCreate
    | Close
)


def read(frame: str | bytes) -> AnyLiveEvent:
    """Return the event in a frame. Raises `RefusedError`."""
    try:
        event: AnyLiveEvent = msgspec.json.decode(frame, type=AnyLiveEvent)
    except msgspec.ValidationError as error:
        raise refusal_of(error) from error
    except msgspec.DecodeError:
        raise RefusedError("invalid_json", "The event is not valid JSON.") from None
    return event


def event_id_of(frame: str | bytes) -> str | None:
    """Return the id of an event that cannot be read otherwise."""
    try:
        event = msgspec.json.decode(frame)
    except msgspec.DecodeError:
        return None
    event_id = event.get("event_id") if isinstance(event, dict) else None
    return event_id if isinstance(event_id, str) else None


def decoded(audio: str) -> bytes:
    """Return the bytes of base64. Raises `RefusedError`."""
    try:
        return base64.b64decode(audio, validate=True)
    except binascii.Error as error:
        raise RefusedError("invalid_value", "Invalid 'audio': not base64.", param="audio") from error
