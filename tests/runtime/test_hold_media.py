"""What is played before a stream, for how long, and what is not."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from runtime.hold_media import HoldMedia, playing_time
from runtime.twiml import HoldPrelude
from schemas import Hold

BASE = "https://agents.example.com"


def wav(seconds: float, *, odd_chunk: bytes = b"") -> bytes:
    samples = b"\xff" * int(seconds * 8000)
    fmt = struct.pack("<HHIIHH", 7, 1, 8000, 8000, 1, 8)
    extra = b"LIST" + struct.pack("<I", len(odd_chunk)) + odd_chunk + b"\x00" * (len(odd_chunk) % 2)
    chunks = b"fmt " + struct.pack("<I", 16) + fmt + (extra if odd_chunk else b"")
    chunks += b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def test_the_playing_time_of_a_wav_is_exact_whatever_else_is_in_it() -> None:
    assert playing_time(wav(2.5)) == 2.5
    assert playing_time(wav(2.5, odd_chunk=b"abc")) == 2.5


def test_the_playing_time_of_a_damaged_wav_never_exceeds_its_bytes() -> None:
    assert playing_time(wav(2.5)[:8044]) == pytest.approx(1.0)
    assert playing_time(wav(2.5)[:20]) == 0.0


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("none", HoldPrelude()),
        ("music", HoldPrelude()),
        ("text", HoldPrelude(text="One moment, please", voice="Polly.Joanna", seconds=1.5)),
        ("text_then_music", HoldPrelude(text="One moment, please", voice="Polly.Joanna", seconds=1.5)),
    ],
)
def test_what_can_be_spoken_is_spoken_before_the_stream(strategy: str, expected: HoldPrelude) -> None:
    hold = Hold.model_validate(
        {"strategy": strategy, "text": "One moment, please", "voice": "Polly.Joanna", "music": Path("/m.mp3")}
    )
    assert HoldMedia.load([hold]).prelude(hold, BASE) == expected


@pytest.mark.parametrize("strategy", ["audio", "audio_then_music", "voice_over_music"])
def test_a_recording_is_played_before_the_stream_from_an_address_made_of_its_content(
    tmp_path: Path, strategy: str
) -> None:
    file = tmp_path / "welcome #1.wav"
    file.write_bytes(wav(1.0))
    hold = Hold.model_validate({"strategy": strategy, "audio": file, "music": tmp_path / "absent.mp3"})
    media = HoldMedia.load([hold])
    prelude = media.prelude(hold, BASE)
    assert prelude.seconds == 1.0
    assert prelude.play_url is not None
    sha256, name = prelude.play_url.removeprefix(f"{BASE}/media/").split("/")
    assert name == "welcome%20%231.wav"
    found = media.find(sha256, "welcome #1.wav")
    assert found is not None
    assert found.content == file.read_bytes()


def test_without_a_hold_nothing_is_played() -> None:
    assert HoldMedia.load([]).prelude(None, BASE) == HoldPrelude()


def test_the_playing_time_of_an_mp3_is_never_taken_for_too_short() -> None:
    slow_mpeg_2 = b"\xff\xf3\x18\xc4" + bytes(60 * 1000 - 4)  # a minute at 8 kbit/s
    assert playing_time(slow_mpeg_2) >= 60
    slow_mpeg_1 = b"\xff\xfb\x10\xc4" + bytes(60 * 4000 - 4)  # a minute at 32 kbit/s
    assert playing_time(slow_mpeg_1) == pytest.approx(60)
    picture = b"\xff\xf3" + bytes(254)
    tagged = b"ID3\x04\x00\x00\x00\x00\x02\x00" + picture + slow_mpeg_1
    assert playing_time(tagged) == pytest.approx(60, abs=1)


def test_pauses_in_a_hold_text_are_waited_for() -> None:
    text = "One moment" + ' <break time="10s"/>' * 6 + " please."
    hold = Hold.model_validate({"strategy": "text", "text": text})
    assert HoldMedia.load([hold]).prelude(hold, BASE).seconds >= 60
