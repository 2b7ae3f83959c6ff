"""The openai package's own types as a judge: strict about what is there, and about what should not be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import msgspec
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from openai.types.realtime.realtime_session_create_response import RealtimeSessionCreateResponse
from pydantic import BaseModel, Field, TypeAdapter

from sandbox.model.faults import Malformed, UnknownEvent

if TYPE_CHECKING:
    from sandbox.model import Connection, RealtimeServer

_server: TypeAdapter[object] = TypeAdapter(Annotated[RealtimeServerEvent, Field(discriminator="type")])
_client: TypeAdapter[object] = TypeAdapter(Annotated[RealtimeClientEvent, Field(discriminator="type")])
# What a session has beside what a client may ask for, with its types: its id, kind and end.
_session: dict[str, TypeAdapter[object]] = {
    name: TypeAdapter(field.annotation)
    for name, field in RealtimeSessionCreateResponse.model_fields.items()
    if field.annotation is not None
}


def judge_server_event(event: dict[str, object]) -> None:
    """Raise when a server event has a missing, wrong or invented field.

    Of a session, events have what a client may ask for and what the server made of it, for which the package
    has a type each; a field is invented when neither knows it.
    """
    invented = _invented(_server, event)
    session = event.get("session")
    if isinstance(session, dict):
        for name in session.keys() & _session.keys():
            if f"session.{name}" in invented:
                _session[name].validate_python(session[name])
                invented.remove(f"session.{name}")
    assert not invented, f"{event['type']} has fields that OpenAI does not know: {invented}"


def judge_client_event(event: dict[str, object]) -> None:
    """Raise when a client event has a missing, wrong or invented field."""
    invented = _invented(_client, event)
    assert not invented, f"{event['type']} has fields that OpenAI does not know: {invented}"


def judge_model(server: RealtimeServer) -> None:
    """Judge all that was said in both directions; only what a fault has spoilt on purpose is let pass."""
    spoilt = sum(isinstance(fault, Malformed | UnknownEvent) for fault in server.faults)
    for connection in server.sessions:
        _judge_connection(connection, spoilt)


def _judge_connection(connection: Connection, spoilt: int) -> None:
    for frame in connection.frames:
        if frame.direction == "in":
            judge_client_event(msgspec.json.decode(frame.text))
            continue
        try:
            judge_server_event(msgspec.json.decode(frame.text))
        except ValueError:
            spoilt -= 1
            assert spoilt >= 0, frame.text


def _invented(adapter: TypeAdapter[object], event: object) -> set[str]:
    return set(_extras(adapter.validate_python(event), ""))


def _extras(value: object, path: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from (f"{path}{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _extras(element, path)
