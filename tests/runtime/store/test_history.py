"""The call history from outside a node: it reads and changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runtime.call_record import TranscriptEntry
from runtime.store import CallStore
from runtime.store.database import DatabaseError
from runtime.store.history import History
from tests.postgres import PostgresServer
from tests.runtime.store.stores import execute, play, record


def test_a_file_that_is_no_database_is_named(sqlite: str, tmp_path: Path) -> None:
    (tmp_path / "calls.sqlite3").write_text("not a database at all, but long enough to be read as one" * 20)
    with pytest.raises(DatabaseError, match=r"calls\.sqlite3"):
        History(sqlite).newest(None, 1)


def test_history_of_a_database_that_does_not_exist_is_empty_and_creates_nothing(
    sqlite: str, tmp_path: Path
) -> None:
    assert History(sqlite).newest(None, 10).records == ()
    assert History(sqlite).find("id-001") is None
    assert not (tmp_path / "calls.sqlite3").exists()


def test_history_reads_what_a_node_has_stored(database: str) -> None:
    async def story(store: CallStore) -> None:
        for number in (1, 2):
            store.save(record(number, transcript=(TranscriptEntry("caller", "Hello?", at_ms=0),)))
        store.save(record(3, agent="night-desk"))

    assert History(database).newest(None, 10).records == ()
    play(database, story)
    assert [row["id"] for row in History(database).newest("front-desk", 10).records] == ["id-002", "id-001"]
    found = History(database).find("CA1")
    assert found is not None
    assert found["transcript"]


def test_a_postgresql_that_is_away_or_has_no_such_database_is_an_error_for_people(
    postgres: PostgresServer,
) -> None:
    database = postgres.new_database()
    missing = database.replace("postgres@/test", "postgres:pw@/missing")
    with pytest.raises(DatabaseError, match="does not exist") as error:
        History(missing).newest(None, 1)
    assert "pw" not in str(error.value)
    with postgres.away(), pytest.raises(DatabaseError, match="cannot be used"):
        History(database).newest(None, 1)


@pytest.mark.parametrize(
    "wrong",
    ["nonsense", "sqlite:bad", "sqlite", "sqlite:///x?timeout=abc", "postgresql://u:pw@h:notaport/db"],
)
def test_history_of_a_wrong_address_is_an_error_for_people_without_its_password(wrong: str) -> None:
    with pytest.raises(DatabaseError) as error:
        History(wrong).newest(None, 1)
    assert "pw" not in str(error.value)


def test_history_leaves_somebody_elses_database_as_it_is(sqlite: str, tmp_path: Path) -> None:
    for content in (b"", None):
        file = tmp_path / "calls.sqlite3"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        else:
            with closing(sqlite3.connect(file)) as database:
                database.execute("CREATE TABLE cats (name)")
        before = file.read_bytes()
        assert History(sqlite).newest(None, 1).records == ()
        assert file.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["calls.sqlite3"]


def test_a_stored_record_that_is_no_json_is_an_error_for_people(sqlite: str) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1))

    play(sqlite, story)
    execute(sqlite, "UPDATE calls SET record = 'not json'")
    with pytest.raises(DatabaseError):
        History(sqlite).find("id-001")
