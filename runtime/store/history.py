"""Reading the call database from outside a node, for the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from runtime.store.database import open_existing, sqlite_file, unreadable
from runtime.store.reading import CallFilter, CallPage, RecordJson, read_call, read_page
from runtime.store.tables import calls

_Found = TypeVar("_Found")


class History:
    """The calls that nodes have stored. A database that no node has opened yet has none.

    Nothing is created or changed. Every method raises `DatabaseError` for one that cannot be read.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def newest(self, agent: str | None, limit: int) -> CallPage:
        """Return the newest calls, of one agent or of all, without transcripts."""
        page = self._read(lambda connection: read_page(connection, CallFilter(agent=agent), limit, None))
        return page or CallPage((), None)

    def find(self, call_id: str) -> RecordJson | None:
        """Return one call by its id or its call SID, or None."""
        return self._read(lambda connection: read_call(connection, call_id))

    def _read(self, read: Callable[[Connection], _Found | None]) -> _Found | None:
        file = sqlite_file(self._url)
        engine = open_existing(self._url)
        try:
            if file is not None and not file.exists():
                return None
            with engine.connect() as connection:
                return read(connection) if inspect(connection).has_table(calls.name) else None
        except (SQLAlchemyError, OSError, ValueError) as error:  # ValueError: a record that is no JSON
            raise unreadable(engine, error) from None
        finally:
            engine.dispose()
