"""The call store of a running node: one thread that does all database work, in order."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from runtime.call.stream_link import MOST_RETURNS
from runtime.call_progress import Interrupted, Progress, read_record
from runtime.call_record import CallRecord, JsonValue
from runtime.figures.logs import get_logger
from runtime.store import writing
from runtime.store.database import migrate, open_engine
from runtime.store.reading import (
    CallFilter,
    CallPage,
    RecordJson,
    read_call,
    read_node,
    read_page,
)

_log = get_logger(__name__)
_Result = TypeVar("_Result")

# Pauses between attempts while the database is busy, beyond SQLite's own waiting; seconds.
RETRY_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
# Writes that may wait: of records, a long outage at full load, and some 100 MB. Checkpoints give way early,
# for each is replaced by the next.
MOST_WAITING_WRITES = 20_000
MOST_WAITING_CHECKPOINTS = 500
FLUSH_SECONDS = 30.0
# How long a question may take, the writes before it included.
READ_SECONDS = 5.0
# How long a caller may be kept waiting for what other nodes do.
COUNT_SECONDS = 1.0
# Attempts to reserve a call's place while other nodes do the same.
RESERVE_ATTEMPTS = 3
# How long a caller whose stream broke may be kept waiting for what is known of the call.
TAKE_OVER_SECONDS = 2.0
# How long the callers of a node that crashed are waited for after its start.
RETURN_MS = 8_000


class StoreUnavailableError(Exception):
    """The database does not answer; the message says how, without content."""


class CallStore:
    """Keeps call records: `save` returns at once, reads see everything saved before them.

    Open it before use and close it at the end; closing waits for what is still to be written. A write
    that finds the database busy or away is repeated for some seconds, then logged as lost.
    """

    def __init__(
        self,
        url: str,
        *,
        node: str,
        pause: Callable[[float], None] = time.sleep,
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self._engine: Engine = open_engine(url)
        self._node = node
        self._pause = pause
        self._epoch = epoch
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="call-store")
        self._waiting = 0
        self._count = threading.Lock()

    async def open(self) -> None:
        """Bring the schema up to date and look for what an earlier run of this node left open.

        Raises `DatabaseError`.
        """
        await self._in_thread(lambda: migrate(self._engine))
        left = await self._in_thread(self._shorten_leftovers)
        if left:
            _log.warning("calls_left_over", node=self._node, calls=left)

    def save(self, record: CallRecord, progress: Progress | None = None) -> None:
        """Store the record, replacing an earlier state of the same call. Never waits."""
        row = writing.row_of(record, self._node, progress)
        self._write(record.id, lambda connection: writing.upsert(connection, row))

    def checkpoint(self, record: CallRecord, progress: Progress) -> None:
        """Store how a live call stands, unless the database is behind: the next checkpoint says more."""
        if self._waiting < MOST_WAITING_CHECKPOINTS:
            self.save(record, progress)

    def add_recording(self, call_sid: str, agent: str, recording: str) -> None:
        """Add a recording to what is stored of a call. Never waits."""
        self._write(
            call_sid, lambda connection: writing.add_recording(connection, call_sid, agent, recording)
        )

    def answer_tool(self, call_id: str, place: int, result: JsonValue, ms: int) -> None:
        """Add an answer to the use of a tool that stands at this place of a call's record. Never waits."""
        self._write(
            call_id,
            lambda connection: writing.answer_tool(connection, call_id, self._node, place, result, ms),
        )

    async def take_over(self, call_sid: str, agent: str, *, most: int = MOST_RETURNS) -> Interrupted | None:
        """Make a live call of another run this node's and return its last checkpoint.

        None when there is no such call, or when its caller has come back `most` times. Raises
        `StoreUnavailableError`, after two seconds.
        """

        def take(connection: Connection) -> Interrupted | None:
            row = writing.take_over(connection, call_sid, agent, self._node, most=most)
            if row is None:
                return None
            expires_at = row.expires_at or row.started_at + writing.LONGEST_CALL_MS
            progress = Progress(expires_at, row.answered_at, row.returns + 1)
            try:
                return Interrupted(read_record(row.record), progress)
            except (KeyError, TypeError, ValueError):  # stored by another version
                _log.warning("checkpoint_unreadable", call=call_sid)
                return None

        return await self._ask(take, TAKE_OVER_SECONDS)

    async def owns(self, call_id: str) -> bool:
        """Tell whether the call is this node's; not while the database does not answer."""
        try:
            return await self._ask(lambda connection: read_node(connection, call_id) == self._node)
        except StoreUnavailableError:
            return False

    async def close_expired(self) -> None:
        """End the records of calls that cannot be live any more; a database that is away is tried later."""
        now = round(self._epoch() * 1000)
        try:
            closed = await self._ask(lambda connection: writing.close_expired(connection, now))
        except StoreUnavailableError as error:
            _log.warning("leftovers_not_looked_for", node=self._node, reason=error)
            return
        if closed:
            _log.warning("leftover_calls_closed", node=self._node, calls=closed)

    def set_duration(self, call_sid: str, seconds: int) -> None:
        """Correct the duration of an ended call by what Twilio counted. Never waits."""
        self._write(call_sid, lambda connection: writing.set_duration(connection, call_sid, seconds))

    async def page(self, wanted: CallFilter, limit: int, cursor: str | None) -> CallPage:
        """Return up to `limit` calls before `cursor`, newest first.

        Raises `InvalidCursorError`, `StoreUnavailableError`.
        """
        return await self._ask(lambda connection: read_page(connection, wanted, limit, cursor))

    async def find(self, call_id: str) -> RecordJson | None:
        """Return the record of one call by its id or its SID, or None. Raises `StoreUnavailableError`."""
        return await self._ask(lambda connection: read_call(connection, call_id))

    async def reserve(self, record: CallRecord, progress: Progress, *, room: int, since: int) -> int:
        """Store a call that is about to be taken, unless other nodes have `room` calls of its agent live.

        Returns how many they have, of those begun at `since` (epoch ms) or later. Of nodes that reserve at
        once, each sees those before it. Raises `StoreUnavailableError`, after a second.
        """
        row = writing.row_of(record, self._node, progress)

        def attempt() -> int:
            with self._engine.execution_options(isolation_level="SERIALIZABLE").begin() as connection:
                return writing.reserve(connection, row, room=room, since=since)

        def reserve() -> int:
            for _ in range(RESERVE_ATTEMPTS - 1):
                with suppress(OperationalError):  # another node was faster
                    return attempt()
            return attempt()

        try:
            async with asyncio.timeout(COUNT_SECONDS):
                return await self._in_thread(reserve)
        except (TimeoutError, SQLAlchemyError) as error:
            raise StoreUnavailableError(type(error).__name__) from None

    def release(self, call_id: str) -> None:
        """Forget a reserved call that was not taken. Never waits."""
        self._write(call_id, lambda connection: writing.release(connection, call_id))

    async def close(self) -> None:
        """Wait for the writes that are still to be done (30 s at most) and let go of the database."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._in_thread(self._engine.dispose)
        except TimeoutError:
            _log.error("store_not_flushed", node=self._node, writes=self._waiting)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _ask(self, question: Callable[[Connection], _Result], seconds: float | None = None) -> _Result:
        """Put a question to the database; one that waits too long behind the writes is given up."""

        def answer() -> _Result:
            with self._engine.begin() as connection:
                return question(connection)

        try:
            async with asyncio.timeout(seconds or READ_SECONDS):
                return await self._in_thread(answer)
        except (TimeoutError, SQLAlchemyError) as error:
            raise StoreUnavailableError(type(error).__name__) from None

    def _shorten_leftovers(self) -> int:
        with self._engine.begin() as connection:
            expires_at = round(self._epoch() * 1000) + RETURN_MS
            return writing.shorten_leftovers(connection, self._node, expires_at)

    def _write(self, call: str, work: Callable[[Connection], None]) -> None:
        with self._count:
            if self._waiting >= MOST_WAITING_WRITES:
                _log.error("record_lost", call=call, reason="queue_full")
                return
            self._waiting += 1
        written = self._thread.submit(self._persist, call, work)
        written.add_done_callback(functools.partial(self._written, call))

    def _written(self, call: str, done: Future[None]) -> None:
        with self._count:
            self._waiting -= 1
        if done.cancelled() or (error := done.exception()) is None:
            return
        _log.error("record_lost", call=call, reason=type(error).__name__)

    def _persist(self, call: str, work: Callable[[Connection], None]) -> None:
        """Do one write, in the store's thread; a database that is busy or away is tried again."""
        for pause in (*RETRY_PAUSES, None):
            try:
                with self._engine.begin() as connection:
                    work(connection)
            except writing.TakenOverError:
                _log.warning("record_is_another_nodes", call=call)
            except DBAPIError as error:
                again = isinstance(error, OperationalError) or error.connection_invalidated
                if pause is not None and again:
                    self._pause(pause)
                    continue
                # Only the driver's own words: SQLAlchemy's would repeat the record.
                _log.error("record_lost", call=call, reason=type(error.orig).__name__)
            return
