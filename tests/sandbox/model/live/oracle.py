"""The openai package's own types as a judge of GPT-Live's events, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from openai.types.live import ClientEvent, ServerEvent
from pydantic import Field, TypeAdapter

from tests.sandbox.model.text_oracle import judge

if TYPE_CHECKING:
    from sandbox.model import RealtimeServer

_SERVER: TypeAdapter[object] = TypeAdapter(Annotated[ServerEvent, Field(discriminator="type")])
_CLIENT: TypeAdapter[object] = TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")])


def judge_live_client_event(frame: str | bytes) -> None:
    """Raise when a client event has a missing, wrong or invented field."""
    judge(_CLIENT, msgspec.json.decode(frame))


def judge_live_server_event(frame: str | bytes) -> None:
    """Raise when a server event has a missing, wrong or invented field."""
    judge(_SERVER, msgspec.json.decode(frame))


def judge_live(server: RealtimeServer) -> None:
    """Judge all that was said in Live sessions, and that none of it was refused."""
    for connection in server.live_sessions:
        for frame in connection.frames:
            if frame.direction == "in":
                judge_live_client_event(frame.text)
            else:
                judge_live_server_event(frame.text)
                assert msgspec.json.decode(frame.text)["type"] != "error", frame.text
