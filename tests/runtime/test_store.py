"""Call records in the database: never in a call's way, never lost to a busy file, honest after a crash."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import inspect

from runtime.call_progress import Interrupted, Progress
from runtime.call_record import Caller, CallRecord, Latency, ToolUse, TranscriptEntry, TurnLatency
from runtime.store import CallFilter, CallStore, InvalidCursorError, StoreUnavailableError
from runtime.store.database import DatabaseError, migrate, open_engine
from runtime.store.history import History
from runtime.store.tables import metadata
from tests.runtime.log_lines import log_lines

EVERYTHING = CallFilter()
LONG = Progress(expires_at=10**9)


def record(number: int, **changes: object) -> CallRecord:
    call = CallRecord(
        id=f"id-{number:03}",
        agent="front-desk",
        direction="inbound",
        status="active",
        started_at=1_000 + number,
        call_sid=f"CA{number}",
        caller=Caller("+14155550190", "US"),
    )
    return replace(call, **changes)  # type: ignore[arg-type]  # the tests name fields


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'calls.sqlite3'}"


def play(
    folder: Path,
    story: Callable[[CallStore], Awaitable[None]],
    *,
    node: str = "one",
    pause: Callable[[float], None] = lambda _seconds: None,
    now: float = 10.0,
) -> None:
    async def with_store() -> None:
        store = CallStore(url(folder), node=node, pause=pause, epoch=lambda: now)
        await store.open()
        await story(store)
        await store.close()

    asyncio.run(with_store())


def test_a_record_is_read_as_it_was_saved_and_its_last_state_counts(tmp_path: Path) -> None:
    async def story(store: CallStore) -> None:
        said = TranscriptEntry("agent", "Grüß Gott – “hello” 🎉", at_ms=10, heard_ms=900, interrupted=False)
        ended = record(1, status="completed", end_reason="caller_hangup", transcript=(said,))
        store.save(record(1))
        store.save(ended)
        assert (
            await store.find("id-001") == await store.find("CA1") == json.loads(json.dumps(ended.to_json()))
        )
        assert len((await store.page(EVERYTHING, 10, None)).records) == 1
        assert await store.find("id-002") is None

    play(tmp_path, story)


def test_pages_go_back_in_time_without_gaps_or_repeats_even_at_the_same_moment(tmp_path: Path) -> None:
    async def story(store: CallStore) -> None:
        for number in range(7):
            store.save(record(number, started_at=5_000 if number in {2, 3, 4} else 1_000 + number))
        seen: list[object] = []
        cursor = None
        while True:
            page = await store.page(EVERYTHING, 2, cursor)
            seen += [row["id"] for row in page.records]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == ["id-004", "id-003", "id-002", "id-006", "id-005", "id-001", "id-000"]
        for nonsense in ("x", "!!!", "MTIz"):
            with pytest.raises(InvalidCursorError):
                await store.page(EVERYTHING, 2, nonsense)

    play(tmp_path, story)


def test_a_database_that_is_busy_for_a_while_loses_nothing(tmp_path: Path) -> None:
    pauses: list[float] = []

    async def story(store: CallStore) -> None:
        await store.find("warm up")
        blocker = sqlite3.connect(tmp_path / "calls.sqlite3", isolation_level=None, check_same_thread=False)
        blocker.execute("BEGIN IMMEDIATE")

        def release(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                blocker.rollback()
                blocker.close()

        store._pause = release
        store._engine.dispose()
        store.save(record(1))
        assert await store.find("id-001") is not None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runtime.store.database.BUSY_TIMEOUT_MS", 1)
        play(tmp_path, story)
    assert len(pauses) == 2


def test_a_record_that_cannot_be_written_is_logged_without_its_content(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(store: CallStore) -> None:
        with closing(sqlite3.connect(tmp_path / "calls.sqlite3")) as database:
            database.execute("DROP TABLE calls")
        store.save(record(1, transcript=(TranscriptEntry("caller", "my secret", at_ms=0),)))

    with caplog.at_level(logging.ERROR):
        play(tmp_path, story)
    assert any(line.startswith("record_lost call=id-001") for line in log_lines(caplog))
    assert "my secret" not in caplog.text
    assert "4155550190" not in caplog.text


def test_what_a_crash_left_live_is_closed_soon_after_the_next_start_of_that_node_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(store: CallStore) -> None:
        store.save(record(1), LONG)
        store.save(record(2, status="completed", end_reason="caller_hangup"))

    async def start(store: CallStore) -> None:
        await store.close_expired()
        await look_from_elsewhere(store)  # its caller may be on the way back

    async def look(store: CallStore) -> None:
        await store.close_expired()
        left = await store.find("id-001")
        assert left is not None
        assert (left["status"], left["end_reason"], left["ended_at"]) == ("completed", "media_error", None)
        untouched = await store.find("id-002")
        assert untouched is not None
        assert untouched["end_reason"] == "caller_hangup"

    async def look_from_elsewhere(store: CallStore) -> None:
        still = await store.find("id-001")
        assert still is not None
        assert still["status"] == "active"

    play(tmp_path, crash)
    play(tmp_path, look_from_elsewhere, node="two")
    play(tmp_path, start)
    play(tmp_path, look, node="two", now=41.0)
    assert "calls_left_over calls=1 node=one" in log_lines(caplog)
    assert "leftover_calls_closed calls=1 node=two" in log_lines(caplog)


def test_a_dead_nodes_calls_end_when_their_limit_is_over_whoever_looks(tmp_path: Path) -> None:
    async def crash(store: CallStore) -> None:
        store.save(record(1), Progress(expires_at=20_000))
        store.save(record(2), LONG)
        store.save(record(3))  # by a version that noted no limit

    async def look(store: CallStore) -> None:
        await store.close_expired()
        found = [await store.find(f"id-00{number}") for number in (1, 2, 3)]
        assert [row["status"] for row in found if row] == ["completed", "active", "active"]

    play(tmp_path, crash)
    play(tmp_path, look, node="two", now=21.0)


def test_a_call_goes_on_elsewhere_with_all_that_was_known_of_it(tmp_path: Path) -> None:
    whole = record(
        1,
        agent_revision="abc",
        transcript=(TranscriptEntry("agent", "Good evening.", 0, 900, False, "item_1"),),
        tools=(ToolUse("find_booking", {"name": "Ada"}, {"seats": 2}, 120),),
        latency=Latency(80, (TurnLatency(520, 350, 400, 530), TurnLatency(None, 450, 500))),
        recordings=("https://api.twilio.com/RE1",),
    )

    async def story(store: CallStore) -> None:
        store.checkpoint(whole, Progress(600_000, answered_at=1_500, returns=1))
        other = CallStore(url(tmp_path), node="two")
        await store.find("id-001")
        assert await other.take_over("CA1", "another-agent") is None
        taken = await other.take_over("CA1", "front-desk")
        assert taken == Interrupted(replace(whole, status="incoming"), Progress(600_000, 1_500, 2))
        await other.close()

    play(tmp_path, story)


def test_the_node_that_lost_a_call_does_not_write_over_the_one_that_took_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1), LONG)
        await store.find("id-001")
        other = CallStore(url(tmp_path), node="two")
        assert await other.take_over("CA1", "front-desk") is not None
        store.save(record(1, status="completed", end_reason="media_error"))
        other.save(record(1, transcript=(TranscriptEntry("caller", "still here", 1),)), LONG)
        await other.find("id-001")
        stored = await store.find("id-001")
        assert stored is not None
        assert (stored["status"], stored["end_reason"]) == ("active", None)
        assert len((await store.page(EVERYTHING, 10, None)).records) == 1
        await other.close()

    play(tmp_path, story)
    assert "record_is_another_nodes call=id-001" in log_lines(caplog)


def test_a_caller_comes_back_a_bounded_number_of_times_and_never_to_a_call_that_is_over(
    tmp_path: Path,
) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1), LONG)
        taken = [await store.take_over("CA1", "front-desk") for _ in range(4)]
        assert [each.progress.returns if each else None for each in taken] == [1, 2, 3, None]
        store.save(record(2, status="completed", end_reason="caller_hangup"))
        assert await store.take_over("CA2", "front-desk") is None

    play(tmp_path, story)


def test_checkpoints_give_way_while_the_database_is_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.store.call_store.MOST_WAITING_CHECKPOINTS", 0)

    async def story(store: CallStore) -> None:
        store.checkpoint(record(1), LONG)
        assert await store.find("id-001") is None
        store.save(record(1), LONG)
        assert await store.find("id-001") is not None

    play(tmp_path, story)


def test_a_recording_that_is_reported_late_or_twice_stays_in_the_record_once(tmp_path: Path) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1), LONG)
        store.add_recording("CA1", "another-agent", "https://api.twilio.com/RE9")
        for _ in range(2):
            store.add_recording("CA1", "front-desk", "https://api.twilio.com/RE1")
        store.save(record(1, status="completed", recordings=("call.wav",)))
        stored = await store.find("CA1")
        assert stored is not None
        assert stored["recordings"] == ["https://api.twilio.com/RE1", "call.wav"]

    play(tmp_path, story)


def test_twilios_duration_corrects_an_ended_call_and_leaves_a_live_one_alone(tmp_path: Path) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1, status="completed", duration_seconds=12.3))
        store.save(record(2))
        for call_sid in ("CA1", "CA2", "CA3"):
            store.set_duration(call_sid, 13)
        ended, live = await store.find("CA1"), await store.find("CA2")
        assert ended is not None
        assert live is not None
        assert (ended["duration_seconds"], live["duration_seconds"]) == (13, None)
        store.checkpoint(record(2), LONG)
        store.save(record(2, status="completed", duration_seconds=12.4))
        over = await store.find("CA2")
        assert over is not None
        assert over["duration_seconds"] == 13

    play(tmp_path, story)


def test_closing_waits_for_the_writes_that_are_left(tmp_path: Path) -> None:
    async def story(store: CallStore) -> None:
        for number in range(200):
            store.save(record(number))

    play(tmp_path, story)
    assert len(History(url(tmp_path)).newest(None, 200).records) == 200


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = open_engine(url(tmp_path))
    migrate(engine)
    migrate(engine)
    made = inspect(engine)
    for table in metadata.sorted_tables:
        columns = {column["name"]: str(column["type"]) for column in made.get_columns(table.name)}
        assert columns == {column.name: column.type.compile(engine.dialect) for column in table.columns}
        assert {index["name"] for index in made.get_indexes(table.name)} == {i.name for i in table.indexes}
    engine.dispose()


@pytest.mark.parametrize(
    "wrong",
    [
        *("nonsense", "oracle9://x", "sqlite:////dev/null/calls.db", "sqlite:///x?timeout=abc"),
        *("postgresql+nodriver://u:pw@h/db", "postgresql://u:pw@h:notaport/db"),
    ],
)
def test_an_unusable_database_is_an_error_for_people_without_its_password(wrong: str) -> None:
    with pytest.raises(DatabaseError) as error:
        engine = open_engine(wrong)
        migrate(engine)
    assert "pw" not in str(error.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "calls.sqlite3").write_text("not a database at all, but long enough to be read as one" * 20)
    with pytest.raises(DatabaseError, match=r"calls\.sqlite3"):
        History(url(tmp_path)).newest(None, 1)


def test_history_of_a_database_that_does_not_exist_is_empty_and_creates_nothing(tmp_path: Path) -> None:
    assert History(url(tmp_path)).newest(None, 10).records == ()
    assert History(url(tmp_path)).find("id-001") is None
    assert not (tmp_path / "calls.sqlite3").exists()


def test_a_question_does_not_wait_for_ever_behind_a_database_that_is_locked(tmp_path: Path) -> None:
    held, let_go = threading.Event(), threading.Event()

    def hold(_seconds: float) -> None:
        held.set()
        let_go.wait(10)

    async def story(store: CallStore) -> None:
        with closing(sqlite3.connect(tmp_path / "calls.sqlite3", isolation_level=None)) as blocker:
            blocker.execute("BEGIN EXCLUSIVE")
            store.save(record(1))
            await asyncio.to_thread(held.wait, 10)
            with pytest.raises(StoreUnavailableError):
                await store.find("id-001")
        let_go.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runtime.store.database.BUSY_TIMEOUT_MS", 1)
        patch.setattr("runtime.store.call_store.READ_SECONDS", 0.02)
        play(tmp_path, story, pause=hold)


def test_a_record_that_no_database_can_hold_is_logged_as_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1, started_at=2**70))

    with caplog.at_level(logging.ERROR):
        play(tmp_path, story)
    assert any(line.startswith("record_lost call=id-001") for line in log_lines(caplog))


@pytest.mark.parametrize(
    "wrong",
    ["nonsense", "sqlite:bad", "sqlite", "sqlite:///x?timeout=abc", "postgresql://u:pw@h:notaport/db"],
)
def test_history_of_a_wrong_address_is_an_error_for_people_without_its_password(wrong: str) -> None:
    with pytest.raises(DatabaseError) as error:
        History(wrong).newest(None, 1)
    assert "pw" not in str(error.value)


def test_history_leaves_somebody_elses_database_as_it_is(tmp_path: Path) -> None:
    for content in (b"", None):
        file = tmp_path / "calls.sqlite3"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        else:
            with closing(sqlite3.connect(file)) as database:
                database.execute("CREATE TABLE cats (name)")
        before = file.read_bytes()
        assert History(url(tmp_path)).newest(None, 1).records == ()
        assert file.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["calls.sqlite3"]


def test_a_stored_record_that_is_no_json_is_an_error_for_people(tmp_path: Path) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1))

    play(tmp_path, story)
    with closing(sqlite3.connect(tmp_path / "calls.sqlite3")) as database:
        database.execute("UPDATE calls SET record = 'not json'")
        database.commit()
    with pytest.raises(DatabaseError):
        History(url(tmp_path)).find("id-001")


def test_nodes_that_start_together_on_a_new_database_all_start(tmp_path: Path) -> None:
    async def start(name: str) -> None:
        store = CallStore(url(tmp_path), node=name)
        await store.open()
        await store.close()

    async def together() -> None:
        await asyncio.gather(*(start(f"node-{number}") for number in range(4)))

    asyncio.run(together())
    assert History(url(tmp_path)).newest(None, 1).records == ()
