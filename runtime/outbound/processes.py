"""Which processes run workflows: one on SQLite, by a lock; on PostgreSQL those that say so now and then.

How long somebody has been silent is told by the database's clock alone: those of the processes may differ by
more than a silence lasts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from sqlalchemy import BigInteger, Connection, Engine, cast, delete, extract, func, insert, select, update

from runtime.store.campaign_tables import outbound_processes
from runtime.store.database import writing_transaction
from schemas.errors import TmError

try:
    import fcntl
except ImportError:  # Windows, where nobody is held off
    fcntl = None  # type: ignore[assignment]  # looked at before it is used


class AnotherProcessError(TmError):
    """Campaigns on this SQLite file are run by another process already."""


class SingleProcess:
    """The lock of the one process that runs campaigns on a SQLite file; it is free when the process ends."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    @classmethod
    def of(cls, database: Path) -> SingleProcess:
        """Take the lock. Raises `AnotherProcessError`."""
        path = database.with_name(f"{database.name}.outbound.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise AnotherProcessError(
                f"Another process runs the campaigns in {database} already.",
                hint="SQLite has one such process. Start the others with --role voice, or use PostgreSQL.",
            ) from None
        return cls(file)

    def free(self) -> None:
        """Let another process have it."""
        self._file.close()


class Processes:
    """The processes that share the work in a PostgreSQL database.

    `name` is this one's, and never used again.
    """

    def __init__(self, engine: Engine, name: str, dead_after_s: float) -> None:
        self._engine = engine
        self._name = name
        self._dead_after_ms = round(dead_after_s * 1000)

    def beat(self) -> Sequence[str]:
        """Say that this process is there, and return those that have fallen silent."""
        table = outbound_processes
        with writing_transaction(self._engine) as connection:
            now = _database_ms(connection)
            silent = (table.c.seen_at < now - self._dead_after_ms, table.c.id != self._name)
            here = update(table).where(table.c.id == self._name).values(seen_at=now)
            if connection.execute(here).rowcount == 0:
                connection.execute(insert(table).values(id=self._name, seen_at=now))
            return connection.scalars(select(table.c.id).where(*silent)).all()

    def forget(self, names: Sequence[str]) -> None:
        """Forget processes whose work others have gone on with."""
        with writing_transaction(self._engine) as connection:
            connection.execute(delete(outbound_processes).where(outbound_processes.c.id.in_(names)))

    def leave(self) -> None:
        """Look as if silent for long: the others go on at once with what this process has begun."""
        with contextlib.suppress(Exception), writing_transaction(self._engine) as connection:
            here = outbound_processes.c.id == self._name
            connection.execute(update(outbound_processes).where(here).values(seen_at=0))


def _database_ms(connection: Connection) -> int:
    """Return the time of the PostgreSQL server, in epoch milliseconds."""
    now = cast(extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
    return connection.execute(select(now)).scalar_one()
