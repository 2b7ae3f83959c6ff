"""The one thread that does all database work of a node, in order: behind the calls, never in their way.

A write is asked for and forgotten. One that finds the database busy or away is tried again, and those behind
it wait, for as long as a failover takes; then it is logged as lost. A question is answered after the writes
before it, within seconds or not at all.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError, SQLAlchemyError

from runtime.figures.logs import get_logger
from runtime.store.database import writing_transaction
from runtime.store.writing import TakenOverError

_log = get_logger(__name__)
_Result = TypeVar("_Result")

# Pauses before a write is tried again, beyond SQLite's own waiting; the last one goes on. Seconds.
RETRY_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
# How long a write may wait in all: PostgreSQL services take up to two minutes to put a standby in place.
PATIENCE_SECONDS = 180.0
# Writes that may wait: of records, a long outage at full load, and some 100 MB.
MOST_WAITING_WRITES = 20_000
FLUSH_SECONDS = 30.0


class StoreUnavailableError(Exception):
    """The database does not answer; the message says how, without content."""


class DatabaseThread:
    """Writes that nobody waits for and questions that somebody does, one at a time."""

    def __init__(self, engine: Engine, *, pause: Callable[[float], None], clock: Callable[[], float]) -> None:
        """`pause` sleeps for some seconds, `clock` gives them."""
        self._engine = engine
        self._pause = pause
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="call-store")
        self._count = threading.Lock()
        self._given_up = False
        self.waiting = 0

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Do something else in the thread, when its turn comes."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def read(self, question: Callable[[Connection], _Result], seconds: float) -> _Result:
        """Return the answer to a question. Raises `StoreUnavailableError`, after this many seconds."""
        return await self._ask(self._engine.connect, question, seconds)

    async def change(self, change: Callable[[Connection], _Result], seconds: float) -> _Result:
        """Change what somebody waits for. Raises `StoreUnavailableError`, after this many seconds."""
        return await self._ask(lambda: writing_transaction(self._engine), change, seconds)

    async def _ask(
        self,
        transaction: Callable[[], AbstractContextManager[Connection]],
        work: Callable[[Connection], _Result],
        seconds: float,
    ) -> _Result:
        def answer() -> _Result:
            with transaction() as connection:
                return work(connection)

        try:
            async with asyncio.timeout(seconds):
                return await self.run(answer)
        except (TimeoutError, SQLAlchemyError) as error:
            raise StoreUnavailableError(type(error).__name__) from None

    def write(self, call: str, work: Callable[[Connection], None]) -> None:
        """Do a write that is about this call, some time. Never waits."""
        with self._count:
            if self.waiting >= MOST_WAITING_WRITES:
                _log.error("record_lost", call=call, reason="queue_full")
                return
            self.waiting += 1
        until = self._clock() + PATIENCE_SECONDS
        written = self._thread.submit(self._persist, call, work, until)
        written.add_done_callback(functools.partial(self._written, call))

    async def close(self) -> None:
        """Wait for the writes that are still to be done (30 s at most) and let go of the database."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self.run(self._engine.dispose)
        except TimeoutError:
            _log.error("store_not_flushed", writes=self.waiting)
        self._given_up = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _written(self, call: str, done: Future[None]) -> None:
        with self._count:
            self.waiting -= 1
        if done.cancelled() or (error := done.exception()) is None:
            return
        _log.error("record_lost", call=call, reason=type(error).__name__)

    def _persist(self, call: str, work: Callable[[Connection], None], until: float) -> None:
        attempts = 0
        while True:
            try:
                with writing_transaction(self._engine) as connection:
                    work(connection)
            except TakenOverError:
                _log.warning("record_is_another_nodes", call=call)
            except DBAPIError as error:
                if _may_pass(error) and self._clock() < until and not self._given_up:
                    self._pause(RETRY_PAUSES[min(attempts, len(RETRY_PAUSES) - 1)])
                    attempts += 1
                    continue
                # Only the driver's own words: SQLAlchemy's would repeat the record.
                _log.error("record_lost", call=call, reason=type(error.orig).__name__)
            return


def _may_pass(error: DBAPIError) -> bool:
    """Whether the database is in a state that it may leave: busy, full, away, or a standby to be promoted."""
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return False  # a statement that it does not understand, as without its tables
    return isinstance(error, OperationalError | InternalError) or error.connection_invalidated
