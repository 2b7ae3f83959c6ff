"""Opening the database: engine, SQLite's settings, migrations."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from schemas.errors import TmError

BUSY_TIMEOUT_MS = 5_000
# Seconds between attempts to open a file that others are opening for the first time.
LOCKED_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


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
    return engine


def open_existing(url: str) -> Engine:
    """Return an engine that makes and sets nothing of its own accord. Raises `DatabaseError`."""
    try:
        parsed = make_url(url)
        return create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise _unopened(error) from None


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
    with engine.begin() as connection:
        if engine.url.get_backend_name() == "sqlite":
            # Nodes that start together: one makes the tables, the others wait and find them made.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
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
