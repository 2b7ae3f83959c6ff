"""Connections of relay mode that are not as they should be: each costs its call no more than it must."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from runtime.relay.session import MOST_BAD_FRAMES, STALLED_SECONDS
from tests.runtime.log_lines import log_lines
from tests.runtime.office import Office
from tests.runtime.test_relay import RelayPhone, connect, play

LOST = {"CallStatus": "in-progress", "SessionStatus": "failed", "ErrorCode": "64105"}


async def come_back(office: Office) -> RelayPhone:
    """Connect a caller again whose socket is gone, as Twilio does when it has asked what comes next."""
    return await connect(office, (await office.webhook("/voice/front-desk/after", **LOST)).text)


def is_closed(phone: RelayPhone) -> bool:
    return phone.close_code is not None


async def hang_up(office: Office) -> None:
    await office.webhook("/voice/front-desk/status", CallStatus="completed")
    await office.over()


def test_after_a_hundred_bad_messages_the_socket_is_closed_and_another_one_goes_on(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await connect(office, (await office.webhook()).text) as phone:
            phone.set_up()
            await asyncio.sleep(2)
            for _ in range(MOST_BAD_FRAMES):
                phone.send_text("nonsense")
            await asyncio.sleep(1)
            assert not is_closed(phone)
            phone.send_text("nonsense")
            await asyncio.sleep(1)
            assert is_closed(phone)
        async with await come_back(office) as phone:
            phone.set_up()
            await asyncio.sleep(2)
            assert phone.text == "Very well."
        await hang_up(office)

    play(tmp_path, story)


def test_a_carrier_that_does_not_read_for_a_moment_gets_everything(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await connect(office, (await office.webhook()).text) as phone:
            phone.set_up()
            await asyncio.sleep(2)
            phone.reads.clear()
            phone.prompt("Hello?")
            await asyncio.sleep(STALLED_SECONDS)
            phone.reads.set()
            await asyncio.sleep(1)
            assert phone.text == "Good evening. Very well."
        await hang_up(office)

    play(tmp_path, story)


def test_a_carrier_that_reads_no_more_is_gone_and_nobody_comes_back_from_there(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await connect(office, (await office.webhook()).text) as phone:
            phone.set_up()
            await asyncio.sleep(2)
            phone.reads.clear()
            phone.prompt("Hello?")
            await office.over()
            assert (await office.record())["end_reason"] == "media_error"
            phone.reads.set()

    play(tmp_path, story)


def test_a_second_setup_changes_nothing(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await connect(office, (await office.webhook()).text) as phone:
            phone.set_up()
            phone.set_up()
            await asyncio.sleep(2)
            assert phone.text == "Good evening."
            phone.prompt("Hello?")
            await asyncio.sleep(2)
            assert phone.text == "Good evening. Very well."
        await hang_up(office)

    play(tmp_path, story)


def test_the_setup_of_another_call_is_heard_by_neither(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await connect(office, (await office.webhook()).text) as phone:
            phone.set_up(call_sid="CA2")
            await asyncio.sleep(2)
            assert is_closed(phone)
            assert phone.text == ""
        async with await come_back(office) as phone:
            phone.set_up()
            await asyncio.sleep(2)
            assert phone.text == "Good evening."
        await hang_up(office)

    play(tmp_path, story)


def test_what_twilio_complains_about_is_in_debug_lines_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(office: Office) -> None:
        async with await connect(office, (await office.webhook()).text) as phone:
            phone.set_up()
            phone.send({"type": "error", "description": 'Invalid message: {"token": "My secret"}'})
            await asyncio.sleep(1)
        await hang_up(office)

    with caplog.at_level(logging.DEBUG):
        play(tmp_path, story)
    assert "message_not_understood call=CA1" in log_lines(caplog)
    told = [record for record in caplog.records if "My secret" in str(record.msg)]
    assert [record.levelno for record in told] == [logging.DEBUG]
