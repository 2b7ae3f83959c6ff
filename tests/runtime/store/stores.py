"""Calls to be stored, and a store to put them into."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from runtime.call_progress import Progress
from runtime.call_record import Caller, CallRecord
from runtime.store import CallFilter, CallStore
from runtime.store.database import open_engine
from runtime.store.reading import RecordJson

EVERYTHING = CallFilter()
LONG = Progress(expires_at=10**9)


def record(number: int, **changes: object) -> CallRecord:
    call = CallRecord(
        id=f"id-{number:03}",
        agent="front-desk",
        direction="inbound",
        status="active",
        started_at=1_000 + number,
        call_sid=f"CA{number}",
        caller=Caller("+14155550190", "US"),
    )
    return replace(call, **changes)  # type: ignore[arg-type]  # the tests name fields


@dataclass
class Time:
    """Seconds that pass only while the store waits; `meanwhile` is called each time."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        self.meanwhile()


def play(
    database: str,
    story: Callable[[CallStore], Awaitable[None]],
    *,
    node: str = "one",
    time: Time | None = None,
    now: float = 10.0,
) -> None:
    """Run a story with the store of one node; `now` is the epoch's time in seconds."""
    time = time or Time()

    async def with_store() -> None:
        store = CallStore(database, node=node, pause=time.pause, clock=lambda: time.now, epoch=lambda: now)
        await store.open()
        await story(store)
        await store.close()

    asyncio.run(with_store())


async def stored(store: CallStore, call_id: str) -> RecordJson:
    """Return the record of a call that must be there."""
    found = await store.find(call_id)
    assert found is not None, call_id
    return found


@contextmanager
def locked(database: str) -> Iterator[Callable[[], None]]:
    """Keep every writer out of a database with tables, until the yielded function is called."""
    engine = open_engine(database)
    with engine.connect() as connection:
        lock = "BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else "LOCK TABLE calls"
        connection.exec_driver_sql(lock)
        yield connection.rollback
    engine.dispose()


def execute(database: str, statement: str) -> None:
    """Do something to a database behind the store's back."""
    engine = open_engine(database)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
