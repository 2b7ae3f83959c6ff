"""Opening the database: engine, the settings of SQLite and PostgreSQL, transactions that write, migrations.

What a transaction has read before it writes stays true until it ends: SQLite has one writer at a time, and
PostgreSQL locks the rows (`FOR UPDATE`) or, where there is no row yet, a subject (`take_turns`).
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from schemas.errors import TmError

if TYPE_CHECKING:
    import psycopg

BUSY_TIMEOUT_MS = 5_000
# Seconds between attempts to open a file that others are opening for the first time.
LOCKED_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
# libpq: a server that has vanished without a word is noticed within seconds. Seconds, `tcp_user_timeout` ms.
POSTGRES_CONNECTION = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
# How long another node is waited for, and how long its transaction may stand still before it is ended.
POSTGRES_SESSION = "SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '10s'"
MIGRATION_LOCK = "SET LOCAL lock_timeout = '60s'"
# An escaped NUL in JSON, with the pairs of backslashes before it that belong to the text.
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class DatabaseError(TmError):
    """The database cannot be opened, or its schema cannot be brought up to date."""


def open_engine(url: str) -> Engine:
    """Return an engine for the SQLAlchemy `url`, making the folder of a SQLite file.

    Raises `DatabaseError` for a URL that names no database we can speak to. Nothing is connected yet.
    """
    file = sqlite_file(url)
    try:
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unopened(error) from None
    engine = open_existing(url)
    if engine.url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    elif engine.url.get_backend_name() == "postgresql":
        event.listen(engine, "connect", _prepare_postgres)
    return engine


def open_existing(url: str) -> Engine:
    """Return an engine that makes and sets nothing of its own accord. Raises `DatabaseError`."""
    try:
        return _create(make_url(url))
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise _unopened(error) from None


def _create(url: URL) -> Engine:
    if url.get_backend_name() != "postgresql":
        return create_engine(url, json_serializer=storable_json)
    return create_engine(
        url,
        json_serializer=storable_json,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        connect_args=_unsaid(url, POSTGRES_CONNECTION) if url.get_driver_name() == "psycopg" else {},
    )


def _unsaid(url: URL, defaults: Mapping[str, str]) -> dict[str, str]:
    """The defaults that the URL itself says nothing about."""
    return {name: value for name, value in defaults.items() if name not in url.query}


def storable_json(value: object) -> str:
    """Return JSON that every database takes and can look into.

    PostgreSQL cannot make text of a NUL or of half a surrogate pair, which models do write: a replacement
    stands in their place.
    """
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
    return _ESCAPED_NUL.sub(r"\1\\ufffd", text)


@contextmanager
def writing_transaction(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that reads and then writes; it is committed unless the block raises."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def take_turns(connection: Connection, subject: str) -> None:
    """Wait until no other writing transaction is about this subject, and keep it until this one ends."""
    if connection.dialect.name == "postgresql":
        digest = hashlib.blake2b(f"tm {subject}".encode(), digest_size=8).digest()
        connection.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest, signed=True))))


def sqlite_file(url: str) -> Path | None:
    """Return the file that a SQLite `url` names, None for other databases. Raises `DatabaseError`."""
    try:
        parsed = make_url(url)
        named = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise _unopened(error) from None
    return Path(parsed.database or "") if named else None


def _unopened(error: Exception) -> DatabaseError:
    return DatabaseError(
        f"The call database cannot be opened: {_without_credentials(error)}",
        hint="TM_DATABASE_URL is an SQLAlchemy URL whose driver must be installed: sqlite:///calls.db",
    )


def migrate(engine: Engine) -> None:
    """Bring the schema up to date; blocks. Raises `DatabaseError` when that is impossible."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    for pause in (*LOCKED_PAUSES, None):
        try:
            _upgrade(engine, config)
        except (SQLAlchemyError, CommandError) as error:
            if pause is None or not _is_locked(error):
                raise unreadable(engine, error) from None
            time.sleep(pause)
        else:
            return


def _upgrade(engine: Engine, config: Config) -> None:
    # Nodes that start together: one makes the tables, the others wait and find them made.
    with writing_transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(MIGRATION_LOCK)
        take_turns(connection, "migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _is_locked(error: Exception) -> bool:
    """Whether SQLite says so: it does at once, without waiting, while another one turns WAL mode on."""
    cause = getattr(error, "orig", None)
    return isinstance(cause, sqlite3.OperationalError) and "locked" in str(cause)


def unreadable(engine: Engine, error: Exception) -> DatabaseError:
    """Return the error for people: which database (without its password), and what its driver said."""
    return DatabaseError(
        f"The call database {engine.url.render_as_string(hide_password=True)} cannot be used: "
        f"{_without_credentials(error)}",
        hint="Check TM_DATABASE_URL, and that the file or server can be reached and written to.",
    )


def _without_credentials(error: Exception) -> str:
    """The first line of the driver's own message: SQLAlchemy's adds statements and parameters."""
    cause = getattr(error, "orig", None) or error
    return str(cause).partition("\n")[0]


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    """Make readers and the writer not wait for each other, and a busy file be waited for."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.close()


def _prepare_postgres(connection: psycopg.Connection, _entry: ConnectionPoolEntry) -> None:
    """Make no wait for another node endless, whatever has become of it."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(POSTGRES_SESSION)
    connection.autocommit = False
