"""Databases that are busy, away or broken: never in a call's way, and nothing is lost silently."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from runtime.call_record import TranscriptEntry
from runtime.store import CallStore, StoreUnavailableError
from runtime.store.database_thread import PATIENCE_SECONDS
from tests.postgres import PostgresServer
from tests.runtime.log_lines import log_lines
from tests.runtime.store.stores import LONG, Time, execute, locked, play, record, stored


@pytest.mark.usefixtures("impatient")
def test_a_database_that_is_busy_for_a_while_loses_nothing(database: str) -> None:
    time = Time()

    async def story(store: CallStore) -> None:
        with locked(database) as release:
            time.meanwhile = lambda: release() if len(time.pauses) == 2 else None
            store.save(record(1))
            assert await stored(store, "id-001")

    play(database, story, time=time)
    assert len(time.pauses) == 2


@pytest.mark.usefixtures("impatient")
def test_a_record_that_the_database_has_not_taken_for_minutes_is_logged_as_lost_and_the_next_go_on(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    time = Time()

    async def story(store: CallStore) -> None:
        with locked(database):
            store.save(record(1))
            with pytest.raises(StoreUnavailableError):
                await store.reserve(record(2), LONG, room=1, since=0)
        store.save(record(3))
        assert await stored(store, "id-003")
        assert await store.find("id-001") is None

    with caplog.at_level(logging.ERROR):
        play(database, story, time=time)
    assert time.now == pytest.approx(PATIENCE_SECONDS, abs=3)
    assert [line.partition(" reason")[0] for line in log_lines(caplog)] == ["record_lost call=id-001"]


def test_writes_wait_for_a_postgresql_that_restarts_and_questions_do_not(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database, time = postgres.new_database(), Time()
    asked = threading.Event()

    def meanwhile() -> None:
        if len(time.pauses) == 2:
            asked.wait(10)
        if time.now > 60:
            time.meanwhile = lambda: None
            postgres.start()

    async def story(store: CallStore) -> None:
        store.save(record(1), LONG)
        assert await stored(store, "id-001")
        postgres.stop()
        time.meanwhile = meanwhile
        store.save(record(1, status="completed", end_reason="caller_hangup"))
        store.save(record(2), LONG)
        monkeypatch.setattr("runtime.store.call_store.READ_SECONDS", 0.02)
        monkeypatch.setattr("runtime.store.call_store.COUNT_SECONDS", 0.02)
        with pytest.raises(StoreUnavailableError):
            await store.find("id-001")
        with pytest.raises(StoreUnavailableError):
            await store.reserve(record(3), LONG, room=5, since=0)
        monkeypatch.undo()
        asked.set()
        assert (await stored(store, "id-001"))["end_reason"] == "caller_hangup"
        assert await stored(store, "id-002")
        assert await store.find("id-003") is None
        assert await store.reserve(record(3), LONG, room=5, since=0) == 0

    with caplog.at_level(logging.ERROR):
        play(database, story, time=time)
    assert not log_lines(caplog)


def test_a_record_that_cannot_be_written_is_logged_without_its_content(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    time = Time()

    async def story(store: CallStore) -> None:
        execute(database, "DROP TABLE calls")
        store.save(record(1, transcript=(TranscriptEntry("caller", "my secret", at_ms=0),)))

    with caplog.at_level(logging.ERROR):
        play(database, story, time=time)
    assert time.pauses == []
    assert any(line.startswith("record_lost call=id-001") for line in log_lines(caplog))
    assert "my secret" not in caplog.text
    assert "4155550190" not in caplog.text


@pytest.mark.usefixtures("impatient")
def test_a_question_does_not_wait_for_ever_behind_a_database_that_is_locked(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        let_go.wait(10)

    async def story(store: CallStore) -> None:
        with locked(database):
            store.save(record(1))
            await asyncio.to_thread(held.wait, 10)
            with pytest.raises(StoreUnavailableError):
                await store.find("id-001")
        let_go.set()

    monkeypatch.setattr("runtime.store.call_store.READ_SECONDS", 0.02)
    play(database, story, time=Time(meanwhile=hold))


def test_a_record_that_no_database_can_hold_is_logged_as_lost(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1, started_at=2**70))

    with caplog.at_level(logging.ERROR):
        play(database, story)
    assert any(line.startswith("record_lost call=id-001") for line in log_lines(caplog))
