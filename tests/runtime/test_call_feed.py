"""Listening to a node's calls: what is told, to how many, and what becomes of one who does not keep up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from runtime.call_feed import HEARTBEAT, LAGGED, MOST_LISTENERS, MOST_WAITING, CallFeed
from runtime.call_record import CallRecord
from tests.runtime.office import open_office
from tests.runtime.virtual_time import run

RECORD = CallRecord("a1", "front-desk", "inbound", "active", started_at=1)


async def hearing(feed: CallFeed) -> AsyncGenerator[bytes, None]:
    """Begin to listen, so that what is published next is heard."""
    events = feed.listen()
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(20)
    assert await waiting == HEARTBEAT
    return events


def told(event: bytes) -> dict[str, Any]:
    head, data = event.decode().split("\ndata: ")
    assert head == "event: call"
    record: dict[str, Any] = json.loads(data)
    return record


def test_each_state_of_a_call_is_told_with_its_record(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path) as office:
            events = await hearing(office.node.feed)
            async with await office.phone(await office.webhook()) as phone:
                phone.start()
                await phone.until(lambda heard: bool(heard.heard))
                phone.stop()
            await office.over()
            states: list[str] = []
            while not states or states[-1] != "completed":
                states.append(told(await anext(events))["status"])
            assert states[0] == "incoming"
            assert "active" in states
            await events.aclose()

    run(story())


def test_one_who_does_not_keep_up_is_told_so_and_the_others_hear_on() -> None:
    async def story() -> None:
        feed = CallFeed()
        slow, quick = await hearing(feed), await hearing(feed)
        async with aclosing(slow), aclosing(quick):
            for _ in range(MOST_WAITING + 5):
                feed.publish(RECORD)
                assert told(await anext(quick))["id"] == "a1"
            heard = [event async for event in slow]
            assert len(heard) == MOST_WAITING + 1
            assert heard[-1] == LAGGED

    run(story())


def test_a_node_has_room_for_so_many_and_a_place_is_free_when_one_leaves() -> None:
    async def story() -> None:
        feed = CallFeed()
        listeners = [await hearing(feed) for _ in range(MOST_LISTENERS)]
        was_full = feed.full
        await listeners.pop().aclose()
        assert (was_full, feed.full) == (True, False)
        for listener in listeners:
            await listener.aclose()

    run(story())
