"""The model is lost in a whole call, in virtual time: webhook, stream, record, and what stays open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.runtime.fakes import SECOND_OF_SPEECH
from tests.runtime.office import AGENT, Office
from tests.runtime.test_sessions import play

Story = Callable[[Office], Awaitable[None]]


def test_a_model_that_is_lost_mid_call_is_replaced_and_the_caller_stays(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard.endswith(SECOND_OF_SPEECH))
            await asyncio.sleep(2)
            office.model.drop()
            await asyncio.sleep(2)
            assert office.model.opened == 2
            office.model.say(
                {"type": "input_audio_buffer.speech_started", "item_id": "c", "audio_start_ms": 0}
            )
            office.model.speak()
            await phone.until(lambda phone: phone.heard.count(SECOND_OF_SPEECH) == 2)
            phone.stop()
            await office.over()
        record = await office.record()
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        (told,) = office.model.heard("conversation.item.create")
        assert told["item"]["content"] == [{"type": "output_text", "text": "Good evening."}]
        assert len(office.model.heard("response.create")) == 1

    play(tmp_path, story)


def test_after_a_kill_the_next_words_begin_within_two_seconds(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        clock = asyncio.get_running_loop().time
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard.endswith(SECOND_OF_SPEECH))
            await asyncio.sleep(2)
            killed_at = clock()
            office.model.drop()
            await asyncio.sleep(0.5)
            assert office.model.opened == 2
            await asyncio.sleep(1)  # what a slow model takes to think
            office.model.say(
                {"type": "input_audio_buffer.speech_started", "item_id": "c", "audio_start_ms": 0}
            )
            office.model.speak()
            await phone.until(lambda phone: phone.heard.count(SECOND_OF_SPEECH) == 2)
            assert clock() - killed_at <= 2 + 1  # the words last a second
            phone.stop()
            await office.over()

    play(tmp_path, story)


def test_a_model_that_stops_reading_is_replaced_within_seconds(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard.endswith(SECOND_OF_SPEECH))
            office.model.reads.clear()
            for _ in range(8):
                phone.speak(b"\x01" * 160)
                await asyncio.sleep(1)
            office.model.reads.set()
            assert office.model.opened >= 2
            phone.stop()
            await office.over()
        assert (await office.record())["end_reason"] == "caller_hangup"

    play(tmp_path, story)


def test_a_caller_waits_for_the_model_as_long_as_the_hold_says(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.model.reads.clear()  # it accepts, and never gets ready
        async with await office.phone(await office.webhook()) as phone:
            began = asyncio.get_running_loop().time()
            phone.start()
            await phone.until(lambda phone: phone.close_code == 1000)
            assert 6.5 < asyncio.get_running_loop().time() - began < 8.5
            office.model.reads.set()
            await office.over()
        record = await office.record()
        assert (record["status"], record["reject_reason"]) == ("rejected", "model_unavailable")

    play(tmp_path, story, AGENT + "hold: {strategy: none, timeout: 7}\n")
