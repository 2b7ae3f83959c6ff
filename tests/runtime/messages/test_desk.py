"""Messages to a node: answered once and in order, over crashes, silence, refusals and stop words."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from runtime.call.text.text_events import Shown, Told
from runtime.call.usage import Usage
from runtime.messages import reading
from runtime.messages.desk import MOST_WORKERS, SWEEP_SECONDS
from runtime.messages.files import MOST_SHOWING
from runtime.messages.voice_notes import Transcribe, Transcript
from runtime.messages.worker import PAUSES_AFTER_CRASHES
from runtime.store import contacts
from tests.runtime.fake_text_model import FAIL, TOOL
from tests.runtime.office import AGENT, CALLER, ENVIRONMENT, FRONT_DESK, Office, open_office
from tests.runtime.tools.test_http_call import Wire
from tests.runtime.virtual_time import run

MINUTE = 60.0
PERSON, SENDER = f"whatsapp:{CALLER}", f"whatsapp:{FRONT_DESK}"
WRITING = AGENT + f"sms: true\nwhatsapp: {{sender: {FRONT_DESK}}}\n"
BRIEF = WRITING + "messages: {idle_hours: 0.05}\n"  # three minutes
MEDIA = f"https://api.twilio.com/2010-04-01/Accounts/{ENVIRONMENT['TWILIO_ACCOUNT_SID']}/Messages/MM1/Media"

Story = Callable[[Office], Awaitable[None]]


async def hear(name: str, sound: bytes, content_type: str) -> Transcript:
    return Transcript(f"{name}, {content_type}: {sound.decode()}", Usage(transcription_in=3))


def play(folder: Path, story: Story, declarations: str = WRITING) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations, transcribe=hear) as office:
            await story(office)

    run(in_office())


async def write(office: Office, text: str, sid: str, person: str = PERSON, **more: str) -> httpx2.Response:
    ours = SENDER if person.startswith("whatsapp:") else FRONT_DESK
    form = {"MessageSid": sid, "From": person, "To": ours, "Body": text, **more}
    return await office.webhook("/whatsapp/front-desk", **form)


async def report(office: Office, number: int, status: str, code: str = "") -> None:
    """Report on the message of ours with this number, by the address that it gave."""
    path = office.twilio.of("StatusCallback")[number].removeprefix("https://agents.example.com")
    form = {"MessageSid": f"SM{number}out", "MessageStatus": status, "ErrorCode": code}
    assert (await office.webhook(path, **form)).status_code == 204


def json_answer(body: bytes) -> httpx2.Response:
    """The answer of a tool, as it comes over a wire."""
    return httpx2.Response(200, headers={"content-type": "application/json"}, stream=Wire(body))


def sent(office: Office) -> list[str]:
    return office.twilio.of("Body")


def spoken(record: Mapping[str, Any]) -> list[str]:
    return [f"{entry['role']}: {entry['text']}" for entry in record["transcript"]]


def test_a_message_is_answered_at_once_with_nothing_and_then_by_the_api(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await write(office, "Hello", "SM1")
        assert answer.status_code == 200
        assert "<Response/>" in answer.text
        assert not sent(office)
        await asyncio.sleep(2)
        assert sent(office) == ["Very well."]
        assert office.twilio.asked[0].form["From"] == SENDER

    play(tmp_path, story)


def test_a_message_that_comes_twice_is_one(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await asyncio.gather(*(write(office, "Hello", "SM1") for _ in range(5)))
        await asyncio.sleep(2)
        await write(office, "Hello", "SM1")
        await asyncio.sleep(2)
        assert sent(office) == ["Very well."]
        assert spoken(await office.record("SM1")) == ["caller: Hello", "agent: Very well."]

    play(tmp_path, story)


def test_requests_that_are_not_twilios_or_no_messages_are_refused(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert (await office.client.post("/whatsapp/front-desk", data={})).status_code == 403
        assert (await office.webhook("/whatsapp/front-desk")).status_code == 400
        assert (await office.webhook("/whatsapp/nobody")).status_code == 404
        assert (await office.webhook("/whatsapp/front-desk/status")).status_code == 400

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("fields", "person"),
    [("", PERSON), ("sms: true\n", PERSON), ("whatsapp: {sender: +14155550123}\n", CALLER)],
)
def test_an_agent_answers_only_what_it_declares(tmp_path: Path, fields: str, person: str) -> None:
    async def story(office: Office) -> None:
        assert (await write(office, "Hello", "SM1", person)).status_code == 404

    play(tmp_path, story, AGENT + fields)


def test_messages_that_come_while_it_thinks_are_answered_together(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await write(office, "A table", "SM1")
        await asyncio.sleep(0.2)
        await write(office, "for two", "SM2")
        await write(office, "on Friday", "SM3")
        await asyncio.sleep(5)
        assert sent(office) == ["Very well."]
        said = " ".join(item.text for item in office.text.asks[-1].context if isinstance(item, Told))
        assert said.replace("\n", " ") == "A table for two on Friday"

    play(tmp_path, story)


def test_the_next_message_goes_on_with_the_conversation_and_its_tools(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = [f'{TOOL}take_message {{"message": "Call me"}}', "Noted.", "You are welcome."]
        await write(office, "Please call me", "SM1")
        await asyncio.sleep(5)
        await write(office, "Thanks", "SM2")
        await asyncio.sleep(5)
        context = [item.text for item in office.text.asks[-1].context if isinstance(item, Told)]
        assert context == [
            "Please call me",
            'take_message {"message":"Call me"}: {"taken": true}',
            "Noted.",
            "Thanks",
        ]
        record = await office.record("SM1")
        assert len(record["latency"]["turns"]) == 2
        assert record["cost"]["tokens"]["text_out"] == 15

    play(tmp_path, story, WRITING + "tools: [{builtin: [take_message]}]\n")


def test_nothing_of_the_telephone_is_offered_to_the_model(tmp_path: Path) -> None:
    fields = "transfer: +14155550177\ntools: [{builtin: [collect_digits, send_digits, send_media]}]\n"

    async def story(office: Office) -> None:
        office.text.replies = [f"{TOOL}transfer {{}}", "I cannot do that."]
        await write(office, "Put me through", "SM1")
        await asyncio.sleep(5)
        record = await office.record("SM1")
        assert record["tools"][0]["result"] == {"error": "there is no such tool"}

    play(tmp_path, story, WRITING + fields)


def test_a_conversation_ends_when_nothing_comes_and_the_next_message_begins_another(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await write(office, "Hello", "SM1")
        await asyncio.sleep(2 * MINUTE)
        assert (await office.record("SM1"))["status"] == "active"
        await asyncio.sleep(2 * MINUTE)
        record = await office.record("SM1")
        assert (record["status"], record["end_reason"]) == ("completed", "idle")
        assert record["duration_seconds"] < 5
        await write(office, "Hello again", "SM2")
        await asyncio.sleep(5)
        assert spoken(await office.record("SM2")) == ["caller: Hello again", "agent: Very well."]
        assert 'tm_calls_total{agent="front-desk",channel="whatsapp",end_reason="idle"} 1.0' in (
            office.node.metrics.text().decode()
        )

    play(tmp_path, story, BRIEF)


def test_a_conversation_that_has_become_too_long_ends_and_the_message_begins_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONGEST_CONVERSATION", 4)

    async def story(office: Office) -> None:
        for sid in ("SM1", "SM2", "SM3"):
            await write(office, "Hello", sid)
            await asyncio.sleep(5)
        first, second = await office.record("SM1"), await office.record("SM3")
        assert (first["status"], first["end_reason"]) == ("completed", "max_duration")
        assert len(first["transcript"]) == 4
        assert spoken(second) == ["caller: Hello", "agent: Very well."]

    play(tmp_path, story)


def test_a_model_failure_is_told_and_shows_when_it_was_the_last_thing(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = [FAIL]
        await write(office, "Hello", "SM1")
        await asyncio.sleep(5)
        assert sent(office) == ["Please call again later."]
        await asyncio.sleep(4 * MINUTE)
        assert (await office.record("SM1"))["end_reason"] == "model_error"

    play(tmp_path, story, BRIEF)


def crashing(times: int) -> tuple[Transcribe, list[str]]:
    """What writes voice notes down, with a defect that shows so many times; and what it was asked."""
    asked: list[str] = []

    async def hear_or_crash(name: str, sound: bytes, content_type: str) -> Transcript:
        asked.append(name)
        if len(asked) <= times:
            raise ZeroDivisionError
        return await hear(name, sound, content_type)

    return hear_or_crash, asked


async def speak(office: Office, sid: str) -> None:
    office.twilio.files = {"ME1": httpx2.Response(200, content=b"hello")}
    await write(office, "Hello", sid, NumMedia="1", MediaUrl0=f"{MEDIA}/ME1", MediaContentType0="audio/ogg")


def test_a_turn_that_crashes_is_tried_again_and_not_for_ever(tmp_path: Path) -> None:
    transcribe, asked = crashing(times=100)

    async def story() -> None:
        async with open_office(tmp_path, WRITING, transcribe=transcribe) as office:
            await speak(office, "MM1")
            await asyncio.sleep(2 * MINUTE)
            assert len(asked) == 1 + len(PAUSES_AFTER_CRASHES)
            assert sent(office) == ["Please call again later."]
            said = ["caller: Hello", "agent: Please call again later."]
            assert spoken(await office.record("MM1")) == said
            await write(office, "Hello?", "SM2")
            await asyncio.sleep(5)
            assert sent(office)[1:] == ["Very well."]
            assert spoken(await office.record("MM1")) == [*said, "caller: Hello?", "agent: Very well."]

    run(story())


def test_a_turn_that_crashes_once_is_answered_all_the_same(tmp_path: Path) -> None:
    transcribe, asked = crashing(times=1)

    async def story() -> None:
        async with open_office(tmp_path, WRITING, transcribe=transcribe) as office:
            await speak(office, "MM1")
            await asyncio.sleep(MINUTE)
            assert len(asked) == 2
            assert sent(office) == ["Very well."]

    run(story())


def test_a_record_that_nobody_can_read_costs_its_contact_nothing_but_the_thread(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await write(office, "Hello", "SM1")
        await asyncio.sleep(5)
        with closing(sqlite3.connect(tmp_path / "calls.sqlite3")) as database, database:
            database.execute("UPDATE calls SET record = '{}'")
        await report(office, 0, "read")
        await write(office, "Hello again", "SM2")
        await asyncio.sleep(5)
        assert len(sent(office)) == 2
        assert spoken(await office.record("SM2")) == ["caller: Hello again", "agent: Very well."]

    play(tmp_path, story)


def test_who_may_not_call_may_not_write_and_that_is_one_record_for_a_while(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await write(office, "Hello", "SM1")
        await asyncio.sleep(2)
        await write(office, "Hello?", "SM2")
        await asyncio.sleep(2)
        (record,) = (await office.client.get("/api/calls")).json()["calls"]
        assert (record["status"], record["reject_reason"]) == ("rejected", "not_allowed")
        assert not office.twilio.asked
        assert not office.text.asks
        await asyncio.sleep(4 * MINUTE)
        await write(office, "Hello", "SM3")
        await asyncio.sleep(2)
        assert len((await office.client.get("/api/calls")).json()["calls"]) == 2

    play(tmp_path, story, BRIEF + "allow_callers: +49*\n")


def test_reports_in_any_order_show_what_was_read_and_what_was_lost(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await write(office, "Hello", "SM1")
        await asyncio.sleep(5)
        for status in ("read", "sent", "delivered", "read"):
            await report(office, 0, status)
        assert (await office.record("SM1"))["transcript"][1]["heard_ms"] == 4500
        await write(office, "Hello?", "SM2")
        await asyncio.sleep(5)
        await report(office, 1, "failed", "63024")
        await report(office, 1, "sent")
        record = await office.record("SM1")
        assert record["transcript"][3]["interrupted"] is True
        assert "error 63024" in record["transcript"][4]["text"]
        await write(office, "Are you there?", "SM3")
        await asyncio.sleep(5)
        assert "error 63024" in str(office.text.asks[-1].context)
        assert len((await office.record("SM1"))["transcript"]) == 7

    play(tmp_path, story)


def test_an_answer_whose_request_was_lost_is_looked_for_before_it_is_sent_again(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.twilio.lost_answers = 1
        await write(office, "Hello", "SM1")
        await asyncio.sleep(20)
        assert [message["body"] for message in office.twilio.messages] == ["Very well."]
        await report(office, 0, "delivered")
        assert (await office.record("SM1"))["transcript"][1]["heard_ms"] is not None

    play(tmp_path, story)


def test_an_answer_that_twilio_refuses_says_why_in_the_record(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.twilio.status, office.twilio.code = 400, 21610
        await write(office, "Hello", "SM1", CALLER)
        await asyncio.sleep(5)
        assert "opted out" in (await office.record("SM1"))["transcript"][2]["text"]
        asked = len(office.text.asks)
        await write(office, "Hello", "SM2", CALLER)
        await asyncio.sleep(5)
        assert len(office.text.asks) == asked

    play(tmp_path, story)


def test_stop_in_the_middle_of_an_answer_ends_it(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.seconds = 5
        await write(office, "Hello", "SM1")
        await asyncio.sleep(1)
        await write(office, "STOP", "SM2")
        await asyncio.sleep(10)
        assert len(sent(office)) == 1
        assert "no more messages" in sent(office)[0]
        assert office.text.cancelled == 1
        await write(office, "Hello?", "SM3")
        await asyncio.sleep(10)
        assert len(sent(office)) == 1
        await write(office, "start", "SM4")
        await write(office, "Hello!", "SM5")
        await asyncio.sleep(10)
        assert sent(office)[2] == "Very well."

    play(tmp_path, story)


def test_files_reach_the_model_with_the_words_and_voice_notes_as_words(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.twilio.files = {
            "ME1": httpx2.Response(200, content=b"\x89PNG\r\n\x1a\n"),
            "ME2": httpx2.Response(200, content=b"hello"),
        }
        files = {"MediaUrl0": f"{MEDIA}/ME1", "MediaContentType0": "image/png"}
        files |= {"MediaUrl1": f"{MEDIA}/ME2", "MediaContentType1": "audio/ogg"}
        await write(office, "Look", "MM1", NumMedia="2", **files)
        await asyncio.sleep(5)
        (shown,) = office.text.asks[0].context
        assert isinstance(shown, Shown)
        assert shown.text == "Look\n[picture: file-1.png]\nfile-2.ogg, audio/ogg: hello"
        assert (await office.record("MM1"))["cost"]["tokens"]["transcription_in"] == 3

    play(tmp_path, story)


def person(number: int) -> str:
    return f"whatsapp:+1415555{number:04}"


async def show(office: Office, sid: str, who: str = PERSON) -> None:
    await write(office, "", sid, who, NumMedia="1", MediaUrl0=f"{MEDIA}/ME1", MediaContentType0="image/png")


def test_files_of_a_few_contacts_at_a_time_are_in_memory_and_nobody_elses_answer_waits_for_them(
    tmp_path: Path,
) -> None:
    async def story(office: Office) -> None:
        office.twilio.files = {"ME1": httpx2.Response(200, content=b"\x89PNG\r\n\x1a\n")}
        office.text.seconds = 5
        for number in range(2 * MOST_SHOWING):
            await show(office, f"MM{number}", person(number))
        await write(office, "Hello", "SM1", person(100))
        await asyncio.sleep(2)
        assert len(office.text.asks) == MOST_SHOWING + 1
        await asyncio.sleep(20)
        assert len(sent(office)) == 2 * MOST_SHOWING + 1

    play(tmp_path, story)


def test_a_picture_that_comes_behind_its_words_is_answered_with_them_in_every_turn(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.twilio.files = {"ME1": httpx2.Response(200, content=b"\x89PNG\r\n\x1a\n")}
        for number in range(2 * MOST_SHOWING):
            await write(office, "Look", f"SM{number}")
            await asyncio.sleep(0.2)
            await show(office, f"MM{number}")
            await asyncio.sleep(5)
            assert isinstance(office.text.asks[-1].context[-1], Shown)
            assert len(sent(office)) == number + 1

    play(tmp_path, story)


def test_so_many_contacts_are_answered_at_a_time_and_the_others_after_them(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.seconds = 5
        for number in range(MOST_WORKERS + 8):
            await write(office, "Hello", f"SM{number}", person(number))
        await asyncio.sleep(2)
        assert len(office.text.asks) == MOST_WORKERS
        await asyncio.sleep(15)
        assert len(sent(office)) == MOST_WORKERS + 8

    play(tmp_path, story)


def test_a_defect_while_work_is_looked_for_does_not_end_the_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(office: Office) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(contacts, "due", lambda *_: 1 / 0)
            await asyncio.sleep(3 * SWEEP_SECONDS)
        office.text.seconds = 1
        for number in range(MOST_WORKERS + 1):  # of whom the last is found by looking
            await write(office, "Hello", f"SM{number}", person(number))
        await asyncio.sleep(10)
        assert len(sent(office)) == MOST_WORKERS + 1

    play(tmp_path, story)


def test_a_conversation_takes_no_place_of_a_phone_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await write(office, "Hello", "SM1")
        await asyncio.sleep(5)
        assert "<Connect " in (await office.webhook()).text

    play(tmp_path, story, WRITING + "max_concurrent_calls: 1\n")


def test_of_a_flood_of_messages_most_are_answered_together_and_the_rest_dropped(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.seconds = 3
        for number in range(70):
            await write(office, f"Message {number}", f"SM{number}")
        await asyncio.sleep(60)
        assert 1 <= len(sent(office)) <= 6
        record = await office.record("SM0")
        assert 50 <= str(record["transcript"]).count("Message") <= 70

    play(tmp_path, story)


def test_what_a_node_leaves_when_it_stops_another_one_does(tmp_path: Path) -> None:
    async def two_nodes() -> None:
        async with open_office(tmp_path, WRITING, name="one") as first:
            first.text.seconds = 60
            await write(first, "Hello", "SM1")
            await asyncio.sleep(1)
        assert first.text.cancelled == 1
        async with open_office(tmp_path, WRITING, name="two") as second:
            await asyncio.sleep(SWEEP_SECONDS + 2)
            assert sent(second) == ["Very well."]
            await asyncio.sleep(100)
            assert sent(second) == ["Very well."]
        assert not sent(first)

    run(two_nodes())


def test_two_nodes_that_get_a_contacts_messages_do_not_answer_at_once(tmp_path: Path) -> None:
    async def two_nodes() -> None:
        async with open_office(tmp_path, WRITING, name="one") as first:
            async with open_office(tmp_path, WRITING, name="two") as second:
                first.text.seconds = second.text.seconds = 4
                await write(first, "One", "SM1")
                await asyncio.sleep(1)
                await write(second, "Two", "SM2")
                await write(second, "Two", "SM2")
                await asyncio.sleep(40)
                (busy,) = [office for office in (first, second) if office.text.asks]
                assert len(sent(busy)) == 2
                said = spoken(await first.record("SM1"))
                assert said == ["caller: One", "agent: Very well.", "caller: Two", "agent: Very well."]

    run(two_nodes())


def test_a_tool_that_has_run_does_not_run_again_on_the_next_node(tmp_path: Path) -> None:
    bookings: list[str] = []
    fields = """\
tools:
  - name: book
    description: Books a table.
    http: {url: "https://crm.example/bookings"}
"""

    async def two_nodes() -> None:
        async def answer(request: httpx2.Request) -> httpx2.Response:
            bookings.append(request.url.path)
            first.text.seconds = 60
            return json_answer(b'{"table": 4}')

        transport = httpx2.MockTransport(answer)
        async with open_office(tmp_path, WRITING + fields, name="one", tool_transport=transport) as first:
            first.text.replies = [f"{TOOL}book {{}}", "Never sent."]
            await write(first, "Book a table", "SM1")
            await asyncio.sleep(5)
        async with open_office(tmp_path, WRITING + fields, name="two", tool_transport=transport) as second:
            await asyncio.sleep(SWEEP_SECONDS + 2)
            (ask,) = second.text.asks
            assert [item.text for item in ask.context if isinstance(item, Told)] == [
                "Book a table",
                'book {}: {"table": 4}',
            ]
            assert bookings == ["/bookings"]
            record = await second.record("SM1")
            assert record["tools"][0]["result"] == {"table": 4}
            assert record["transcript"][-1]["text"] == "Very well."

    run(two_nodes())


def test_what_is_known_of_the_contact_is_found_out_once(tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return json_answer(b'{"name": "Ada"}')

    fields = "prep: {http: {name: crm, http: {url: 'https://crm.example/{{ caller }}', method: GET}}}\n"

    async def story() -> None:
        transport = httpx2.MockTransport(answer)
        async with open_office(tmp_path, WRITING + fields, tool_transport=transport) as office:
            await write(office, "Hello", "SM1")
            await asyncio.sleep(5)
            await write(office, "Hello", "SM2")
            await asyncio.sleep(5)
            assert len(asked) == 1
            assert asked[0].startswith("https://crm.example/%2B14155550190")
            assert "Ada" in office.text.instructions
            assert (await office.record("SM1"))["caller_profile"] == {"crm": {"name": "Ada"}}

    run(story())
