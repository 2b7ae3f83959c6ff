"""Messages to a node: answered once and in order, over crashes, silence, refusals and stop words."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from runtime.call.text.text_events import Shown, Told
from runtime.messages.desk import SWEEP_SECONDS
from tests.runtime.fake_text_model import FAIL, TOOL
from tests.runtime.messages.writing import (
    BRIEF,
    MEDIA,
    MINUTE,
    PERSON,
    SENDER,
    WRITING,
    json_answer,
    play,
    report,
    sent,
    spoken,
    write,
)
from tests.runtime.office import AGENT, CALLER, Office, open_office
from tests.runtime.virtual_time import run


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


def test_a_model_failure_is_told_and_shows_when_it_was_the_last_thing(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = [FAIL]
        await write(office, "Hello", "SM1")
        await asyncio.sleep(5)
        assert sent(office) == ["Please call again later."]
        await asyncio.sleep(4 * MINUTE)
        assert (await office.record("SM1"))["end_reason"] == "model_error"

    play(tmp_path, story, BRIEF)


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


def test_a_conversation_takes_no_place_of_a_phone_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await write(office, "Hello", "SM1")
        await asyncio.sleep(5)
        assert "<Connect " in (await office.webhook()).text

    play(tmp_path, story, WRITING + "max_concurrent_calls: 1\n")


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
