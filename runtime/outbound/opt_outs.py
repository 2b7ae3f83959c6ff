"""Numbers that asked not to be called again, kept for good: whatever call it was that they asked in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, insert, select, update

from runtime.call.tools.tool_texts import failure
from runtime.figures.logs import get_logger
from runtime.store import StoreUnavailableError
from runtime.store.campaign_tables import leads, never_call
from runtime.store.database import take_turns

if TYPE_CHECKING:
    from runtime.store.database_thread import DatabaseThread

_log = get_logger(__name__)

NOTE_SECONDS: Final = 10.0
NOTED: Final = '{"noted": true}'
NOT_NOTED: Final = failure("not noted: the database does not answer. Say so, and that they may ask us again.")
WITHHELD: Final = failure("there is nothing to note: the number is withheld, so nobody can call it")


class OptOuts:
    """The numbers that nobody is to call, for the calls of one node. `epoch` is in seconds."""

    def __init__(self, thread: DatabaseThread, epoch: Callable[[], float]) -> None:
        self._thread = thread
        self._epoch = epoch

    async def note(self, number: str) -> str:
        """Keep a number (E.164) from being called, and return what the model is told of it.

        A database that does not answer in time may still do it later.
        """
        if not number.startswith("+"):
            return WITHHELD
        now = round(self._epoch() * 1000)
        try:
            await self._thread.change(lambda connection: never_again(connection, number, now), NOTE_SECONDS)
        except StoreUnavailableError as error:
            _log.error("opt_out_not_noted", reason=str(error))
            return NOT_NOTED
        return NOTED


def never_again(connection: Connection, number: str, now: int) -> None:
    """Keep a number from being called, and finish the leads that wait with it. `now` is epoch ms."""
    take_turns(connection, "dialling")
    if connection.scalar(select(never_call.c.number).where(never_call.c.number == number)) is None:
        connection.execute(insert(never_call).values(number=number, since=now))
    waits = (leads.c.number == number, leads.c.state.in_(("backlog", "retry")))
    gone = {"state": "finished", "outcome": "opted_out", "changed_at": now}
    connection.execute(update(leads).where(*waits).values(**gone))
