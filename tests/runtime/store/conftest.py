from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database of each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let neither database wait for a lock."""
    monkeypatch.setattr("runtime.store.database.BUSY_TIMEOUT_MS", 1)
    monkeypatch.setattr("runtime.store.database.POSTGRES_SESSION", "SET lock_timeout = '1ms'")


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet: `calls.sqlite3` in `tmp_path`."""
    return sqlite_url(tmp_path)


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'calls.sqlite3'}"
