"""Several nodes on one database at the same moment: each change sees the ones before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from sqlalchemy.exc import DBAPIError

from runtime.call_record import CallRecord
from runtime.store import CallStore
from runtime.store.database import open_engine, take_turns
from tests.postgres import PostgresServer
from tests.runtime.store.stores import LONG, play, record, stored

ROOM = 3


@asynccontextmanager
async def nodes(database: str, count: int) -> AsyncIterator[list[CallStore]]:
    async with AsyncExitStack() as stack:
        stores = [CallStore(database, node=f"node-{number}") for number in range(count)]
        for store in stores:
            await store.open()
            stack.push_async_callback(store.close)
        yield stores


def test_nodes_that_admit_calls_at_once_keep_the_limit_together(database: str) -> None:
    async def run() -> None:
        async with nodes(database, 8) as stores:
            for attempt in range(5):
                calls = [record(10 * attempt + number) for number in range(len(stores))]
                elsewhere = await asyncio.gather(
                    *(
                        store.reserve(call, LONG, room=ROOM, since=0)
                        for store, call in zip(stores, calls, strict=True)
                    )
                )
                assert sorted(elsewhere) == [0, 1, 2, *[ROOM] * 5]
                for store, call in zip(stores, calls, strict=True):
                    store.release(call.id)
                    await store.find(call.id)

    asyncio.run(run())


def test_nodes_that_are_told_of_one_call_at_once_forget_nothing(database: str) -> None:
    recordings = [f"https://api.twilio.com/RE{number}" for number in range(20)]

    async def run() -> None:
        async with nodes(database, 3) as (mine, second, third):
            mine.save(record(1), LONG)
            await stored(mine, "id-001")
            for number, recording in enumerate(recordings):
                (second, third)[number % 2].add_recording("CA1", "front-desk", recording)
                mine.checkpoint(record(1), LONG)
            third.set_duration("CA1", 13)
            await asyncio.gather(*(stored(store, "id-001") for store in (second, third)))
            mine.save(record(1, status="completed", end_reason="caller_hangup"))
            ended = await stored(mine, "id-001")
        assert isinstance(ended["recordings"], list)
        assert sorted(ended["recordings"]) == sorted(recordings)
        assert (ended["end_reason"], ended["duration_seconds"]) == ("caller_hangup", 13)

    asyncio.run(run())


def test_a_call_that_is_taken_over_while_its_node_writes_is_the_other_ones(database: str) -> None:
    """The first node lives, cut off from Twilio, and goes on writing."""

    async def run() -> None:
        async with nodes(database, 2) as (cut_off, other):
            for number in range(10):
                call = record(number)
                cut_off.save(call, LONG)
                await stored(cut_off, call.id)
                for _ in range(5):
                    cut_off.checkpoint(call, LONG)
                assert call.call_sid is not None
                assert await other.take_over(call.call_sid, "front-desk") is not None
                cut_off.save(record(number, status="completed", end_reason="media_error"))
                await stored(cut_off, call.id)
                assert await other.owns(call.id)
                assert (await stored(other, call.id))["status"] == "active"

    asyncio.run(run())


def test_calls_that_expired_are_closed_once_whichever_nodes_look(database: str) -> None:
    calls: list[CallRecord] = [record(number) for number in range(50)]

    async def leave(store: CallStore) -> None:
        for call in calls:
            store.save(call)

    async def run() -> None:
        async with nodes(database, 4) as stores:
            await asyncio.gather(*(store.close_expired() for store in stores))
            for call in calls:
                assert (await stored(stores[0], call.id))["end_reason"] == "media_error"

    play(database, leave)
    asyncio.run(run())


def test_a_node_that_hangs_in_the_middle_of_admitting_a_call_holds_nobody_up_for_long(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgres.new_database()

    async def run() -> None:
        async with nodes(database, 1) as (store,):
            monkeypatch.setattr(
                "runtime.store.database.POSTGRES_SESSION", "SET idle_in_transaction_session_timeout = '50ms'"
            )
            hanging = open_engine(database)
            connection = hanging.connect()
            take_turns(connection, "agent front-desk")
            assert await store.reserve(record(1), LONG, room=1, since=0) == 0
            with pytest.raises(DBAPIError):
                connection.commit()
            connection.close()
            hanging.dispose()

    asyncio.run(run())
