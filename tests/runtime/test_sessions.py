"""Whole calls through webhook and stream, in virtual time, with the model in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.runtime.fakes import SECOND_OF_SPEECH
from tests.runtime.log_lines import log_lines
from tests.runtime.office import AGENT, Office, open_office
from tests.runtime.virtual_time import run

Story = Callable[[Office], Awaitable[None]]


def play(folder: Path, story: Story, declarations: str = AGENT) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations) as office:
            await story(office)

    run(in_office())


def test_a_caller_hears_the_greeting_to_the_byte_and_the_record_tells_the_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook(FromCountry="US")
        async with await office.phone(answer) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
            await asyncio.sleep(5)
            live = await office.record()
            phone.stop()
            await office.over()
        record = await office.record()
        assert (live["status"], live["ended_at"]) == ("active", None)
        assert [entry["text"] for entry in live["transcript"]] == ["Good evening."]
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        assert record["caller"] == {"number": "+14155550190", "country": "US"}
        assert record["ended_at"] - record["started_at"] == pytest.approx(6000, abs=1500)
        assert record["latency"]["first_word_ms"] is not None
        assert office.model.closed

    play(tmp_path, story)


def test_the_database_knows_of_a_call_from_its_webhook_on(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async def stored() -> object:
            record = await office.node.store.find("CA1")
            return record and record["status"]

        answer = await office.webhook()
        assert await stored() == "incoming"
        async with await office.phone(answer) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            assert await stored() == "active"
            phone.stop()
            await office.over()
        assert await stored() == "completed"

    play(tmp_path, story)


def test_the_model_hears_the_caller_as_the_text_that_came(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            phone.speak(b"\x01\x02\x03")
            await asyncio.sleep(1)
            assert [event["audio"] for event in office.model.heard("input_audio_buffer.append")] == ["AQID"]
            phone.stop()
            await office.over()

    play(tmp_path, story)


def test_the_model_is_connected_while_twilio_still_plays_the_hold_text(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        assert "<Say>One moment, please.</Say>" in answer.text
        await asyncio.sleep(1)
        assert office.model.heard("response.create")
        async with await office.phone(answer) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"", seconds=0.1)
            phone.stop()
            await office.over()

    play(tmp_path, story, AGENT + "hold: {strategy: text, text: 'One moment, please.'}\n")


def test_barge_in_clears_what_the_caller_has_not_heard(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: len(phone.heard) > 3000)
            started = {
                "type": "input_audio_buffer.speech_started",
                "item_id": "item_c",
                "audio_start_ms": 100,
            }
            office.model.say(started)
            await phone.until(lambda phone: any(frame["event"] == "clear" for frame in phone.frames))
            heard = phone.heard
            await asyncio.sleep(3)
            assert phone.heard == heard
            (truncate,) = office.model.heard("conversation.item.truncate")
            assert 0 < truncate["audio_end_ms"] <= len(heard) / 8
            phone.stop()
            await office.over()

    play(tmp_path, story)


def test_a_socket_that_breaks_ends_in_one_record_that_says_so(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            phone.vanish()
            await office.over()
        assert (await office.record())["end_reason"] == "media_error"
        assert office.model.closed
        after = await office.webhook("/voice/front-desk/after", CallStatus="in-progress")
        assert "<Say>Please call again later.</Say>" in after.text

    play(tmp_path, story)


def test_a_stream_that_never_comes_ends_after_twenty_seconds(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook()
        began = asyncio.get_running_loop().time()
        await office.over()
        assert asyncio.get_running_loop().time() - began == pytest.approx(20, abs=0.1)
        record = await office.record()
        assert (record["status"], record["reject_reason"]) == ("rejected", "stream_timeout")
        assert office.model.closed

    play(tmp_path, story)


def test_a_stream_that_comes_too_late_is_closed_and_the_caller_hears_the_fallback(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        await office.over()
        async with await office.phone(answer) as phone:
            await phone.until(lambda phone: phone.close_code == 1000)
        after = await office.webhook("/voice/front-desk/after")
        assert "<Say>Please call again later.</Say>" in after.text

    play(tmp_path, story)


def test_a_refused_key_leaves_the_caller_with_the_fallback_message(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.model.refuses = True
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.close_code == 1000)
            after = await office.webhook("/voice/front-desk/after", CallStatus="in-progress")
            await office.over()
        assert "<Say>Please call again later.</Say>" in after.text
        record = await office.record()
        assert (record["status"], record["reject_reason"]) == ("rejected", "model_unavailable")

    play(tmp_path, story)


def test_broken_frames_are_ignored_and_the_call_goes_on(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.send_text("{not json")
            phone.start()
            phone.send_bytes(b"\x00\x01")
            phone.send({"event": "mystery"})
            phone.send({"event": "media", "streamSid": "MZother", "media": {"payload": "AQID"}})
            await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
            assert not office.model.heard("input_audio_buffer.append")
            phone.stop()
            await office.over()
        assert (await office.record())["end_reason"] == "caller_hangup"

    play(tmp_path, story)


def test_a_flood_of_broken_frames_ends_the_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            for _ in range(200):
                phone.send_text("nonsense")
            await phone.until(lambda phone: phone.close_code is not None)
            await office.over()
        assert (await office.record())["end_reason"] == "media_error"

    play(tmp_path, story)


def test_the_stream_of_another_call_gets_nothing(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook(), call_sid="CA2") as phone:
            phone.start()
            await phone.until(lambda phone: phone.close_code is not None)
            await office.over()
        assert phone.heard == b""

    play(tmp_path, story)


def test_a_token_opens_one_stream_only(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        async with await office.phone(answer) as phone, await office.phone(answer) as second:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            assert (phone.accepted, second.accepted) == (True, False)
            phone.stop()
            await office.over()

    play(tmp_path, story)


def test_an_unsigned_stream_is_refused_and_its_token_still_works(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        forged = await office.phone(answer)
        forged.headers["X-Twilio-Signature"] = "Zm9yZ2Vk"
        async with forged:
            assert not forged.accepted
        async with await office.phone(answer) as phone:
            assert phone.accepted
            phone.start()
            phone.stop()
            await office.over()

    play(tmp_path, story)


def test_a_caller_side_that_stops_reading_ends_the_call_instead_of_hanging_it(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            phone.reads.clear()
            await office.over()
            phone.reads.set()
        assert (await office.record())["end_reason"] == "media_error"

    play(tmp_path, story)


def test_the_status_callback_ends_a_call_whose_stream_hangs_and_its_duration_counts(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            await office.webhook("/voice/front-desk/status", CallStatus="completed", CallDuration="7")
            await office.over()
            assert phone.close_code == 1000
        record = await office.record()
        assert (record["end_reason"], record["duration_seconds"]) == ("caller_hangup", 7)

    play(tmp_path, story)


def test_a_stop_of_the_node_ends_what_is_live_with_a_record(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path) as office:
            answer = await office.webhook()
            phone = await (await office.phone(answer)).__aenter__()
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            await office.node.calls.end_all()
            assert (await office.record())["end_reason"] == "drained"
            await phone.__aexit__()

    run(story())


def test_an_error_of_ours_ends_the_call_in_a_record_and_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            monkeypatch.setattr("runtime.legs.media_streams.decode", lambda *_: 1 / 0)
            phone.speak(b"\x01")
            await office.over()
            monkeypatch.undo()
        assert (await office.record())["end_reason"] == "media_error"

    with caplog.at_level(logging.ERROR):
        play(tmp_path, story)
    assert any(line.startswith("call_crashed") and "call=CA1" in line for line in log_lines(caplog))


def test_nothing_said_and_no_number_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
            phone.stop()
            await office.over()

    with caplog.at_level(logging.INFO):
        play(tmp_path, story)
    (ended,) = [line for line in log_lines(caplog) if line.startswith("call_ended")]
    assert ended.startswith("call_ended agent=front-desk call=CA1 reason=caller_hangup seconds=")
    assert ended.endswith(" status=completed")
    assert "Good evening" not in caplog.text
    assert "4155550190" not in caplog.text


def test_a_socket_that_is_gone_when_it_is_to_be_closed_is_no_error_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard == SECOND_OF_SPEECH)
            phone.gone = True
            call_id = (await office.record())["id"]
            await office.client.post(f"/api/calls/{call_id}/hangup")
            await office.over()
        assert (await office.record())["end_reason"] == "cancelled"

    with caplog.at_level(logging.ERROR):
        play(tmp_path, story)
    assert caplog.text == ""


def test_a_limit_that_is_reached_during_the_hold_is_told_to_the_caller(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook()
        await office.over()
        assert (await office.record())["end_reason"] == "max_duration"
        after = await office.webhook("/voice/front-desk/after", CallStatus="in-progress")
        assert "<Say>Please call again later.</Say>" in after.text

    long_hold = "max_call_seconds: 10\nhold: {strategy: text, text: '" + "Please wait. " * 40 + "'}\n"
    play(tmp_path, story, AGENT + long_hold)


def test_a_model_that_says_goodbye_slowly_is_let_finish_and_none_is_waited_for_in_vain(
    tmp_path: Path,
) -> None:
    async def story(office: Office) -> None:
        for call_sid, slowness in (("CA1", 1.0), ("CA2", 3600.0)):
            office.model.closing_seconds, office.model.closed = slowness, False
            async with await office.phone(await office.webhook(CallSid=call_sid), call_sid=call_sid) as phone:
                phone.start()
                await phone.until(lambda phone: phone.heard != b"")
                phone.stop()
                stopped_at = asyncio.get_running_loop().time()
                await office.over()
            assert office.model.closed is (slowness < 3)
            assert asyncio.get_running_loop().time() - stopped_at < 5

    play(tmp_path, story)
