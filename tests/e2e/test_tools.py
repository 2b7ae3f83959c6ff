"""Tools through real sockets: a service on this machine, an agent that uses it, a caller who hears no gap."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from sandbox.model import Call, Script, say, when
from sandbox.network import HangUp, Interrupt, Kind, Listen, Press, Say
from sandbox.speech import clip
from tests.e2e.test_calls import dial, said
from tests.e2e.world import FRONT_DESK, World, play

SECRET = "sk-crm-0123456789"
AGENT = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
greeting: Good evening, this is the Harbour Bistro. How can I help you?
instructions: Take reservations.
tool_hosts: 127.0.0.1
tools:
  - name: find_table
    description: Finds a free table.
    parameters: {{type: object, properties: {{day: {{type: string}}}}, required: [day]}}
    http:
      url: "http://127.0.0.1:PORT/tables/{{{{ day }}}}"
      headers: {{Authorization: "Bearer {SECRET}"}}
    filler: FILLER
  - builtin: [collect_digits, send_digits, take_message]
"""


class Service:
    """An HTTP server that answers every request after a while, and keeps what it was sent."""

    def __init__(self, answer: bytes = b'{"table": 4}', *, seconds: float = 0.0) -> None:
        self.requests: list[str] = []
        self._answer = answer
        self._seconds = seconds
        self._over = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
            self._over.set()  # nobody waits any more
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self._seconds)
            head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            writer.write(f"{head}Content-Length: {len(self._answer)}\r\n\r\n".encode() + self._answer)
            await writer.drain()
        writer.close()


def with_service(
    tmp_path: Path, service: Service, script: Script, story: Callable[[World], Awaitable[None]]
) -> None:
    """Play a story with a served agent whose tool is the service."""

    async def run(world: World) -> None:
        async with service.running() as port:
            world.box.model.script = script
            yaml = AGENT.replace("PORT", str(port)).replace("FILLER", clip("agent-still-there").text)
            world.declare(front_desk=yaml)
            assert (await world.tm("apply", "--yes")).code == 0
            async with world.serving():
                await story(world)

    play(tmp_path, run)


def test_a_tool_is_asked_and_its_answer_spoken_of(tmp_path: Path) -> None:
    service = Service()
    script = Script(
        (
            when("caller-book-table", Call("find_table", {"day": "May 1/2"})),
            when("find_table", say("agent-booked")),
        )
    )

    async def story(world: World) -> None:
        call = await dial(world, Listen(), Say("caller-book-table"), Listen(), HangUp())
        record = await world.record_of(call.sid)

        assert clip("agent-booked").ulaw in call.heard
        (use,) = record["tools"]
        assert (use["name"], use["arguments"], use["result"]) == (
            "find_table",
            {"day": "May 1/2"},
            {"table": 4},
        )
        assert said(record, "tool") == ['find_table {"day":"May 1/2"}: {"table": 4}']
        (request,) = service.requests
        assert request.startswith("POST /tables/May%201%2F2 HTTP/1.1")
        assert f"Bearer {SECRET}" in request
        assert SECRET not in json.dumps(record) + world.server_log()

    with_service(tmp_path, service, script, story)


def test_a_slow_tool_leaves_no_silence_and_the_caller_can_interrupt_meanwhile(tmp_path: Path) -> None:
    script = Script(
        (
            when("caller-book-table", Call("find_table", {"day": "Friday"})),
            when("caller-menu", say("agent-menu")),
            when("find_table", say("agent-booked")),
        )
    )

    async def story(world: World) -> None:
        call = await dial(
            world,
            Listen(),
            Say("caller-book-table"),
            Interrupt("caller-menu", after_ms=900),
            Listen(),
            HangUp(),
        )
        record = await world.record_of(call.sid)
        assert clip("agent-still-there").ulaw[:4000] in call.heard
        assert call.happened(Kind.CLEARED)
        (use,) = record["tools"]
        assert use["result"] == {"table": 4}
        assert use["ms"] >= 3000

    with_service(tmp_path, Service(seconds=3.0), script, story)


def test_digits_are_collected_for_a_tool(tmp_path: Path) -> None:
    script = Script(
        (
            when(
                "caller-book-table",
                Call("collect_digits", {"prompt": clip("agent-ask-day").text, "max_digits": 3}),
            ),
            when("collect_digits", say("agent-booked")),
        )
    )

    async def story(world: World) -> None:
        call = await dial(
            world, Listen(), Say("caller-book-table"), Listen(), Press("427"), Listen(), HangUp()
        )
        record = await world.record_of(call.sid)
        (use,) = record["tools"]
        assert use["result"] == {"digits": "427", "ended_by": "max_digits"}
        assert clip("agent-booked").ulaw in call.heard
        assert not [text for text in said(record, "caller") if text.startswith("[keys")]

    with_service(tmp_path, Service(), script, story)
