"""Placed calls of a node in virtual time: orders, answers, and reports that come twice, late or never."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx2
import pytest

from runtime.outbound.dial_store import DialStore
from runtime.outbound.orders import CallFacts
from runtime.store import StoreUnavailableError
from tests.runtime.fake_text_model import TOOL
from tests.runtime.office import AGENT, FRONT_DESK, PUBLIC_URL, Office, open_office
from tests.runtime.virtual_time import run

PERSON = "+14155550177"
SID = "RE1"  # what the fake account calls everything that it makes
CALLER = (
    AGENT.replace("Good evening.", "Hello {{ name }}.")
    + "inbound: false\nvariables: {name: {required: true}}\n"
)
LIMITED = CALLER + "max_concurrent_calls: 1\n"
Story = Callable[[Office], Awaitable[None]]


def play(folder: Path, story: Story, declarations: str = CALLER) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations) as office:
            await story(office)
            await office.node.calls.end_all()

    run(in_office())


async def order(office: Office, **more: object) -> httpx2.Response:
    body = {"agent": "front-desk", "to": PERSON, "variables": {"name": "Ana"}, **more}
    return await office.client.post("/api/calls", json=body)


async def placed(office: Office, **more: object) -> str:
    """Place a call and return its attempt."""
    answer = await order(office, **more)
    assert answer.status_code == 201, answer.text
    attempt: str = answer.json()["id"]
    return attempt


async def tell(office: Office, attempt: str, path: str = "/status", **parameters: str) -> httpx2.Response:
    """Tell the node something about the call, as Twilio does."""
    told = {"CallSid": SID, "From": FRONT_DESK, "To": PERSON, "Direction": "outbound-api", **parameters}
    query = "&" if "?" in path else "?"
    return await office.webhook(f"/voice/front-desk{path}{query}attempt={attempt}", **told)


async def answered(office: Office, attempt: str) -> httpx2.Response:
    """Let the person pick up: Twilio asks what they hear."""
    return await tell(office, attempt, "", CallStatus="in-progress")


async def record_of(office: Office, attempt: str) -> Mapping[str, Any]:
    record: Mapping[str, Any] = (await office.client.get(f"/api/calls/{attempt}")).json()
    return record


# --- orders


def test_an_order_is_answered_with_the_record_of_a_call_that_nobody_has_answered(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await order(office)
        record = answer.json()
        assert answer.status_code == 201
        assert (record["direction"], record["status"], record["agent"]) == (
            "outbound",
            "incoming",
            "front-desk",
        )
        assert record["caller"] == {"number": PERSON, "country": "US"}
        (asked,) = (one.form for one in office.twilio.asked if one.path == "Calls")
        assert (asked["To"], asked["From"], asked["Timeout"]) == (PERSON, FRONT_DESK, "30")
        assert asked["Url"] == f"{PUBLIC_URL}/voice/front-desk?attempt={record['id']}"
        assert "MachineDetection" not in asked
        assert office.model.opened == 0

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"agent": "front-dask"}, 404, 'did you mean "front-desk"'),
        ({"to": "12"}, 422, 'to: "12" is no phone number'),
        ({"to": FRONT_DESK}, 422, "cannot call the number that it calls from"),
        ({"from": "+14155550000"}, 422, "none of the agent's numbers"),
        ({"variables": {}}, 422, "name is needed"),
        ({"variables": {"name": "Ana", "nam": "x"}}, 422, 'there is no variable "nam"'),
        ({"variables": {"name": 7}}, 422, "variables.name"),
        ({"variable": {}}, 422, 'did you mean "variables"?'),
        ({"voicemail": "message"}, 422, "needs voicemail_message"),
        ({"send_digits": "call"}, 422, "send_digits"),
    ],
)
def test_what_is_wrong_with_an_order_is_told_in_words_and_nobody_is_called(
    tmp_path: Path, more: Mapping[str, object], status: int, words: str
) -> None:
    async def story(office: Office) -> None:
        answer = await order(office, **more)
        assert answer.status_code == status
        assert words in answer.json()["error"]["message"]
        assert office.twilio.asked == []

    play(tmp_path, story)


def test_a_stopping_node_and_a_full_agent_place_no_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        attempt = await placed(office)
        full = await order(office)
        await tell(office, attempt, CallStatus="busy")
        free = await order(office)
        office.node.drain()
        stopping = await order(office)
        assert (full.status_code, free.status_code, stopping.status_code) == (429, 201, 429)
        assert "all the calls" in full.json()["error"]["message"]
        assert "about to stop" in stopping.json()["error"]["message"]

    play(tmp_path, story, LIMITED)


def test_what_twilio_refuses_is_told_and_leaves_a_record_that_has_failed(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.twilio.status, office.twilio.code = 400, 21215
        answer = await order(office)
        (row,) = (await office.client.get("/api/calls")).json()["calls"]
        assert answer.status_code == 422
        assert "Geo permissions" in answer.json()["error"]["message"]
        assert (row["status"], row["end_reason"]) == ("completed", "failed")

    play(tmp_path, story)


def test_a_call_whose_placing_was_not_answered_is_found_and_not_placed_again(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.twilio.lost_calls = 1
        found = {"sid": "CA7", "status": "ringing", "direction": "outbound-api"}
        office.twilio.resources["Calls"] = {"calls": [found]}
        attempt = await placed(office)
        assert (await record_of(office, attempt))["status"] == "incoming"
        assert len(office.twilio.of("Url")) == 1
        await tell(office, attempt, CallStatus="no-answer", CallSid="CA7")
        assert (await record_of(office, attempt))["call_sid"] == "CA7"

    play(tmp_path, story)


@pytest.mark.parametrize(("seconds_behind", "placed_as"), [(120, 201), (3600, 502)])
def test_a_lost_call_is_found_by_an_account_whose_clock_is_minutes_behind(
    tmp_path: Path, seconds_behind: float, placed_as: int
) -> None:
    async def story(office: Office) -> None:
        office.twilio.lost_calls = 1
        made = datetime.fromtimestamp(asyncio.get_running_loop().time() - seconds_behind, UTC)
        found = {"sid": "CA7", "status": "ringing", "direction": "outbound-api"}
        office.twilio.resources["Calls"] = {"calls": [{**found, "date_created": format_datetime(made)}]}
        assert (await order(office)).status_code == placed_as

    play(tmp_path, story)


def test_an_order_that_is_sent_again_with_its_id_places_one_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        first, second = [await order(office, id="a" * 32) for _ in range(2)]
        assert first.json()["id"] == second.json()["id"] == "a" * 32
        assert len(office.twilio.of("Url")) == 1
        assert (await order(office, id="mine")).status_code == 422

    play(tmp_path, story)


def test_a_call_that_is_hung_up_while_it_is_being_placed_is_taken_back(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.twilio.lost_calls = 1
        office.twilio.resources["Calls"] = {"calls": []}
        placing = asyncio.create_task(order(office, id="a" * 32))
        await asyncio.sleep(0.5)
        assert (await office.client.post(f"/api/calls/{'a' * 32}/hangup")).status_code == 200
        found = {"sid": "CA7", "status": "ringing", "direction": "outbound-api"}
        office.twilio.resources["Calls"] = {"calls": [found]}
        assert (await placing).status_code == 201
        assert office.twilio.of("Status") == ["canceled"]

    play(tmp_path, story)


def test_a_call_that_is_placed_is_answered_as_such_though_the_database_goes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_arguments: object) -> bool:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(DialStore, "is_taken_back", away)

    async def story(office: Office) -> None:
        assert (await order(office)).status_code == 201

    play(tmp_path, story)


# --- answers


def test_the_session_begins_with_the_answer_and_knows_what_the_agent_was_told(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        attempt = await placed(office)
        await asyncio.sleep(7)
        answer = await answered(office, attempt)
        again = await answered(office, attempt)
        async with await office.phone(answer, call_sid=SID) as phone:
            phone.start()
            await phone.until(lambda heard: bool(heard.heard))
            phone.stop()
        await office.over()
        assert answer.text == again.text
        assert office.model.opened == 1
        (asked,) = office.model.heard("response.create")
        assert "Hello Ana." in str(asked)
        record = await record_of(office, attempt)
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        assert 7000 <= record["ended_at"] - record["started_at"] < 20_000

    play(tmp_path, story)


def test_a_stranger_with_an_attempt_that_does_not_exist_is_hung_up_on(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await answered(office, "0" * 32)
        assert "<Hangup/>" in answer.text
        assert office.model.opened == 0

    play(tmp_path, story)


def test_an_answer_that_a_stopping_node_does_not_take_is_taken_by_the_next_by_the_fallback(
    tmp_path: Path,
) -> None:
    async def story(office: Office) -> None:
        attempt = await placed(office)
        office.node.drain()
        refused = await answered(office, attempt)
        async with open_office(tmp_path, CALLER, name="other") as other:
            taken = await tell(other, attempt, "/fallback", CallStatus="in-progress")
            assert (refused.status_code, taken.status_code) == (503, 200)
            assert "<Stream" in taken.text
            await other.node.calls.end_all()

    play(tmp_path, story)


def test_a_caller_whom_no_node_takes_is_put_through_and_whom_we_called_is_not(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.node.drain()
        refused = await office.webhook()
        caller = await office.webhook("/voice/front-desk/fallback")
        called = await tell(office, "0" * 32, "/fallback", CallStatus="in-progress")
        assert refused.status_code == 503
        assert f"<Dial>{PERSON}</Dial>" in caller.text
        assert "<Dial>" not in called.text
        assert "Please call again later." in called.text

    play(tmp_path, story, AGENT + f"fallback_number: '{PERSON}'\n")


# --- reports


@pytest.mark.parametrize("order_of_reports", list(permutations(("initiated", "ringing", "no-answer"))))
def test_reports_in_any_order_and_twice_end_the_call_once(
    tmp_path: Path, order_of_reports: tuple[str, ...]
) -> None:
    async def story(office: Office) -> None:
        facts: list[CallFacts] = []
        office.node.dials.on_facts = lambda _attempt, news: facts.append(news)
        attempt = await placed(office)
        for status in (*order_of_reports, *order_of_reports, "busy"):
            await tell(office, attempt, CallStatus=status)
        record = await record_of(office, attempt)
        counted = (await office.client.get("/metrics")).text
        assert (record["status"], record["end_reason"]) == ("completed", "no_answer")
        assert 'end_reason="no_answer"} 1.0' in counted
        assert 'end_reason="busy"' not in counted
        assert {news.call_sid for news in facts} == {SID}

    play(tmp_path, story)


def test_who_asks_not_to_be_called_again_is_noted_in_the_record_and_told_on(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        told: list[tuple[str, CallFacts]] = []
        office.node.dials.on_facts = lambda attempt, news: told.append((attempt, news))
        office.text.replies = [f"{TOOL}do_not_call {{}}", "I have noted that. Goodbye."]
        attempt = await placed(office)
        await answered(office, attempt)
        words = {"SpeechResult": "Never call me again.", "CallStatus": "in-progress"}
        assert "I have noted that" in (await tell(office, attempt, "/turn?n=1", **words)).text
        await tell(office, attempt, CallStatus="completed", CallDuration="9")
        await office.over()
        record = await record_of(office, attempt)
        assert [use["name"] for use in record["tools"]] == ["do_not_call"]
        assert record["duration_seconds"] == 9
        assert (attempt, True) in [(of, news.opted_out) for of, news in told]

    play(tmp_path, story, CALLER + "voice: {mode: gather}\ntools: [{builtin: [do_not_call]}]\n")


def test_an_end_that_nobody_reports_is_asked_for(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        attempt = await placed(office, ring_seconds=10)
        call = {"sid": SID, "status": "no-answer", "duration": "0"}
        office.twilio.resources[f"Calls/{SID}"] = call
        await asyncio.sleep(25)
        assert (await record_of(office, attempt))["status"] == "incoming"
        await asyncio.sleep(15)
        assert (await record_of(office, attempt))["end_reason"] == "no_answer"

    play(tmp_path, story)


def test_a_call_that_twilio_never_had_has_failed_after_a_while(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.twilio.lost_calls = 1
        office.twilio.resources["Calls"] = {"calls": []}
        refused = await order(office, ring_seconds=10)
        assert refused.status_code == 502
        assert "nobody knows" in refused.json()["error"]["message"]
        (row,) = (await office.client.get("/api/calls")).json()["calls"]
        assert row["status"] == "incoming"
        await asyncio.sleep(200)
        (row,) = (await office.client.get("/api/calls")).json()["calls"]
        assert (row["status"], row["end_reason"]) == ("completed", "failed")

    play(tmp_path, story)


def test_calls_are_asked_about_though_another_agent_with_lost_calls_is_not_declared_any_more(
    tmp_path: Path,
) -> None:
    former = CALLER.replace("front-desk", "former").replace(FRONT_DESK, "+14155550124")

    async def with_both() -> None:
        async with open_office(tmp_path, f"{former}---\n{CALLER}", name="before") as office:
            for agent in ("former", "front-desk"):
                office.twilio.lost_calls = 1
                assert (await order(office, agent=agent)).status_code == 502

    async def with_one(office: Office) -> None:
        call = {"sid": "CA7", "status": "no-answer", "direction": "outbound-api"}
        office.twilio.resources |= {"Calls": {"calls": [call]}, "Calls/CA7": call}
        await asyncio.sleep(180)
        rows = (await office.client.get("/api/calls")).json()["calls"]
        assert {row["agent"]: row["end_reason"] for row in rows} == {
            "former": None,
            "front-desk": "no_answer",
        }

    run(with_both())
    play(tmp_path, with_one)


def test_an_operator_takes_back_a_call_that_rings(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        attempt = await placed(office)
        office.twilio.status, office.twilio.code = 503, 20500
        assert (await office.client.post(f"/api/calls/{attempt}/hangup")).status_code == 502
        office.twilio.status = 200
        office.twilio.asked.clear()
        assert (await office.client.post(f"/api/calls/{attempt}/hangup")).status_code == 200
        assert office.twilio.of("Status") == ["canceled"]
        await tell(office, attempt, CallStatus="canceled")
        assert (await record_of(office, attempt))["end_reason"] == "cancelled"

    play(tmp_path, story)


# --- who has answered


async def talk_until_detected(office: Office, attempt: str, who: str, *, by: Office | None = None) -> str:
    """Answer, let the node `by` be told who that is, and return what Twilio is told when it asks again."""
    answer = await answered(office, attempt)
    async with await office.phone(answer, call_sid=SID) as phone:
        phone.start()
        await phone.until(lambda heard: bool(heard.heard))
        told = {"AnsweredBy": who, "MachineDetectionDuration": "2800"}
        await tell(by or office, attempt, "/amd", **told)
        await asyncio.sleep(3)
        phone.stop()
    after = await tell(office, attempt, "/after", CallStatus="in-progress")
    await office.over()
    return after.text


@pytest.mark.parametrize(
    ("who", "reason", "message"),
    [
        ("machine_end_beep", "voicemail", True),
        ("machine_end_silence", "voicemail", True),
        ("machine_end_other", "voicemail", True),
        ("fax", "failed", False),
        ("human", "caller_hangup", False),
        ("unknown", "caller_hangup", False),
    ],
)
def test_a_machine_is_left_the_message_and_a_person_is_talked_to(
    tmp_path: Path, who: str, reason: str, message: bool
) -> None:
    async def story(office: Office) -> None:
        attempt = await placed(office, voicemail="message", voicemail_message="Call us, {{ name }}.")
        after = await talk_until_detected(office, attempt, who)
        record = await record_of(office, attempt)
        assert office.twilio.of("MachineDetection") == ["DetectMessageEnd"]
        assert ("Call us, Ana." in after) == message
        assert record["end_reason"] == reason
        assert record["tools"] == [{"name": "machine_detection", "arguments": {}, "result": who, "ms": 2800}]

    play(tmp_path, story)


def test_what_another_node_was_told_of_the_answerer_reaches_the_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        attempt = await placed(office, voicemail="hang_up")
        async with open_office(tmp_path, CALLER, name="other") as other:
            await talk_until_detected(office, attempt, "machine_start", by=other)
        assert (await record_of(office, attempt))["end_reason"] == "voicemail"

    play(tmp_path, story)
