"""A recording on disk: both sides in their channel and at their time, whole files whatever happens."""

from __future__ import annotations

import asyncio
import base64
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.recording import RecordingWriter
from runtime.recording.tape import MOST_PIECES
from runtime.recording.writer import LocalRecording
from tests.runtime.log_lines import log_lines

FRAME = base64.b64encode(b"\x10" * 160).decode()  # loud: 20 ms
LOUD = 1_000
RATE = 8_000
BEGAN = 500.0


def read(path: Path) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    return samples[:, 0], samples[:, 1]


def sounding(channel: NDArray[np.int16]) -> tuple[float, float]:
    """When a channel is first and last loud, in seconds."""
    loud = np.flatnonzero(np.abs(channel.astype(int)) > LOUD)
    return float(loud[0]) / RATE, float(loud[-1] + 1) / RATE


def record(folder: Path, story: str | None = None, *, seconds: float = 5.0) -> LocalRecording:
    """A caller who speaks from 1 s to 3 s, an agent that is sent 2 s of speech at 1.5 s."""
    writer = RecordingWriter(folder)
    recording = writer.begin("call", BEGAN)
    for tick in range(round(seconds * 50)):
        now = BEGAN + (tick + 1) / 50
        if 50 <= tick < 150:
            recording.hear_caller(FRAME, now)
        if tick == 75:
            for _ in range(100):
                recording.play_agent(FRAME, now)
        if tick == 100 and story == "barge-in":
            recording.cut_agent(now)
        if tick % 50 == 49:
            recording.pass_on(now)
    recording.close(BEGAN + seconds)
    recording.close(BEGAN + seconds)
    asyncio.run(writer.close())
    return recording


def test_each_side_has_its_channel_and_its_time(tmp_path: Path) -> None:
    recording = record(tmp_path)
    caller, agent = read(recording.path)
    assert len(caller) == 5 * RATE
    assert sounding(caller) == pytest.approx((1.0, 3.0), abs=0.001)
    assert sounding(agent) == pytest.approx((1.54, 3.54), abs=0.001)


def test_what_a_barge_in_threw_away_is_not_in_the_recording(tmp_path: Path) -> None:
    _, agent = read(record(tmp_path, "barge-in").path)
    assert sounding(agent) == pytest.approx((1.54, 2.04), abs=0.001)


def test_a_recording_can_be_played_up_to_the_moment_of_a_crash(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path)
    recording = writer.begin("call", BEGAN)
    for tick in range(200):
        recording.hear_caller(FRAME, BEGAN + (tick + 1) / 50)
        if tick % 50 == 49:
            recording.pass_on(BEGAN + (tick + 1) / 50)
    asyncio.run(writer.written())
    left_behind = tmp_path / "left-behind.wav"
    shutil.copy(recording.path, left_behind)
    recording.close(BEGAN + 4)
    asyncio.run(writer.close())
    caller, _ = read(left_behind)
    assert len(caller) == 3 * RATE
    assert sounding(caller) == pytest.approx((0.0, 3.0), abs=0.001)


def test_a_gap_in_the_callers_audio_is_silence_and_jitter_is_not(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path)
    recording = writer.begin("call", BEGAN)
    for number in range(50):
        late = 0.1 if number % 10 == 5 else 0.0
        recording.hear_caller(FRAME, BEGAN + (number + 1) / 50 + late)
    for number in range(50):
        recording.hear_caller(FRAME, BEGAN + 2 + (number + 1) / 50)
    recording.close(BEGAN + 3)
    asyncio.run(writer.close())
    caller, agent = read(recording.path)
    quiet = np.flatnonzero(np.abs(caller.astype(int)) < LOUD)
    assert (quiet[0] / RATE, quiet[-1] / RATE) == pytest.approx((1.0, 2.0), abs=0.001)
    assert len(quiet) == RATE
    assert not np.any(agent)


def test_a_disk_that_takes_nothing_ends_the_recording_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    recording = record(tmp_path / "file")
    assert recording.failed is not None
    assert any(line.startswith("recording_failed file=call.wav") for line in log_lines(caplog))


def test_a_call_whose_seconds_nobody_takes_keeps_a_bounded_number_of_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = RecordingWriter(tmp_path)
    recording = writer.begin("call", BEGAN)
    for number in range(MOST_PIECES + 7):
        recording.hear_caller(FRAME, BEGAN + number / 50)
    recording.close(BEGAN + 1)
    asyncio.run(writer.close())
    assert "recording_has_gaps file=call.wav pieces=7" in log_lines(caplog)


def test_a_caller_who_sends_more_than_time_has_passed_does_not_fill_the_memory(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path)
    recording = writer.begin("call", BEGAN)
    for _ in range(1_000):
        recording.hear_caller(FRAME, BEGAN + 1)
    recording.close(BEGAN + 30)
    asyncio.run(writer.close())
    caller, _ = read(recording.path)
    assert sounding(caller)[1] <= 6.0
