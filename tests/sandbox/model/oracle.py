"""The openai package's own types as a judge: strict about what is there, and about what should not be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel, Field, TypeAdapter

_server: TypeAdapter[object] = TypeAdapter(Annotated[RealtimeServerEvent, Field(discriminator="type")])
_client: TypeAdapter[object] = TypeAdapter(Annotated[RealtimeClientEvent, Field(discriminator="type")])

# Sent by OpenAI, missing in the package's types.
_KNOWN_EXTRAS = {"session.id", "session.object", "session.expires_at"}


def judge_server_event(event: dict[str, object]) -> None:
    """Raise when a server event has a missing, wrong or invented field."""
    _judge(_server, event)


def judge_client_event(event: dict[str, object]) -> None:
    """Raise when a client event has a missing, wrong or invented field."""
    _judge(_client, event)


def _judge(adapter: TypeAdapter[object], event: dict[str, object]) -> None:
    model = adapter.validate_python(event)
    invented = set(_extras(model, "")) - _KNOWN_EXTRAS
    assert not invented, f"{event['type']} has fields that OpenAI does not know: {invented}"


def _extras(value: object, path: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from (f"{path}{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _extras(element, path)
