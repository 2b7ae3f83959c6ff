"""The way back in, through a whole node: what follows a stream, and calls of nodes that are gone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from runtime.call.stream_link import RETURN_SECONDS
from runtime.tools.http_call import HttpCaller
from tests.runtime.fakes import SECOND_OF_SPEECH
from tests.runtime.office import AGENT, Office, open_office
from tests.runtime.tools.test_http_call import Service
from tests.runtime.virtual_time import run

AFTER = "/voice/front-desk/after"
FALLBACK = "/voice/front-desk/fallback"
STATUS = "/voice/front-desk/status"
MESSAGE = "<Say>Please call again later.</Say>"


def play(folder: Path, story: Callable[[Office], Awaitable[None]], declarations: str = AGENT) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations) as office:
            await story(office)

    run(in_office())


async def break_stream(office: Office, answer: httpx2.Response, call_sid: str = "CA1") -> None:
    """Let the agent greet, and lose the stream."""
    async with await office.phone(answer, call_sid=call_sid) as phone:
        phone.start()
        await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
        await asyncio.sleep(2)
        phone.vanish()
        await asyncio.sleep(0.1)


async def ask(office: Office, path: str = AFTER) -> httpx2.Response:
    return await office.webhook(path, CallStatus="in-progress")


def test_a_caller_whose_stream_broke_is_connected_to_the_same_call_again(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await break_stream(office, await office.webhook())
        back = await ask(office)
        assert f'<Connect action="https://agents.example.com{AFTER}">' in back.text
        assert (await office.record())["status"] == "active"
        async with await office.phone(back) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
            phone.speak(b"\x10" * 160)
            phone.stop()
            await office.over()
        assert office.model.opened == 1
        assert "interrupted" in str(office.model.heard("response.create")[-1])
        assert office.model.heard("input_audio_buffer.append")
        record = await office.record()
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        assert len(record["transcript"]) == 2

    play(tmp_path, story)


def test_twilio_may_tell_of_a_broken_stream_before_the_socket_does(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as half_open:
            half_open.start()
            await half_open.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
            back = await ask(office)
            await half_open.until(lambda phone: phone.close_code is not None)
            async with await office.phone(back) as phone:
                phone.start()
                await phone.until(lambda phone: phone.heard != b"")
                phone.stop()
                await office.over()
        assert (await office.record())["end_reason"] == "caller_hangup"

    play(tmp_path, story)


def test_each_token_opens_one_stream_and_the_last_one_is_void(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        await break_stream(office, answer)
        first = await ask(office)
        await break_stream(office, first)
        second = await ask(office)
        async with await office.phone(answer) as used, await office.phone(first) as void:
            assert (used.accepted, void.accepted) == (False, False)
        async with await office.phone(second) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            phone.stop()
            await office.over()

    play(tmp_path, story)


def test_a_question_that_is_asked_again_gets_the_same_answer_whose_stream_is_still_to_come(
    tmp_path: Path,
) -> None:
    async def story(office: Office) -> None:
        await break_stream(office, await office.webhook())
        first = await ask(office)
        for _ in range(5):
            assert (await ask(office)).text == first.text
        async with await office.phone(first) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
            phone.stop()
            await office.over()
        assert (await office.record())["end_reason"] == "caller_hangup"

    play(tmp_path, story)


def test_streams_that_break_again_and_again_end_the_call_with_the_fallback_message(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        for _ in range(4):
            assert "<Stream" in answer.text
            await break_stream(office, answer)
            answer = await ask(office)
        assert MESSAGE in answer.text
        await office.over()
        assert (await office.record())["end_reason"] == "media_error"
        await asyncio.sleep(60)
        assert not office.twilio.of("Status")

    play(tmp_path, story)


def test_a_caller_who_has_hung_up_when_twilio_asks_is_not_waited_for(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await break_stream(office, await office.webhook())
        after = await office.webhook(AFTER, CallStatus="completed")
        assert "<Say>" not in after.text
        await office.over()
        assert (await office.record())["end_reason"] == "caller_hangup"

    play(tmp_path, story)


def test_a_caller_about_whom_nobody_asks_is_told_by_us_and_leaves_one_record(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await break_stream(office, await office.webhook())
        await office.over()
        assert loop.time() - began < RETURN_SECONDS + 6
        assert (await office.record())["end_reason"] == "media_error"
        await asyncio.sleep(1)
        (document,) = office.twilio.of("Twiml")
        assert MESSAGE in document

    play(tmp_path, story)


def test_an_operator_can_end_a_call_whose_caller_is_on_the_way_back(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await break_stream(office, await office.webhook())
        await office.client.post("/api/calls/CA1/hangup")
        await office.over()
        assert (await office.record())["end_reason"] == "cancelled"
        await asyncio.sleep(1)
        assert office.twilio.of("Status") == ["completed"]

    play(tmp_path, story)


def test_an_operator_can_end_a_call_before_its_stream(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook()
        await office.client.post("/api/calls/CA1/hangup")
        await office.over()
        await asyncio.sleep(1)
        assert office.twilio.of("Status") == ["completed"]

    play(tmp_path, story)


def test_twilio_limits_the_call_a_little_later_than_we_do(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await break_stream(office, await office.webhook())
        async with await office.phone(await ask(office)) as phone:
            phone.start()
            await asyncio.sleep(2)
            phone.stop()
            await office.over()
        assert office.twilio.of("TimeLimit") == ["150"]

    play(tmp_path, story, AGENT + "max_call_seconds: 120\n")


def test_a_goodbye_is_hung_up_by_the_answer_after_the_stream_and_by_us_when_nobody_asks(
    tmp_path: Path,
) -> None:
    async def story(office: Office) -> None:
        for call_sid, asks in (("CA1", True), ("CA2", False)):
            async with await office.phone(await office.webhook(CallSid=call_sid), call_sid=call_sid) as phone:
                phone.start()
                await phone.until(lambda phone: phone.heard != b"")
                hang_up = {"type": "function_call", "call_id": "c1", "name": "hang_up", "arguments": "{}"}
                office.model.say({"type": "response.output_item.done", "response_id": "r", "item": hang_up})
                await phone.until(lambda phone: phone.close_code is not None)
            if asks:
                after = await office.webhook(AFTER, CallSid=call_sid, CallStatus="in-progress")
                assert "<Hangup/>" in after.text
            await office.over()
            await asyncio.sleep(10)
        ended = [asked.path for asked in office.twilio.asked if "Status" in asked.form]
        assert ended == ["Calls/CA2"]

    play(tmp_path, story)


def test_a_call_that_twilio_has_ended_already_is_no_trouble(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(office: Office) -> None:
        office.twilio.status = 404
        await office.webhook()
        await office.client.post("/api/calls/CA1/hangup")
        await office.over()
        await asyncio.sleep(1)

    play(tmp_path, story)
    assert "hang_up_failed" not in caplog.text


def test_a_stream_that_went_dead_without_closing_is_noticed_and_its_caller_is_fetched(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        loop = asyncio.get_running_loop()
        async with await office.phone(await office.webhook()) as half_open:
            half_open.start()
            half_open.speak(b"\x10" * 160)
            await half_open.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
            fell_silent = loop.time()
            await half_open.until(lambda phone: phone.close_code is not None)
            assert 3 < loop.time() - fell_silent < 6
            await asyncio.sleep(0.1)
            assert office.twilio.of("Url") == [f"https://agents.example.com{AFTER}"]
            async with await office.phone(await ask(office)) as phone:
                phone.start()
                await phone.until(lambda phone: phone.heard != b"")
                phone.stop()
                await office.over()
        assert (await office.record())["end_reason"] == "caller_hangup"
        assert office.model.opened == 1

    play(tmp_path, story)


# --- calls of another run


def test_a_call_whose_node_was_killed_goes_on_elsewhere_with_its_history(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, name="one") as dead:
            await break_stream(dead, await dead.webhook())
            await asyncio.sleep(3)  # a checkpoint, and then nothing more is heard of this node
            checkpoint = await dead.record()
            async with open_office(tmp_path, name="two") as office:
                back = await ask(office, FALLBACK)
                async with await office.phone(back) as phone:
                    phone.start()
                    await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
                    phone.stop()
                    await office.over()
                told = office.model.heard("conversation.item.create")
                assert "Good evening." in str(told)
                assert len(office.model.heard("response.create")) == 1
                assert "Good evening." not in str(office.model.heard("response.create"))
                record = await office.record()
                assert record["id"] == checkpoint["id"]
                assert [entry["text"] for entry in record["transcript"]] == ["Good evening.", "Good evening."]
                assert record["transcript"][1]["at_ms"] > 5_000
                assert record["end_reason"] == "caller_hangup"
            await asyncio.sleep(30)  # the first node gives its caller up, and leaves the call alone
            assert (await dead.record())["end_reason"] == "caller_hangup"
            assert not dead.twilio.of("Twiml")
            assert not dead.twilio.of("Status")

    run(story())


def test_what_a_call_used_on_both_nodes_is_paid(tmp_path: Path) -> None:
    used = {"input_token_details": {"text_tokens": 700}, "output_token_details": {"audio_tokens": 300}}

    async def use(office: Office, answer: httpx2.Response) -> None:
        async with await office.phone(answer) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
            response = {"id": "resp_1", "status": "completed", "usage": used}
            office.model.say({"type": "response.done", "response": response})
            await asyncio.sleep(4)

    async def story() -> None:
        async with open_office(tmp_path, name="one") as dead:
            await use(dead, await dead.webhook())
            before = (await dead.record())["cost"]
            assert before["tokens"]["audio_out"] == 300
            async with open_office(tmp_path, name="two") as office:
                await use(office, await ask(office, FALLBACK))
                await office.webhook(STATUS, CallStatus="completed", CallDuration="30")
                await office.over()
                after = (await office.record())["cost"]
                assert (after["tokens"]["text_in"], after["tokens"]["audio_out"]) == (1_400, 600)
                assert after["amount"] == pytest.approx(2 * before["amount"])

    run(story())


PREPARED = (
    AGENT
    + """\
prep:
  required: true
  timeout: 4
  http:
    - {name: crm, http: {url: "https://crm.example/guests", method: GET}}
"""
)


def test_what_was_found_out_about_a_caller_goes_with_the_call_and_is_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(httpx2.Response(200, json={"name": "Ada"}))
    client = httpx2.MockTransport(service)
    monkeypatch.setattr("runtime.tool_room.HttpCaller", lambda *_: HttpCaller(client))

    async def story() -> None:
        async with open_office(tmp_path, PREPARED, name="one") as dead:
            await break_stream(dead, await dead.webhook())
            await asyncio.sleep(3)
            async with open_office(tmp_path, PREPARED, name="two") as office:
                async with await office.phone(await ask(office, FALLBACK)) as phone:
                    phone.start()
                    await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
                    phone.stop()
                    await office.over()
                assert "Ada" in str(office.model.heard("session.update")[0])
                assert (await office.record())["caller_profile"] == {"crm": {"name": "Ada"}}

    run(story())
    assert len(service.requests) == 1


def test_a_call_goes_on_elsewhere_for_what_is_left_of_its_time(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, AGENT + "max_call_seconds: 60\n", name="one") as dead:
            await break_stream(dead, await dead.webhook())
            await asyncio.sleep(12)
            async with open_office(tmp_path, AGENT + "max_call_seconds: 60\n", name="two") as office:
                loop = asyncio.get_running_loop()
                async with await office.phone(await ask(office, FALLBACK)) as phone:
                    phone.start()
                    began = loop.time()
                    await phone.until(lambda phone: phone.close_code is not None, 100)
                    assert 40 < loop.time() - began < 47
                await office.over()
                record = await office.record()
                assert record["end_reason"] == "max_duration"
                assert 59 < record["duration_seconds"] < 62

    run(story())


def test_a_call_that_came_back_often_enough_hears_the_fallback_message(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, name="one") as dead:
            await break_stream(dead, await dead.webhook())
            await asyncio.sleep(3)
            async with AsyncExitStack() as offices:
                for number in range(4):
                    office = await offices.enter_async_context(open_office(tmp_path, name=f"{number}"))
                    text = (await ask(office, FALLBACK)).text
                    assert ("<Stream" in text, MESSAGE in text) == (number < 3, number == 3)


def test_a_caller_who_comes_to_another_node_has_come_back_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, name="one") as dead:
            await break_stream(dead, await dead.webhook())
            await asyncio.sleep(3)
            async with open_office(tmp_path, name="two") as office:
                answer = await ask(office, FALLBACK)
                for again in range(3):
                    assert "<Stream" in answer.text, f"after {again} more breaks"
                    await break_stream(office, answer)
                    answer = await ask(office)
                assert MESSAGE in answer.text
                await office.over()

    run(story())

    run(story())


def test_the_fallback_of_a_call_that_is_over_or_unknown_is_the_message(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert MESSAGE in (await office.webhook(FALLBACK, CallSid="CA9")).text
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            phone.stop()
            await office.over()
        assert "<Stream" not in (await ask(office, FALLBACK)).text
        office.node.drain()
        assert (await office.webhook(CallSid="CA2")).status_code == 503
        assert MESSAGE in (await office.webhook(FALLBACK, CallSid="CA2")).text

    play(tmp_path, story)


def test_a_draining_node_serves_its_own_returning_calls_and_no_others(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, name="one") as dead:
            await break_stream(dead, await dead.webhook(CallSid="CA1"))
            async with open_office(tmp_path, name="two") as office:
                await break_stream(office, await office.webhook(CallSid="CA2"), "CA2")
                office.node.drain()
                assert office.node.calls.worth_waiting_for(asyncio.get_running_loop().time())
                back = await office.webhook(AFTER, CallSid="CA2", CallStatus="in-progress")
                assert "<Stream" in back.text
                assert MESSAGE in (await ask(office, FALLBACK)).text
                await office.webhook(STATUS, CallSid="CA2", CallStatus="completed")
                await office.over()

    run(story())


def test_what_is_said_is_in_the_database_within_seconds_and_not_more_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(office: Office) -> None:
        kept = 0
        checkpoint = office.node.store.checkpoint

        def counting(*args: object) -> None:
            nonlocal kept
            kept += 1
            checkpoint(*args)  # type: ignore[arg-type]  # passed on as they came

        monkeypatch.setattr(office.node.store, "checkpoint", counting)
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await asyncio.sleep(4)
            stored = await office.node.store.find("CA1")
            assert stored is not None
            assert "Good evening." in str(stored["transcript"])
            await asyncio.sleep(60)
            assert kept <= 3  # nothing was said since
            phone.stop()
            await office.over()

    play(tmp_path, story)


def test_a_way_back_names_the_node_that_has_the_call(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, node_url="https://one.example.com", name="one") as office:
            await break_stream(office, await office.webhook())
            back = await ask(office)
            assert re.search(r'<Stream url="wss://one\.example\.com/stream/', back.text)
            assert f'action="https://one.example.com{AFTER}"' in back.text
            await office.webhook(STATUS, CallStatus="completed")
            await office.over()

    run(story())
