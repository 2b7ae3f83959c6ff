"""Clients that others wrote, and a call with the sandbox's model; both sides judged by OpenAI's own types."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec

from sandbox.model import Call, Connection, RealtimeServer, Script, say, when
from sandbox.speech import clip
from tests.e2e.sandbox.model.test_server import serving
from tests.sandbox.model.oracle import judge_client_event, judge_server_event
from tests.witnesses.stranger import stranger

MENU = Script(
    (
        when("caller-book-table", say("agent-ask-day")),
        when("caller-menu", Call("read_menu", {"day": "today"})),
        when("read_menu", say("agent-menu")),
        when("caller-friday-two", say("agent-booked")),
    )
)


def hold_a_call(folder: Path, *questions: str) -> tuple[dict[str, Any], Connection]:
    """Let a RealtimeRunner ask; return what it met with, and the model's side of it."""
    server = RealtimeServer(MENU)

    async def call() -> dict[str, Any]:
        async with serving(server) as url:
            address = f"{url.replace('http:', 'ws:')}/realtime?model=gpt-realtime-2.1"
            async with stranger("agents_client.py", address, *written(folder, questions)) as client:
                assert client.stdout is not None
                met: dict[str, Any] = json.loads(await client.stdout.read())
                return met

    met = asyncio.run(call())
    (connection,) = server.sessions
    return met, connection


def written(folder: Path, questions: tuple[str, ...]) -> list[str]:
    """Write the clips to files; a `+` before a name stays before its file."""
    for name in questions:
        (folder / name.lstrip("+")).write_bytes(clip(name.lstrip("+")).ulaw)
    return ["+" * name.startswith("+") + str(folder / name.lstrip("+")) for name in questions]


def judged(connection: Connection) -> list[str]:
    """Judge every frame of both sides; return the types of what the client sent, its audio aside."""
    asked: list[str] = []
    for frame in connection.frames:
        event = msgspec.json.decode(frame.text)
        if frame.direction == "out":
            judge_server_event(event)
            continue
        judge_client_event(event)
        if event["type"] != "input_audio_buffer.append":
            asked.append(event["type"])
    return asked


def test_openais_agents_ask_use_a_tool_interrupt_and_are_answered(tmp_path: Path) -> None:
    met, connection = hold_a_call(tmp_path, "caller-book-table", "caller-menu", "+caller-friday-two")
    assert met["errors"] == []
    assert met["tools"] == [["read_menu", "the menu of today"]]
    assert met["events"]["audio_interrupted"] >= 1
    assert met["audio"] > len(clip("agent-ask-day").ulaw) + len(clip("agent-booked").ulaw)
    assert {"session.update", "conversation.item.truncate", "response.create"} <= set(judged(connection))
    assert connection.sent("error") == []
    assert connection.sent("conversation.item.truncated")
