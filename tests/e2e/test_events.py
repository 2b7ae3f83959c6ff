"""Listening to the calls of a real node, which stops all the same."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2

from sandbox.network import HangUp, Listen
from tests.e2e.world import CALLER, FRONT_DESK, World, play


def test_a_listener_is_told_of_calls_and_does_not_keep_the_node_from_stopping(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        states: list[str] = []
        async with (
            world.serving(),
            httpx2.AsyncClient(base_url=world.base, timeout=20) as client,
            client.stream("GET", "/api/events") as stream,
        ):
            assert stream.headers["content-type"].startswith("text/event-stream")
            world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=(Listen(), HangUp()))
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    states.append(json.loads(line.removeprefix("data: "))["status"])
                if states[-1:] == ["completed"]:
                    break
        assert states[0] == "incoming"
        assert "active" in states

    play(tmp_path, story)


def test_a_node_that_is_told_to_stop_does_not_wait_for_its_listeners(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with (
            httpx2.AsyncClient(base_url=world.base, timeout=20) as client,
            world.serving() as process,
        ):
            async with client.stream("GET", "/api/events"):
                process.terminate()
                assert await process.wait() == 0, world.server_log()

    play(tmp_path, story)
