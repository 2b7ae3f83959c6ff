"""Recordings of every form that a hold may have, as the telephone plays them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runtime.audio.decoding import LONGEST, UndecodableError, decode
from runtime.audio.telephone_band import RATE, Samples
from runtime.audio.ulaw import from_linear
from tests.runtime.audio.sounds import level, pcm16, strength, tone, wav

MP3 = (Path(__file__).parent / "data" / "tones.mp3").read_bytes()


@pytest.mark.parametrize("rate", [6000, 8000, 11025, 16000, 22050, 44099, 44100, 48000])
def test_any_sample_rate_comes_out_as_it_went_in(rate: int) -> None:
    decoded = decode(wav(pcm16(tone(1000, 7.3, rate=rate)), rate))
    expected = tone(1000, 7.3)
    assert len(decoded) == len(expected)
    inner = slice(400, -400)  # a tone that begins at once has no clean edges
    assert np.abs(decoded - expected)[inner].max() < 1e-3


@pytest.mark.parametrize("hertz", [3950, 4100, 5000, 7000, 12000, 20000])
def test_what_a_telephone_cannot_carry_does_not_fold_back_into_the_sound(hertz: float) -> None:
    decoded = decode(wav(pcm16(tone(hertz, 3, rate=44100)), 44100))
    assert level(decoded[400:-400]) < -80


def encoded(samples: Samples, bits: int) -> bytes:
    """Return samples as PCM of 8 (unsigned), 24 or 32 bits."""
    if bits == 8:
        return (samples * 127 + 128).astype(np.uint8).tobytes()
    wide = (samples.astype(np.float64) * (2**31 - 1)).astype("<i4")
    return wide.tobytes() if bits == 32 else wide.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (wav(encoded(tone(500, 1), 8), bits=8), 0.01),
        (wav(encoded(tone(500, 1), 24), bits=24), 1e-3),
        (wav(encoded(tone(500, 1), 32), bits=32), 1e-3),
        (wav(tone(500, 1).tobytes(), tag=3, bits=32), 1e-3),
        (wav(from_linear((tone(500, 1) * 32767).astype(np.int16).tobytes()), tag=7, bits=8), 0.01),
        (wav(np.repeat((tone(500, 1) * 32767).astype("<i2"), 2).tobytes(), channels=2), 1e-3),
    ],
    ids=["8 bit", "24 bit", "32 bit", "float", "µ-law", "stereo"],
)
def test_every_form_of_wav_is_read(content: bytes, error: float) -> None:
    assert np.abs(decode(content) - tone(500, 1))[400:-400].max() < error


def test_mp3_is_read() -> None:
    decoded = decode(MP3)  # 1.5 s of 1000 Hz and 6000 Hz at 22.05 kHz
    assert 1.5 <= len(decoded) / RATE < 1.65
    inner = decoded[1600:9600]
    assert strength(inner, 1000) == pytest.approx(0.25, rel=0.1)
    assert strength(inner, 2000) < 0.001  # where 6000 Hz would fold to


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "neither MP3 nor WAV"),
        (b"hello, world " * 100, "neither MP3 nor WAV"),
        (b"RIFF" + b"x" * 60, "neither MP3 nor WAV"),
        (MP3[:60], "neither MP3 nor WAV"),
        (wav(b""), "no samples"),
        (wav(bytes(1000), 200_000), "200000 samples a second"),
    ],
)
def test_what_cannot_be_played_says_why(content: bytes, problem: str) -> None:
    with pytest.raises(UndecodableError, match=problem):
        decode(content)


def test_a_float_that_is_no_number_makes_no_noise() -> None:
    samples = tone(500, 1)
    samples[100:110] = np.nan
    assert np.isfinite(decode(wav(samples.tobytes(), tag=3, bits=32))).all()


def test_ten_minutes_are_kept_of_what_nobody_waits_for() -> None:
    content = wav(bytes([128]) * (LONGEST + 30) * 4000, 4000, bits=8)
    assert len(decode(content)) == LONGEST * RATE
