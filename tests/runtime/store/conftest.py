from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let neither database wait for a lock."""
    monkeypatch.setattr("runtime.store.database.BUSY_TIMEOUT_MS", 1)
    monkeypatch.setattr("runtime.store.database.POSTGRES_SESSION", "SET lock_timeout = '1ms'")


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet: `calls.sqlite3` in `tmp_path`."""
    return f"sqlite:///{tmp_path / 'calls.sqlite3'}"
