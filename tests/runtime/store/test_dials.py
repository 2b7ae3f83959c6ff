"""Placed calls in the database, on SQLite and on PostgreSQL: several nodes hear of one call at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from runtime.outbound.dial_store import DialStore
from runtime.outbound.orders import CallFacts, DialOrder
from runtime.store import CallStore
from tests.runtime.store.stores import LONG, record, stored

ORDER = DialOrder("0" * 32, "front-desk", "+14155550177", "+14155550123", {"name": "Ana"}, ring_seconds=20)
RECORD = record(1, id=ORDER.attempt, direction="outbound", status="incoming", call_sid=None)
BUSY = CallFacts("CA1", "busy", sip_code=486)
Story = Callable[[list[CallStore], list[DialStore]], Awaitable[None]]


class Clock:
    """The time of all nodes, in seconds since the epoch."""

    now = 10.0

    def __call__(self) -> float:
        return self.now


def play(database: str, story: Story, clock: Clock | None = None) -> None:
    """Run a story with the stores of three nodes."""
    epoch = clock or Clock()

    async def run() -> None:
        async with AsyncExitStack() as stack:
            calls = [CallStore(database, node=f"node-{number}", epoch=epoch) for number in range(3)]
            for store in calls:
                await store.open()
                stack.push_async_callback(store.close)
            dials = [
                DialStore(store.thread, node=f"node-{number}", epoch=epoch)
                for number, store in enumerate(calls)
            ]
            await story(calls, dials)

    asyncio.run(run())


def test_a_call_is_kept_with_its_record_before_it_is_dialled(database: str) -> None:
    async def story(calls: list[CallStore], dials: list[DialStore]) -> None:
        assert await dials[0].begin(ORDER, RECORD, expires_at=10**9)
        assert await dials[1].begin(ORDER, RECORD, expires_at=10**9)  # a step that is done twice
        found = await dials[2].find(ORDER.attempt)
        assert found is not None
        assert found.order == ORDER
        assert (await stored(calls[2], ORDER.attempt))["status"] == "incoming"

    play(database, story)


def test_calls_that_ring_count_against_the_limit_on_every_node(database: str) -> None:
    async def story(_calls: list[CallStore], dials: list[DialStore]) -> None:
        orders = [replace(ORDER, attempt=f"{number:032}") for number in range(9)]
        began = await asyncio.gather(
            *(
                dials[number % 3].begin(order, replace(RECORD, id=order.attempt), expires_at=10**9, room=4)
                for number, order in enumerate(orders)
            )
        )
        assert sum(began) == 4

    play(database, story)


def test_an_answered_call_is_the_nodes_that_takes_it_and_the_record_is_one(database: str) -> None:
    async def story(calls: list[CallStore], dials: list[DialStore]) -> None:
        await dials[0].begin(ORDER, RECORD, expires_at=10**9)
        taken = await dials[1].take(ORDER.attempt, "front-desk", "CA1", 600)
        assert taken is not None
        dial, opening = taken
        assert dict(dial.order.variables) == {"name": "Ana"}
        assert (opening.id, opening.call_sid, opening.direction) == (ORDER.attempt, "CA1", "outbound")
        calls[1].save(replace(opening, status="active"), LONG)
        calls[0].save(replace(opening, status="completed"), LONG)  # another node's word does not count
        await stored(calls[0], ORDER.attempt)
        assert (await stored(calls[1], ORDER.attempt))["status"] == "active"
        goes_on = await calls[2].take_over("CA1", "front-desk")
        assert goes_on is not None
        assert goes_on.order == ORDER

    play(database, story)


def test_what_is_over_or_somebody_elses_is_not_taken(database: str) -> None:
    async def story(_calls: list[CallStore], dials: list[DialStore]) -> None:
        await dials[0].begin(ORDER, RECORD, expires_at=10**9)
        assert await dials[1].take(ORDER.attempt, "another-agent", "CA1", 600) is None
        assert await dials[1].note(ORDER.attempt, BUSY, agent="another-agent") is None
        await dials[2].note(ORDER.attempt, BUSY)
        assert await dials[1].take(ORDER.attempt, "front-desk", "CA1", 600) is None
        assert await dials[1].take("f" * 32, "front-desk", "CA1", 600) is None

    play(database, story)


def test_nodes_that_are_told_the_end_at_once_end_the_record_once(database: str) -> None:
    async def story(calls: list[CallStore], dials: list[DialStore]) -> None:
        await dials[0].begin(ORDER, RECORD, expires_at=10**9)
        noted = await asyncio.gather(*(store.note(ORDER.attempt, BUSY) for store in dials * 3))
        ended = [one.ended for one in noted if one is not None and one.ended is not None]
        assert [one.end_reason for one in ended] == ["busy"]
        later = await dials[0].note(ORDER.attempt, CallFacts("CA1", "completed"))
        assert later is not None
        assert (later.dial.facts.status, later.dial.facts.sip_code) == ("busy", 486)
        record = await stored(calls[0], ORDER.attempt)
        assert (record["end_reason"], record["call_sid"], record["ended_at"]) == ("busy", "CA1", 10_000)

    play(database, story)


def test_the_end_of_a_call_that_somebody_talks_on_is_left_to_its_session(database: str) -> None:
    async def story(calls: list[CallStore], dials: list[DialStore]) -> None:
        await dials[0].begin(ORDER, RECORD, expires_at=10**9)
        await dials[1].take(ORDER.attempt, "front-desk", "CA1", 600)
        noted = await dials[2].note(ORDER.attempt, CallFacts("CA1", "completed", seconds=12))
        assert noted is not None
        assert noted.ended is None
        assert (await stored(calls[0], ORDER.attempt))["status"] == "incoming"

    play(database, story)


def test_a_call_of_which_nothing_is_heard_is_asked_about_by_one_node_at_a_time(database: str) -> None:
    clock = Clock()

    async def story(_calls: list[CallStore], dials: list[DialStore]) -> None:
        await dials[0].begin(ORDER, replace(RECORD, started_at=10_000), expires_at=10**9)
        clock.now += ORDER.ring_seconds
        assert [await store.due() for store in dials] == [[], [], []]
        clock.now += 30
        found = await asyncio.gather(*(store.due() for store in dials))
        assert sum(map(len, found)) == 1
        clock.now += 31
        assert len(await dials[0].due()) == 1
        await dials[0].note(ORDER.attempt, BUSY)
        clock.now += 31
        assert await dials[0].due() == []

    play(database, story, clock)


def test_a_node_that_starts_again_leaves_calls_that_ring_alone(database: str) -> None:
    clock = Clock()

    async def story(calls: list[CallStore], dials: list[DialStore]) -> None:
        await dials[0].begin(ORDER, RECORD, expires_at=10**9)
        await calls[0].open()
        clock.now += 60
        await calls[0].close_expired()
        assert (await stored(calls[0], ORDER.attempt))["status"] == "incoming"

    play(database, story, clock)


def test_a_call_that_was_hung_up_in_the_moment_of_its_answer_is_cancelled(database: str) -> None:
    """Twilio ends it as completed, and no node has had it."""

    async def story(calls: list[CallStore], dials: list[DialStore]) -> None:
        await dials[0].begin(ORDER, RECORD, expires_at=10**9)
        ringing = await calls[1].cancel(ORDER.attempt)
        assert ringing is not None
        assert ringing.rings
        noted = await dials[2].note(ORDER.attempt, CallFacts("CA1", "completed"))
        assert noted is not None
        assert noted.ended is not None
        assert noted.ended.end_reason == "cancelled"

    play(database, story)


def test_somebody_who_was_busy_was_so_whoever_hung_up(database: str) -> None:
    async def story(calls: list[CallStore], dials: list[DialStore]) -> None:
        await dials[0].begin(ORDER, RECORD, expires_at=10**9)
        await calls[1].cancel(ORDER.attempt)
        await dials[2].note(ORDER.attempt, BUSY)
        assert (await stored(calls[0], ORDER.attempt))["end_reason"] == "busy"

    play(database, story)
