"""The fleet's holds: what is spoken before the stream, what is played into it, and what is served."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from runtime.hold_media import HoldMedia, HoldMediaError
from runtime.hold_sounds import COMFORT_DELAY, comfort_loop
from runtime.twiml import HoldPrelude
from schemas import Hold
from tests.runtime.audio.sounds import pcm16, tone, wav

SPOKEN = {"text": "One moment, please", "voice": "Polly.Joanna"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A recording and music, as a Hold names them."""
    files = {"audio": tmp_path / "welcome #1.wav", "music": tmp_path / "music.wav"}
    files["audio"].write_bytes(wav(pcm16(tone(500, 1.0))))
    files["music"].write_bytes(wav(pcm16(tone(1200, 2.0))))
    return files


def hold(strategy: str, **fields: object) -> Hold:
    return Hold.model_validate({"strategy": strategy, **fields})


def test_text_alone_is_left_to_twilio_and_recordings_are_not(files: dict[str, Path]) -> None:
    strategies = (
        "none", "text", "audio", "music", "audio_then_music", "text_then_music", "voice_over_music",
    )  # fmt: skip
    holds = {strategy: hold(strategy, **SPOKEN, **files) for strategy in strategies}
    media = HoldMedia.load(holds.values())
    spoken = HoldPrelude(text="One moment, please", voice="Polly.Joanna", seconds=1.5)
    for strategy in strategies:
        prelude = media.prelude(holds[strategy])
        assert prelude == (spoken if "text" in strategy else HoldPrelude()), strategy
        sound = media.sound(holds[strategy])
        assert bool(sound.lead) == ("audio" in strategy or "voice" in strategy), strategy
        assert (sound.loop == comfort_loop()) == ("music" not in strategy), strategy


def test_an_agent_without_a_hold_is_not_silent_for_long() -> None:
    media = HoldMedia.load([])
    assert media.prelude(None) == HoldPrelude()
    assert media.sound(None).loop == comfort_loop()
    assert media.sound(None).delay == COMFORT_DELAY


def test_what_a_strategy_does_not_play_is_neither_read_nor_served(tmp_path: Path) -> None:
    media = HoldMedia.load([hold("text", **SPOKEN, music=tmp_path / "gone.mp3")])
    assert media.find("0" * 64, "gone.mp3") is None


def test_a_file_is_served_at_an_address_made_of_its_content(files: dict[str, Path]) -> None:
    recordings = [HoldMedia.load([hold("audio", **files)])]
    files["audio"].write_bytes(wav(pcm16(tone(600, 1.0))))
    recordings.append(HoldMedia.load([hold("audio", **files)]))
    addresses = set()
    for media in recordings:
        (recording,) = media.recordings()
        assert recording.path == f"/media/{recording.sha256}/welcome%20%231.wav"
        assert media.find(recording.sha256, "welcome #1.wav") is recording
        addresses.add(recording.path)
    assert len(addresses) == 2


def test_agents_that_play_the_same_share_it_in_memory(files: dict[str, Path]) -> None:
    one, other = (hold("audio_then_music", name=name, **files) for name in ("one", "other"))
    media = HoldMedia.load([one, other])
    assert media.sound(one) is media.sound(other)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read: No such file"), (b"no sound at all", "is neither MP3 nor WAV")],
)
def test_a_file_that_cannot_be_played_is_named_with_the_reason(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "music.mp3"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(HoldMediaError) as caught:
        HoldMedia.load([hold("music", music=file)])
    assert caught.value.message.startswith(f"The hold recording {file} {problem}")


def test_a_silent_recording_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "hush.wav"
    file.write_bytes(wav(pcm16(np.zeros(8000, np.float32))))
    with caplog.at_level(logging.WARNING):
        HoldMedia.load([hold("audio", audio=file)])
    assert "silent" in caplog.text
    assert "hush.wav" in caplog.text


def test_pauses_in_a_hold_text_are_waited_for() -> None:
    text = "One moment" + ' <break time="10s"/>' * 6 + " please."
    assert HoldMedia.load([]).prelude(hold("text", text=text)).seconds >= 60
