"""What is stored of calls, and read again: whole, once, in order."""

from __future__ import annotations

import json

import pytest

from runtime.call_record import TranscriptEntry
from runtime.store import CallStore, InvalidCursorError
from runtime.store.history import History
from tests.runtime.store.stores import EVERYTHING, LONG, play, record, stored


def test_a_record_is_read_as_it_was_saved_and_its_last_state_counts(database: str) -> None:
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

    play(database, story)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("a NUL \0.", "a NUL \ufffd."),
        ("half a smile \ud83d.", "half a smile ?."),
        (r"no NUL: \u0000, \\\0", "no NUL: \\u0000, \\\\\\0"),
    ],
)
def test_what_a_model_says_is_stored_whatever_characters_it_has(database: str, said: str, read: str) -> None:
    async def story(store: CallStore) -> None:
        for status in ("active", "completed"):  # the second one looks into what is stored already
            store.save(record(1, status=status, transcript=(TranscriptEntry("agent", said, at_ms=0),)))
        transcript = (await stored(store, "id-001"))["transcript"]
        assert isinstance(transcript, list)
        assert [entry["text"] for entry in transcript] == [read]

    play(database, story)


def test_pages_go_back_in_time_without_gaps_or_repeats_even_at_the_same_moment(database: str) -> None:
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

    play(database, story)


def test_a_recording_that_is_reported_late_or_twice_stays_in_the_record_once(database: str) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1), LONG)
        store.add_recording("CA1", "another-agent", "https://api.twilio.com/RE9")
        for _ in range(2):
            store.add_recording("CA1", "front-desk", "https://api.twilio.com/RE1")
        store.save(record(1, status="completed", recordings=("call.wav",)))
        assert (await stored(store, "CA1"))["recordings"] == ["https://api.twilio.com/RE1", "call.wav"]

    play(database, story)


def test_twilios_duration_corrects_an_ended_call_and_leaves_a_live_one_alone(database: str) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1, status="completed", duration_seconds=12.3))
        store.save(record(2))
        for call_sid in ("CA1", "CA2", "CA3"):
            store.set_duration(call_sid, 13)
        ended, live = await stored(store, "CA1"), await stored(store, "CA2")
        assert (ended["duration_seconds"], live["duration_seconds"]) == (13, None)
        store.checkpoint(record(2), LONG)
        store.save(record(2, status="completed", duration_seconds=12.4))
        assert (await stored(store, "CA2"))["duration_seconds"] == 13

    play(database, story)


def test_checkpoints_give_way_while_the_database_is_behind(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.store.call_store.MOST_WAITING_CHECKPOINTS", 0)

    async def story(store: CallStore) -> None:
        store.checkpoint(record(1), LONG)
        assert await store.find("id-001") is None
        store.save(record(1), LONG)
        assert await store.find("id-001") is not None

    play(database, story)


def test_closing_waits_for_the_writes_that_are_left(database: str) -> None:
    async def story(store: CallStore) -> None:
        for number in range(200):
            store.save(record(number))

    play(database, story)
    assert len(History(database).newest(None, 200).records) == 200
