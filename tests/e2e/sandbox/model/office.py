"""The text models on a loopback port with the openai package's own client; its types judge each stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
from openai import AsyncOpenAI
from starlette.applications import Starlette

from sandbox.model import RealtimeServer
from sandbox.server import LoopbackServer
from tests.sandbox.model.text_oracle import judge_chunk, judge_response_event

T = TypeVar("T")
Event = dict[str, Any]


@asynccontextmanager
async def serving(server: RealtimeServer) -> AsyncIterator[str]:
    """Serve on a free loopback port; the base URL for a client."""
    loopback = LoopbackServer(Starlette(routes=server.routes()), "127.0.0.1", 0)
    port = await loopback.start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        await loopback.stop()


def with_client(
    server: RealtimeServer, story: Callable[[AsyncOpenAI], Awaitable[T]], *, key: str = "test-key"
) -> T:
    """Run a story with a client that does not try again."""

    async def run() -> T:
        async with serving(server) as url, asyncio.timeout(10):
            async with AsyncOpenAI(api_key=key, base_url=url, max_retries=0) as client:
                return await story(client)

    return asyncio.run(run())


def streamed(server: RealtimeServer, path: str, body: dict[str, object]) -> list[Event]:
    """Return the events of a stream as they stand on the wire, each judged by the package's types."""

    async def run() -> str:
        async with serving(server) as url, httpx2.AsyncClient() as http:
            headers = {"Authorization": "Bearer test-key"}
            answer = await http.post(f"{url}{path}", json={**body, "stream": True}, headers=headers)
            assert answer.headers["content-type"].startswith("text/event-stream")
            return answer.text

    return list(_events(asyncio.run(run())))


def _events(text: str) -> Iterator[Event]:
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if fields["data"] == "[DONE]":
            yield {"type": "[DONE]"}
            continue
        event: Event = json.loads(fields["data"])
        if "choices" in event:
            judge_chunk(event)
        else:
            assert fields["event"] == event["type"]
            judge_response_event(event)
        yield event
