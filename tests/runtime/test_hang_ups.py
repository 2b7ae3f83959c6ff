"""An operator hangs up, whichever node has the call, and whichever is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from runtime.call_progress import Progress
from runtime.hang_up_desk import PATIENCE_SECONDS
from runtime.messages.desk import SWEEP_SECONDS
from runtime.store import CallStore
from tests.runtime.messages.writing import WRITING, sent, write
from tests.runtime.office import AGENT, Office, open_office
from tests.runtime.store.stores import record
from tests.runtime.virtual_time import run

REGIONS = AGENT.replace(
    "numbers: +14155550123", "numbers: [+14155550123, {number: +353766021234, region: ie1}]"
)
IRELAND = """\
---
kind: Account
name: main
account_sid: AC00000000000000000000000000000000
auth_token: 0123456789abcdef0123456789abcdef
regions:
  ie1: {auth_token: 0123456789abcdef0123456789abcdef}
"""

Story = Callable[[Office, Office], Awaitable[None]]


def play(folder: Path, story: Story, declarations: str = AGENT) -> None:
    """Run a story with two nodes; the first one gets the calls."""

    async def in_offices() -> None:
        async with (
            open_office(folder, declarations, name="one") as one,
            open_office(folder, declarations, name="two") as two,
        ):
            await story(one, two)
            for office in (one, two):
                await office.node.calls.end_all()

    run(in_offices())


async def hang_up(office: Office, name: str = "CA1") -> httpx2.Response:
    return await office.client.post(f"/api/calls/{name}/hangup")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the node that has the call time enough: what a database writes is not done in virtual time."""
    monkeypatch.setattr("runtime.hang_up_desk.PATIENCE_SECONDS", 300.0)


def statuses_asked_for(*offices: Office) -> list[str]:
    return [status for office in offices for status in office.twilio.of("Status")]


async def left_by_a_dead_node(folder: Path) -> None:
    """Have a call in the database whose node is no more."""
    gone = CallStore(f"sqlite:///{folder / 'calls.sqlite3'}", node="gone")
    now = round(asyncio.get_running_loop().time() * 1000)
    gone.save(record(1, started_at=now), Progress(now + 600_000, answered_at=now))
    await gone.close()


@pytest.mark.usefixtures("patient")
def test_a_call_ends_at_its_node_when_another_one_is_asked(tmp_path: Path) -> None:
    async def story(one: Office, two: Office) -> None:
        async with await one.phone(await one.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            await one.node.store.find("CA1")
            ended = await hang_up(two)
            assert ended.status_code == 200
            assert (ended.json()["status"], ended.json()["end_reason"]) == ("completed", "cancelled")
            await phone.until(lambda phone: phone.close_code == 1000)
            await one.over()
        assert statuses_asked_for(two) == []  # its own node sees to the rest
        assert (await one.record())["end_reason"] == "cancelled"
        assert (await one.record())["transcript"] != []

    play(tmp_path, story)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("mode", ["realtime", "relay", "gather"])
def test_a_call_of_any_mode_ends_there_before_it_has_a_stream(tmp_path: Path, mode: str) -> None:
    async def story(one: Office, two: Office) -> None:
        await one.webhook()
        await one.node.store.find("CA1")  # answered behind everything that is still to be written
        assert (await hang_up(two)).json()["end_reason"] == "cancelled"
        await one.over()

    play(tmp_path, story, AGENT + f"voice: {{mode: {mode}}}\n")


def test_the_call_of_a_dead_node_is_ended_by_twilio_and_its_record_closed(tmp_path: Path) -> None:
    async def story(one: Office, two: Office) -> None:
        await left_by_a_dead_node(tmp_path)
        ended = (await hang_up(two)).json()
        assert (ended["status"], ended["end_reason"]) == ("completed", "cancelled")
        assert ended["duration_seconds"] >= PATIENCE_SECONDS
        assert statuses_asked_for(one, two) == ["completed"]
        assert (await hang_up(one)).json() == ended
        assert statuses_asked_for(one, two) == ["completed"]
        metrics = (await two.client.get("/metrics")).text
        assert 'tm_calls_total{agent="front-desk",channel="twilio",end_reason="cancelled"} 1' in metrics

    play(tmp_path, story)


def test_twilio_is_told_in_each_region_that_the_agent_has(tmp_path: Path) -> None:
    async def story(_one: Office, two: Office) -> None:
        await left_by_a_dead_node(tmp_path)
        two.twilio.status = 404
        assert (await hang_up(two)).json()["end_reason"] == "cancelled"
        assert statuses_asked_for(two) == ["completed", "completed"]

    play(tmp_path, story, REGIONS + IRELAND)


def test_what_twilio_does_not_do_is_said_and_can_be_asked_for_again(tmp_path: Path) -> None:
    async def story(_one: Office, two: Office) -> None:
        await left_by_a_dead_node(tmp_path)
        two.twilio.status, two.twilio.code = 403, 20003
        refused = await hang_up(two)
        assert refused.status_code == 502
        assert "Twilio does not end the call" in refused.json()["error"]["message"]
        assert (await two.record())["status"] == "active"
        two.twilio.status = 200
        assert (await hang_up(two)).json()["end_reason"] == "cancelled"

    play(tmp_path, story)


@pytest.mark.usefixtures("patient")
def test_a_call_that_was_hung_up_and_comes_to_another_node_ends_there(tmp_path: Path) -> None:
    """Its node dies with the wish unheard, and Twilio asks the fallback URL before anybody has told it."""

    async def story(one: Office, two: Office) -> None:
        await left_by_a_dead_node(tmp_path)
        asked = asyncio.create_task(hang_up(two))
        await asyncio.sleep(0.5)
        assert "<Stream" in (await one.webhook("/voice/front-desk/fallback")).text
        assert (await asked).json()["end_reason"] == "cancelled"
        await one.over()
        assert statuses_asked_for(one) == ["completed"]

    play(tmp_path, story)


def test_agents_are_listed_with_their_calls_on_all_nodes(tmp_path: Path) -> None:
    async def story(one: Office, two: Office) -> None:
        await one.webhook()
        await two.webhook(CallSid="CA2")
        await one.node.store.find("CA1")
        await two.node.store.find("CA2")
        for office in (one, two):
            (agent,) = (await office.client.get("/api/agents")).json()["agents"]
            assert agent["active_calls"] == 2

    play(tmp_path, story)


def test_a_conversation_in_writing_ends_and_the_next_message_begins_another_one(tmp_path: Path) -> None:
    async def story(one: Office, two: Office) -> None:
        await write(one, "Hello", "SM1")
        await asyncio.sleep(SWEEP_SECONDS + 1)
        assert sent(one) + sent(two) == ["Very well."]
        ended = (await hang_up(two, "SM1")).json()
        assert (ended["channel"], ended["status"], ended["end_reason"]) == (
            "whatsapp",
            "completed",
            "cancelled",
        )
        assert (await hang_up(one, "SM1")).json() == ended
        await write(one, "Hello?", "SM2")
        await asyncio.sleep(SWEEP_SECONDS + 1)
        assert (await two.record("SM2"))["status"] == "active"

    play(tmp_path, story, WRITING)


def test_an_answer_that_is_being_written_is_not_sent_after_a_hang_up(tmp_path: Path) -> None:
    async def story(one: Office, two: Office) -> None:
        await write(one, "Hello", "SM1")
        await asyncio.sleep(SWEEP_SECONDS + 1)
        one.text.seconds = two.text.seconds = 5.0
        await write(one, "A table, please.", "SM2")
        await asyncio.sleep(1)
        assert (await hang_up(one, "SM1")).json()["end_reason"] == "cancelled"
        await asyncio.sleep(30)
        assert sent(one) + sent(two) == ["Very well."]
        rows = (await one.client.get("/api/calls")).json()["calls"]
        assert [row["end_reason"] for row in rows] == ["cancelled"]

    play(tmp_path, story, WRITING)
