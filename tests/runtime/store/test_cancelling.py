"""Calls that are hung up where they are not: the record says so, whatever its node hears first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from runtime.call_progress import Progress
from runtime.call_record import CallRecord, EndReason, TranscriptEntry
from runtime.store import CallStore
from runtime.store.cancelling import LiveElsewhere
from runtime.store.tables import MESSAGES_NODE
from tests.runtime.store.stores import LONG, record, stored

HUNG_UP_AT = 10_000
Story = Callable[[CallStore, CallStore], Awaitable[None]]


class Clock:
    """The time of both nodes, in seconds since the epoch."""

    now = HUNG_UP_AT / 1000

    def __call__(self) -> float:
        return self.now


def play(database: str, story: Story, clock: Clock | None = None) -> None:
    """Run a story with the node that has the calls, and another one."""
    epoch = clock or Clock()

    async def run() -> None:
        async with AsyncExitStack() as stack:
            stores = [CallStore(database, node=name, epoch=epoch) for name in ("owner", "other")]
            for store in stores:
                await store.open()
                stack.push_async_callback(store.close)
            await story(*stores)

    asyncio.run(run())


async def begun(owner: CallStore, progress: Progress = LONG) -> None:
    owner.save(record(1), progress)
    await stored(owner, "id-001")


@pytest.mark.parametrize("name", ["id-001", "CA1"])
def test_the_node_that_has_the_call_is_shown_it_and_no_other(database: str, name: str) -> None:
    async def story(owner: CallStore, other: CallStore) -> None:
        await begun(owner)
        owner.save(record(2), LONG)
        assert await owner.cancelled() == []
        assert await other.cancel(name) == LiveElsewhere("id-001", "CA1", "front-desk", "owner")
        assert await owner.cancelled() == ["id-001"]
        assert await other.cancelled() == []

    play(database, story)


def test_a_call_that_is_over_or_unknown_is_not_hung_up(database: str) -> None:
    async def story(owner: CallStore, other: CallStore) -> None:
        owner.save(record(1, status="completed", end_reason="idle", ended_at=9_000))
        await stored(owner, "id-001")
        assert await other.cancel("id-001") is None
        assert await other.cancel("CA9") is None
        assert not await other.is_live("id-001")
        assert await other.close_cancelled("id-001") is None
        assert (await stored(owner, "id-001"))["end_reason"] == "idle"

    play(database, story)


@pytest.mark.parametrize(
    "heard_first", ["cancelled", "caller_hangup", "failed", "media_error", "max_duration"]
)
def test_it_ends_as_cancelled_whatever_its_node_heard_first(database: str, heard_first: EndReason) -> None:
    async def story(owner: CallStore, other: CallStore) -> None:
        await begun(owner)
        await other.cancel("CA1")
        owner.checkpoint(record(1), LONG)
        assert (await stored(owner, "id-001"))["end_reason"] is None
        owner.save(record(1, status="completed", end_reason=heard_first, ended_at=HUNG_UP_AT))
        ended = await stored(owner, "id-001")
        assert (ended["status"], ended["end_reason"]) == ("completed", "cancelled")

    play(database, story)


def test_what_had_ended_or_was_refused_before_keeps_its_reason(database: str) -> None:
    """Its node had not written it down yet."""

    async def story(owner: CallStore, other: CallStore) -> None:
        owner.save(record(1), LONG)
        owner.save(record(2, status="incoming"), LONG)
        await stored(owner, "id-002")
        for name in ("CA1", "CA2"):
            await other.cancel(name)
        owner.save(record(1, status="completed", end_reason="agent_completed", ended_at=HUNG_UP_AT - 1))
        owner.save(record(2, status="rejected", reject_reason="prep_timeout", ended_at=HUNG_UP_AT + 1))
        assert (await stored(owner, "id-001"))["end_reason"] == "agent_completed"
        refused = await stored(owner, "id-002")
        assert (refused["reject_reason"], refused["end_reason"]) == ("prep_timeout", None)

    play(database, story)


def test_the_record_of_a_dead_nodes_call_is_closed_with_what_is_known_of_it(database: str) -> None:
    clock = Clock()

    async def story(owner: CallStore, other: CallStore) -> None:
        await begun(owner, Progress(expires_at=10**9, answered_at=4_000))
        await other.cancel("CA1")
        clock.now += 3
        closed = await other.close_cancelled("id-001")
        assert closed is not None
        assert (closed.status, closed.end_reason, closed.ended_at) == ("completed", "cancelled", 13_000)
        assert closed.to_json() == await stored(other, "id-001")
        assert closed.duration_seconds == 9.0
        assert not await other.is_live("id-001")
        assert await other.close_cancelled("id-001") is None

    play(database, story, clock)


def test_listeners_of_the_node_that_closes_a_record_are_told(database: str) -> None:
    told: list[CallRecord] = []

    async def story(owner: CallStore, other: CallStore) -> None:
        await begun(owner)
        await other.cancel("CA1")
        closing = CallStore(database, node="third", on_save=told.append)
        await closing.close_cancelled("id-001")
        await closing.close_cancelled("id-001")
        await closing.close()

    play(database, story)
    assert [call.end_reason for call in told] == ["cancelled"]


def test_a_node_that_was_only_slow_adds_to_the_record_and_does_not_open_it_again(database: str) -> None:
    last_words = TranscriptEntry("caller", "Hello?", 8_000, item_id="item_1")

    async def story(owner: CallStore, other: CallStore) -> None:
        await begun(owner)
        await other.cancel("CA1")
        await other.close_cancelled("id-001")
        owner.checkpoint(record(1), LONG)
        assert (await stored(owner, "id-001"))["status"] == "completed"
        end = record(
            1, status="completed", end_reason="caller_hangup", ended_at=14_000, transcript=(last_words,)
        )
        owner.save(end)
        ended = await stored(owner, "id-001")
        assert (ended["end_reason"], ended["ended_at"]) == ("cancelled", 14_000)
        assert ended["transcript"] == [last_words.to_json()]

    play(database, story)


def test_whoever_closes_what_was_left_open_knows_of_the_hang_up(database: str) -> None:
    """The node that was asked to hang up died before it came to that."""
    clock = Clock()

    async def story(owner: CallStore, other: CallStore) -> None:
        await begun(owner, Progress(expires_at=12_000))
        await other.cancel("CA1")
        clock.now = 13.0
        await other.close_expired()
        assert (await stored(owner, "id-001"))["end_reason"] == "cancelled"

    play(database, story, clock)


def test_the_calls_of_other_nodes_are_counted_by_agent_while_they_can_last(database: str) -> None:
    async def story(owner: CallStore, other: CallStore) -> None:
        in_writing = CallStore(database, node=MESSAGES_NODE)
        owner.save(record(1), LONG)
        owner.save(record(2, status="incoming"), LONG)
        owner.save(record(3, agent="night-desk"), LONG)
        owner.save(record(4), Progress(expires_at=HUNG_UP_AT - 1))
        owner.save(record(5, status="completed", end_reason="idle"), LONG)
        other.save(record(6), LONG)
        in_writing.save(record(7), LONG)
        for store, last in ((owner, 5), (other, 6), (in_writing, 7)):
            await stored(store, f"id-00{last}")
        assert await other.live_elsewhere() == {"front-desk": 2, "night-desk": 1}
        assert await owner.live_elsewhere() == {"front-desk": 1}
        await in_writing.close()

    play(database, story)
