"""The store of placed calls: it shares the call store's database, and the thread that asks it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, TypeVar

from runtime.store import dials

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from runtime.call_record import CallRecord
    from runtime.outbound.dial import Dial, Noted
    from runtime.outbound.orders import CallFacts, DialOrder
    from runtime.store.database_thread import DatabaseThread

_Result = TypeVar("_Result")

ANSWER_SECONDS: Final = 5.0
"""How long somebody who has answered is kept waiting for what is known of the call."""
WORK_SECONDS: Final = 10.0


class DialStore:
    """Keeps placed calls. Every method raises `StoreUnavailableError`. `epoch` is in seconds."""

    def __init__(self, thread: DatabaseThread, *, node: str, epoch: Callable[[], float]) -> None:
        self._thread = thread
        self._node = node
        self._epoch = epoch

    def now(self) -> int:
        """Return the time in epoch milliseconds."""
        return round(self._epoch() * 1000)

    async def begin(
        self,
        order: DialOrder,
        record: CallRecord,
        *,
        expires_at: int,
        room: int | None = None,
        since: int = 0,
        once: bool = False,
    ) -> bool:
        """Store a call that is about to be placed, with its record.

        False when its agent has `room` live calls besides those of this node, which the caller counts.
        Raises `AlreadyOrderedError` for one that is stored already, if it is to be stored `once`.
        """
        return await self._change(
            lambda connection: dials.begin(
                connection,
                order,
                record,
                expires_at=expires_at,
                room=room,
                node=self._node,
                since=since,
                once=once,
            ),
            WORK_SECONDS,
        )

    async def is_taken_back(self, attempt: str) -> bool:
        """Tell whether an operator has hung up the call, answered or not."""
        return await self._thread.read(
            lambda connection: dials.is_taken_back(connection, attempt), WORK_SECONDS
        )

    async def find(self, attempt: str) -> Dial | None:
        """Return a placed call, None for one that was not."""
        return await self._thread.read(lambda connection: dials.find(connection, attempt), ANSWER_SECONDS)

    async def attempt_of(self, call_sid: str) -> str | None:
        """Return the attempt that a call of Twilio's belongs to, None for one that is nobody's."""
        return await self._thread.read(
            lambda connection: dials.find_by_sid(connection, call_sid), WORK_SECONDS
        )

    async def take(
        self, attempt: str, agent: str, call_sid: str, max_call_seconds: float
    ) -> tuple[Dial, CallRecord] | None:
        """Give an answered call to this node, with its record; None when there is nothing to take."""
        due_at = dials.end_of_call_ms(self.now(), max_call_seconds)
        return await self._change(
            lambda connection: dials.take(connection, attempt, agent, call_sid, self._node, due_at=due_at),
            ANSWER_SECONDS,
        )

    async def note(
        self,
        attempt: str,
        news: CallFacts,
        *,
        agent: str | None = None,
        detection_ms: int | None = None,
    ) -> Noted | None:
        """Add what was reported of a call; None for one that is not known, or not this agent's."""
        return await self._change(
            lambda connection: dials.note(
                connection, attempt, news, self.now(), agent=agent, detection_ms=detection_ms
            ),
            WORK_SECONDS,
        )

    async def detected(self, attempts: Collection[str]) -> list[Dial]:
        """Return those of the calls of which it is known who has answered."""
        return await self._thread.read(lambda connection: dials.detected(connection, attempts), WORK_SECONDS)

    async def due(self) -> list[Dial]:
        """Return calls of which something should have been heard by now, for this node to ask about."""
        return await self._change(lambda connection: dials.due(connection, self.now()), WORK_SECONDS)

    async def _change(self, change: Callable[[Connection], _Result], seconds: float) -> _Result:
        return await self._thread.change(change, seconds)
