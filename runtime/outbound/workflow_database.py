"""Where workflows are kept: on PostgreSQL beside the calls, with SQLite in a file of their own.

Their many small writes would hold call records up in one file. What says who has been called is written so
that it outlives a loss of power.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from dbos import DBOSPortableJSONSerializer
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from runtime.store.database import open_engine, sqlite_file

BUSY_TIMEOUT_MS: Final = 30_000
SERIALIZER: Final = DBOSPortableJSONSerializer()
"""What is stored of a workflow is JSON, to be read by people and by later versions."""


def workflow_file(database: Path) -> Path:
    """Return the SQLite file of the workflows, beside that of the calls."""
    return database.with_name(f"{database.stem}-workflows{database.suffix}")


def workflow_url(database_url: str) -> str:
    """Return the URL of the workflows' database."""
    file = sqlite_file(database_url)
    return database_url if file is None else f"sqlite:///{workflow_file(file)}"


def workflow_engine(database: Path) -> Engine:
    """Return an engine for the workflows' file: as DBOS has it, but in WAL mode, fifty times as fast."""
    engine = create_engine(f"sqlite:///{workflow_file(database)}")

    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")

    event.listen(engine, "connect", prepare)
    return engine


def durable_engine(url: str) -> Engine:
    """Return an engine for leads and attempts whose commits outlive a loss of power."""
    engine = open_engine(url)

    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.execute("PRAGMA synchronous=FULL")

    if engine.url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", prepare)
    return engine
