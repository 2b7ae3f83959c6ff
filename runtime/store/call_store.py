"""The call store of a running node: what it keeps of its calls, and what it asks about those of others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from runtime.call.stream_link import MOST_RETURNS
from runtime.call_progress import Interrupted, Progress, read_record
from runtime.call_record import CallRecord, JsonValue
from runtime.figures.logs import get_logger
from runtime.store import cancelling, writing
from runtime.store.database import migrate, open_engine, writing_transaction
from runtime.store.database_thread import DatabaseThread, StoreUnavailableError
from runtime.store.dials import order_of
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

# Checkpoints give way while so many writes wait, for each is replaced by the next.
MOST_WAITING_CHECKPOINTS = 500
# How long a question may take, the writes before it included.
READ_SECONDS = 5.0
# How long a caller may be kept waiting for what other nodes do.
COUNT_SECONDS = 1.0
# How long a caller whose stream broke may be kept waiting for what is known of the call.
TAKE_OVER_SECONDS = 2.0
# How long the callers of a node that crashed are waited for after its start.
RETURN_MS = 8_000


class CallStore:
    """Keeps call records: `save` returns at once, reads see everything saved before them. `on_save` is told
    of each.

    Open it before use and close it at the end; closing waits for what is still to be written. A write
    that finds the database busy or away is repeated for some minutes, then logged as lost.
    """

    def __init__(
        self,
        url: str,
        *,
        node: str,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,
        on_save: Callable[[CallRecord], None] = lambda _record: None,
    ) -> None:
        self._engine = open_engine(url)
        self._node = node
        self._epoch = epoch
        self._on_save = on_save
        self._thread = DatabaseThread(self._engine, pause=pause, clock=clock)

    @property
    def thread(self) -> DatabaseThread:
        """The thread that does all database work, for what else is kept there."""
        return self._thread

    async def open(self) -> None:
        """Bring the schema up to date and look for what an earlier run of this node left open.

        Raises `DatabaseError`.
        """
        await self._thread.run(lambda: migrate(self._engine))
        left = await self._thread.run(self._shorten_leftovers)
        if left:
            _log.warning("calls_left_over", node=self._node, calls=left)

    def save(self, record: CallRecord, progress: Progress | None = None) -> None:
        """Store the record, replacing an earlier state of the same call. Never waits."""
        self._on_save(record)
        row = writing.row_of(record, self._node, progress)
        self._thread.write(record.id, lambda connection: writing.upsert(connection, row))

    def checkpoint(self, record: CallRecord, progress: Progress) -> None:
        """Store how a live call stands, unless the database is behind: the next checkpoint says more."""
        if self._thread.waiting < MOST_WAITING_CHECKPOINTS:
            self.save(record, progress)

    def add_recording(self, call_sid: str, agent: str, recording: str) -> None:
        """Add a recording to what is stored of a call. Never waits."""
        self._thread.write(
            call_sid, lambda connection: writing.add_recording(connection, call_sid, agent, recording)
        )

    def answer_tool(self, call_id: str, place: int, result: JsonValue, ms: int) -> None:
        """Add an answer to the use of a tool that stands at this place of a call's record. Never waits."""
        self._thread.write(
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
                order = order_of(connection, row.id) if row.direction == "outbound" else None
                return Interrupted(read_record(row.record), progress, order)
            except (KeyError, TypeError, ValueError):  # stored by another version
                _log.warning("checkpoint_unreadable", call=call_sid)
                return None

        return await self._thread.change(take, TAKE_OVER_SECONDS)

    async def owns(self, call_id: str) -> bool:
        """Tell whether the call is this node's; not while the database does not answer."""
        try:
            return await self._read(lambda connection: read_node(connection, call_id) == self._node)
        except StoreUnavailableError:
            return False

    async def close_expired(self) -> None:
        """End the records of calls that cannot be live any more; a database that is away is tried later."""
        now = round(self._epoch() * 1000)
        try:
            closed = await self._thread.change(
                lambda connection: writing.close_expired(connection, now), READ_SECONDS
            )
        except StoreUnavailableError as error:
            _log.warning("leftovers_not_looked_for", node=self._node, reason=error)
            return
        if closed:
            _log.warning("leftover_calls_closed", node=self._node, calls=closed)

    async def cancel(self, name: str) -> cancelling.LiveElsewhere | None:
        """Note that an operator hangs up the call of this id or SID; None when none such goes on.

        Raises `StoreUnavailableError`.
        """
        now = round(self._epoch() * 1000)
        return await self._thread.change(
            lambda connection: cancelling.mark(connection, name, now), READ_SECONDS
        )

    async def cancelled(self) -> list[str]:
        """Return the ids of this node's calls that were hung up elsewhere. Raises `StoreUnavailableError`."""
        return await self._read(lambda connection: cancelling.marked(connection, self._node))

    async def is_live(self, call_id: str) -> bool:
        """Tell whether a call goes on, as its record has it. Raises `StoreUnavailableError`."""
        return await self._read(lambda connection: cancelling.is_live(connection, call_id))

    async def close_cancelled(self, call_id: str) -> CallRecord | None:
        """End the record of a call as hung up, in the place of its node; None when that has done it.

        Raises `StoreUnavailableError`.
        """
        now = round(self._epoch() * 1000)
        closed = await self._thread.change(
            lambda connection: cancelling.close(connection, call_id, now), READ_SECONDS
        )
        if closed is not None:
            self._on_save(closed)
        return closed

    async def live_elsewhere(self) -> dict[str, int]:
        """Return how many calls each agent has on other nodes. Raises `StoreUnavailableError`."""
        now = round(self._epoch() * 1000)
        return await self._read(lambda connection: cancelling.count_live(connection, self._node, now))

    def set_duration(self, call_sid: str, seconds: int) -> None:
        """Correct the duration of an ended call by what Twilio counted. Never waits."""
        self._thread.write(call_sid, lambda connection: writing.set_duration(connection, call_sid, seconds))

    async def page(self, wanted: CallFilter, limit: int, cursor: str | None) -> CallPage:
        """Return up to `limit` calls before `cursor`, newest first.

        Raises `InvalidCursorError`, `StoreUnavailableError`.
        """
        return await self._read(lambda connection: read_page(connection, wanted, limit, cursor))

    async def find(self, call_id: str) -> RecordJson | None:
        """Return the record of one call by its id or its SID, or None. Raises `StoreUnavailableError`."""
        return await self._read(lambda connection: read_call(connection, call_id))

    async def reserve(self, record: CallRecord, progress: Progress, *, room: int, since: int) -> int:
        """Store a call that is about to be taken, unless other nodes have `room` calls of its agent live.

        Returns how many they have, of those begun at `since` (epoch ms) or later. Of nodes that reserve at
        once, each sees those before it. Raises `StoreUnavailableError`, after a second.
        """
        row = writing.row_of(record, self._node, progress)
        return await self._thread.change(
            lambda connection: writing.reserve(connection, row, room=room, since=since), COUNT_SECONDS
        )

    def release(self, call_id: str) -> None:
        """Forget a reserved call that was not taken. Never waits."""
        self._thread.write(call_id, lambda connection: writing.release(connection, call_id))

    async def close(self) -> None:
        """Wait for the writes that are still to be done (30 s at most) and let go of the database."""
        await self._thread.close()

    async def _read(self, question: Callable[[Connection], _Result]) -> _Result:
        return await self._thread.read(question, READ_SECONDS)

    def _shorten_leftovers(self) -> int:
        with writing_transaction(self._engine) as connection:
            expires_at = round(self._epoch() * 1000) + RETURN_MS
            return writing.shorten_leftovers(connection, self._node, expires_at)
