"""Recording a call: by Twilio, asked for and reported; on this machine, as a file."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.runtime.office import AGENT, Office, open_office
from tests.runtime.virtual_time import run

ANNOUNCED = AGENT + "recording: {channels: mono, announcement: This call is <recorded>.}\n"
RECORDING = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1"


def play(folder: Path, story: Callable[[Office], Awaitable[None]], declarations: str) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations) as office:
            await story(office)

    run(in_office())


async def talk(office: Office) -> None:
    async with await office.phone(await office.webhook()) as phone:
        phone.start()
        for _ in range(100):
            phone.speak(b"\x10" * 160)
            await asyncio.sleep(0.02)
        phone.stop()
        await office.over()


async def report(office: Office, **parameters: str) -> None:
    told = {
        "RecordingStatus": "completed",
        "RecordingUrl": RECORDING,
        "RecordingDuration": "12",
        **parameters,
    }
    answer = await office.webhook("/voice/front-desk/recording", **told)
    assert answer.status_code == 204


def test_twilio_records_from_the_answer_and_its_report_stays_in_the_record(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await talk(office)
        (order,) = [asked for asked in office.twilio.asked if asked.path == "Calls/CA1/Recordings"]
        assert order.form["RecordingChannels"] == "dual"
        assert order.form["RecordingStatusCallback"].endswith("/voice/front-desk/recording")
        await report(office)
        await report(office)
        assert (await office.record())["recordings"] == [f"{RECORDING}#t=0,12"]

    play(tmp_path, story, AGENT + "recording: true\n")


def test_a_report_in_the_middle_of_the_call_is_kept_as_well(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        async with await office.phone(await office.webhook()) as phone:
            phone.start()
            await phone.until(lambda phone: phone.heard != b"")
            await report(office, RecordingDuration="")
            phone.stop()
            await office.over()
        assert (await office.record())["recordings"] == [RECORDING]

    play(tmp_path, story, AGENT + "recording: true\n")


def test_callers_are_told_before_anything_else(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = (await office.webhook()).text
        assert "<Say>This call is &lt;recorded&gt;.</Say>" in answer
        assert answer.index("<Say>") < answer.index("<Connect")
        await office.webhook("/voice/front-desk/status", CallStatus="completed")
        await office.over()
        assert not office.twilio.asked

    play(tmp_path, story, ANNOUNCED)


def test_a_recording_that_twilio_refuses_is_noted_and_the_call_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(office: Office) -> None:
        office.twilio.status, office.twilio.code = 400, 21000
        await talk(office)
        record = await office.record()
        assert record["end_reason"] == "caller_hangup"
        assert record["recordings"] == ["not recorded: Twilio answered 400 (error 21000)"]

    play(tmp_path, story, AGENT + "recording: true\n")
    assert "recording_failed" in caplog.text


@pytest.mark.parametrize("declared", ["", "recording: false\n"])
def test_nothing_is_recorded_unless_it_is_declared(tmp_path: Path, declared: str) -> None:
    async def story(office: Office) -> None:
        await talk(office)
        assert (await office.record())["recordings"] is None
        assert [asked.path for asked in office.twilio.asked] == ["Calls/CA1"]  # its time limit
        assert not (tmp_path / "state" / "recordings").exists()

    play(tmp_path, story, AGENT + declared)


def test_a_local_recording_has_both_sides_and_its_place_stands_in_the_record(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await talk(office)
        record = await office.record()
        assert record["recordings"] == [str(tmp_path / "state" / "recordings" / f"{record['id']}.wav")]
        assert not [asked for asked in office.twilio.asked if "Recordings" in asked.path]

    play(tmp_path, story, AGENT + "recording: {by: local}\n")
    (file,) = (tmp_path / "state" / "recordings").iterdir()
    with wave.open(str(file)) as recording:
        assert recording.getnchannels() == 2
        assert recording.getnframes() / 8000 == pytest.approx(2.0, abs=0.1)
        frames = recording.readframes(recording.getnframes())
    assert any(frames[0::4])  # the caller
    assert any(frames[2::4])  # the agent


def test_nobody_but_twilio_reports_a_recording(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await talk(office)
        forged = await office.webhook(
            "/voice/front-desk/recording", token="f" * 32, RecordingStatus="completed"
        )
        assert forged.status_code == 403
        await report(office, RecordingUrl="javascript:alert(1)")
        assert (await office.record())["recordings"] is None

    play(tmp_path, story, AGENT + "recording: true\n")
