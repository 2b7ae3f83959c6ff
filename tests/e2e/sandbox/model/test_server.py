"""The model server on a loopback port, with the openai package's own client."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import uvicorn
from openai import AsyncOpenAI, AuthenticationError
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.model import Close, Drop, Expire, Fault, RealtimeServer, Refuse, Script, When
from sandbox.speech import clip
from sandbox.speech.ulaw import silence
from tests.sandbox.model.oracle import judge_client_event, judge_server_event
from tests.sandbox.model.virtual import phone_session

QUICK = Script(think_ms=1, speed=1000, transcription_ms=(1, 1))
PATIENCE_S = 5


@asynccontextmanager
async def serving(server: RealtimeServer) -> AsyncIterator[str]:
    """Serve on a free loopback port; the base URL for a client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = Starlette(routes=server.routes())
        config = uvicorn.Config(app, lifespan="off", log_level="warning")
        http = uvicorn.Server(config)
        task = asyncio.create_task(http.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            await server.close()
            http.should_exit = True
            await task


@asynccontextmanager
async def connected(url: str, *, key: str = "test-key") -> AsyncIterator[AsyncRealtimeConnection]:
    async with (
        asyncio.timeout(PATIENCE_S),
        AsyncOpenAI(api_key=key, base_url=url) as client,
        client.realtime.connect(model="gpt-realtime-2.1") as connection,
    ):
        yield connection


async def until(connection: AsyncRealtimeConnection, event_type: str) -> list[str]:
    """Read up to an event of this type and return the types."""
    seen: list[str] = []
    while event_type not in seen:
        event = await connection.recv()
        assert event.type != "error", event
        seen.append(event.type)
    return seen


async def ask(connection: AsyncRealtimeConnection, name: str) -> None:
    """Set the session up for the telephone and say a clip, faster than real time."""
    await connection.send_raw(json.dumps(phone_session(transcription={"model": "gpt-transcribe"})))
    await connection.input_audio_buffer.append(
        audio=base64.b64encode(clip(name).ulaw + silence(700)).decode()
    )


def test_openais_client_holds_a_spoken_turn() -> None:
    server = RealtimeServer(QUICK, seed=1)

    async def call() -> bytes:
        async with serving(server) as url, connected(url) as connection:
            await ask(connection, "caller-book-table")
            audio = b""
            async for event in connection:
                if event.type == "response.output_audio.delta":
                    audio += base64.b64decode(event.delta)
                if event.type == "response.done":
                    break
            return audio

    assert asyncio.run(call()) == clip("agent-ask-day").ulaw
    (session,) = server.sessions
    assert session.received("session.update")
    for frame in session.frames:
        judge = judge_client_event if frame.direction == "in" else judge_server_event
        judge(msgspec.json.decode(frame.text))


@pytest.mark.parametrize(
    ("key", "faults", "status"),
    [
        ("wrong", [], 401),
        ("right", [Refuse(429)], 429),
        ("right", [Refuse(503)], 503),
    ],
)
def test_a_refused_handshake_never_becomes_a_session(key: str, faults: list[Fault], status: int) -> None:
    server = RealtimeServer(key="right", faults=faults)

    async def call() -> int:
        async with serving(server) as url:
            with pytest.raises(InvalidStatus) as refused:
                async with connected(url, key=key):
                    pass
            return refused.value.response.status_code

    assert asyncio.run(call()) == status
    assert server.sessions == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Drop(When(turn=1)), 1006),
        (Drop(When(ms=50)), 1006),
        (Close(1011, "internal error", When(turn=1)), 1011),
        (Expire(When(turn=1)), 1001),
    ],
)
def test_a_broken_connection_looks_like_the_real_one_and_the_next_is_whole(fault: Fault, code: int) -> None:
    server = RealtimeServer(QUICK, faults=[fault])

    async def call() -> int | None:
        async with serving(server) as url:
            with pytest.raises(ConnectionClosed) as closed:
                async with connected(url) as connection:
                    await connection.send_raw(json.dumps(phone_session()))
                    await connection.response.create()
                    while True:
                        await connection.recv()
            async with connected(url) as connection:
                await connection.response.create()
                await until(connection, "response.done")
            return closed.value.rcvd.code if closed.value.rcvd else 1006

    assert asyncio.run(call()) == code
    assert len(server.sessions) == 2


def test_a_faster_clock_makes_minutes_of_thinking_short() -> None:
    server = RealtimeServer(Script(think_ms=60_000), speed=1000)

    async def call() -> None:
        async with serving(server) as url, connected(url) as connection:
            await connection.response.create()
            await until(connection, "response.done")

    asyncio.run(call())
    assert server.sessions[0].frames[-1].at_ms > 60_000


def test_closing_the_server_ends_every_session() -> None:
    server = RealtimeServer()

    async def call() -> int | None:
        async with serving(server) as url, connected(url) as connection:
            await until(connection, "session.created")
            await server.close()
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            return closed.value.rcvd.code if closed.value.rcvd else None

    assert asyncio.run(call()) == 1001
    assert server.sessions[0].ended.is_set()


def test_a_client_that_hangs_up_ends_its_session() -> None:
    server = RealtimeServer()

    async def call() -> None:
        async with serving(server) as url:
            async with connected(url) as connection:
                await connection.response.create()
                await until(connection, "response.created")
            async with asyncio.timeout(PATIENCE_S):
                await server.sessions[0].ended.wait()

    asyncio.run(call())
    assert server.sessions[0].close_code == 1000


def test_a_test_may_say_anything_to_the_client_and_cut_the_line() -> None:
    server = RealtimeServer()

    async def call() -> str:
        async with serving(server) as url, connected(url) as connection:
            await until(connection, "session.created")
            await server.sessions[0].inject('{"type": "made.up"}')
            event_type = (await connection.recv()).type
            server.sessions[0].drop()
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            return event_type

    assert asyncio.run(call()) == "made.up"


def test_the_models_are_listed_for_the_key_and_for_no_other() -> None:
    async def story() -> None:
        async with serving(RealtimeServer(key="the-key")) as url:
            async with AsyncOpenAI(api_key="the-key", base_url=url) as client:
                listed = await client.models.list()
                assert "gpt-realtime-2.1" in [model.id for model in listed.data]
            async with AsyncOpenAI(api_key="another", base_url=url, max_retries=0) as client:
                with pytest.raises(AuthenticationError):
                    await client.models.list()

    asyncio.run(story())
