"""GPT-Live on a loopback port, with the openai package's own client."""

from __future__ import annotations

import asyncio
import json

import pytest
from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosed

from sandbox.model import Drop, Fault, RealtimeServer, Script, When
from tests.e2e.sandbox.model.office import serving

PCMU = {"type": "audio/pcmu", "rate": 8000}


def test_openais_client_starts_a_session_and_closes_it() -> None:
    server = RealtimeServer(Script(think_ms=1), speed=20)

    async def call() -> list[str]:
        async with serving(server) as url, asyncio.timeout(10):
            async with AsyncOpenAI(api_key="k", base_url=url) as client, client.live.connect() as connection:
                await connection.send_raw(
                    json.dumps(
                        {
                            "type": "session.start",
                            "session": {"model": "gpt-live-1", "audio": {"format": PCMU}},
                        }
                    )
                )
                seen: list[str] = [(await connection.recv()).type]
                await connection.send_raw('{"type": "session.close"}')
                seen += [event.type async for event in connection]
                return seen

    seen = asyncio.run(call())
    assert (seen[0], seen[-1]) == ("session.started", "session.closed")
    assert server.live_sessions[0].close_code == 1000
    assert server.sessions == []


@pytest.mark.parametrize("fault", [Drop(When(turn=1)), Drop(When(ms=200))])
def test_faults_break_a_live_session_as_well(fault: Fault) -> None:
    server = RealtimeServer(Script(), speed=20, faults=[fault])

    async def call() -> None:
        async with serving(server) as url, asyncio.timeout(10):
            async with AsyncOpenAI(api_key="k", base_url=url) as client, client.live.connect() as connection:
                start = {"model": "gpt-live-1", "audio": {"format": PCMU}}
                await connection.send_raw(json.dumps({"type": "session.start", "session": start}))
                await connection.send_raw('{"type": "session.instructions.append", "content": "Greet now."}')
                with pytest.raises(ConnectionClosed):
                    while True:
                        await connection.recv()

    asyncio.run(call())
