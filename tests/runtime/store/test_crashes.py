"""What becomes of the calls of a node that is no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runtime.call_progress import Interrupted, Progress
from runtime.call_record import Latency, ToolUse, TranscriptEntry, TurnLatency
from runtime.store import CallStore
from tests.runtime.log_lines import log_lines
from tests.runtime.store.stores import EVERYTHING, LONG, play, record, stored


def test_what_a_crash_left_live_is_closed_soon_after_the_next_start_of_that_node_alone(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(store: CallStore) -> None:
        store.save(record(1), LONG)
        store.save(record(2, status="completed", end_reason="caller_hangup"))

    async def start(store: CallStore) -> None:
        await store.close_expired()
        await look_from_elsewhere(store)  # its caller may be on the way back

    async def look(store: CallStore) -> None:
        await store.close_expired()
        left = await stored(store, "id-001")
        assert (left["status"], left["end_reason"], left["ended_at"]) == ("completed", "media_error", None)
        assert (await stored(store, "id-002"))["end_reason"] == "caller_hangup"

    async def look_from_elsewhere(store: CallStore) -> None:
        assert (await stored(store, "id-001"))["status"] == "active"

    play(database, crash)
    play(database, look_from_elsewhere, node="two")
    play(database, start)
    play(database, look, node="two", now=41.0)
    assert "calls_left_over calls=1 node=one" in log_lines(caplog)
    assert "leftover_calls_closed calls=1 node=two" in log_lines(caplog)


def test_a_dead_nodes_calls_end_when_their_limit_is_over_whoever_looks(database: str) -> None:
    async def crash(store: CallStore) -> None:
        store.save(record(1), Progress(expires_at=20_000))
        store.save(record(2), LONG)
        store.save(record(3))  # by a version that noted no limit

    async def look(store: CallStore) -> None:
        await store.close_expired()
        found = [await stored(store, f"id-00{number}") for number in (1, 2, 3)]
        assert [row["status"] for row in found] == ["completed", "active", "active"]

    play(database, crash)
    play(database, look, node="two", now=21.0)


def test_a_call_goes_on_elsewhere_with_all_that_was_known_of_it(database: str) -> None:
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
        other = CallStore(database, node="two")
        await store.find("id-001")
        assert await other.take_over("CA1", "another-agent") is None
        taken = await other.take_over("CA1", "front-desk")
        assert taken == Interrupted(replace(whole, status="incoming"), Progress(600_000, 1_500, 2))
        await other.close()

    play(database, story)


def test_the_node_that_lost_a_call_does_not_write_over_the_one_that_took_it(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1), LONG)
        await store.find("id-001")
        other = CallStore(database, node="two")
        assert await other.take_over("CA1", "front-desk") is not None
        store.save(record(1, status="completed", end_reason="media_error"))
        other.save(record(1, transcript=(TranscriptEntry("caller", "still here", 1),)), LONG)
        await other.find("id-001")
        found = await stored(store, "id-001")
        assert (found["status"], found["end_reason"]) == ("active", None)
        assert len((await store.page(EVERYTHING, 10, None)).records) == 1
        await other.close()

    play(database, story)
    assert "record_is_another_nodes call=id-001" in log_lines(caplog)


def test_a_caller_comes_back_a_bounded_number_of_times_and_never_to_a_call_that_is_over(
    database: str,
) -> None:
    async def story(store: CallStore) -> None:
        store.save(record(1), LONG)
        taken = [await store.take_over("CA1", "front-desk") for _ in range(4)]
        assert [each.progress.returns if each else None for each in taken] == [1, 2, 3, None]
        store.save(record(2, status="completed", end_reason="caller_hangup"))
        assert await store.take_over("CA2", "front-desk") is None

    play(database, story)
