"""8 kHz µ-law to 24 kHz PCM and back: what is heard, whatever the pieces are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from runtime.audio.ulaw import from_linear, to_linear
from runtime.audio.wideband import Narrower, Widener

NARROW, WIDE = 8_000, 24_000


def tone(hertz: float, rate: int, seconds: float = 0.5, level: float = 12_000.0) -> NDArray[np.int16]:
    samples: NDArray[np.int16] = np.rint(
        level * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)
    ).astype("<i2")
    return samples


def strength(samples: NDArray[np.int16], hertz: float, rate: int) -> float:
    """How strong a tone is in the middle of a sound, in dB relative to a tone of level 12,000."""
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(np.float64)
    window = np.hanning(len(middle))
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(middle)) / rate)
    amplitude = 2 * abs(np.sum(middle * window * wave)) / np.sum(window)
    return float(20 * np.log10(max(amplitude, 1e-9) / 12_000.0))


def widened(sound: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.frombuffer(Widener().feed(from_linear(sound.tobytes())), "<i2")


def narrowed(sound: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.frombuffer(to_linear(Narrower().feed(sound.tobytes())), "<i2")


@pytest.mark.parametrize("hertz", [300.0, 1000.0, 2000.0, 3000.0, 3400.0])
def test_speech_passes_at_its_own_level_both_ways(hertz: float) -> None:
    assert strength(widened(tone(hertz, NARROW)), hertz, WIDE) == pytest.approx(0, abs=0.5)
    assert strength(narrowed(tone(hertz, WIDE)), hertz, NARROW) == pytest.approx(0, abs=0.8)


def test_no_image_of_the_voice_stands_above_it() -> None:
    wide = widened(tone(3400.0, NARROW))
    assert strength(wide, 8_000 - 3400.0, WIDE) < -55
    assert strength(wide, 8_000 + 3400.0, WIDE) < -55


@pytest.mark.parametrize("hertz", [4500.0, 5000.0, 7000.0, 11_000.0])
def test_what_a_telephone_cannot_carry_does_not_fold_back(hertz: float) -> None:
    alias = abs(hertz - NARROW * round(hertz / NARROW))
    assert strength(narrowed(tone(hertz, WIDE)), alias, NARROW) < -55


def test_a_way_there_and_back_is_four_ms_late_and_otherwise_the_same() -> None:
    voice = tone(700.0, NARROW, level=9_000.0)
    ulaw = Narrower().feed(Widener().feed(from_linear(voice.tobytes())))
    back = np.frombuffer(to_linear(ulaw), "<i2").astype(np.float64)
    lags = [float(np.dot(back[lag:], voice[: len(back) - lag])) for lag in range(60)]
    late = int(np.argmax(lags))
    assert late == pytest.approx(32, abs=6)  # of 8 a ms; a tone of 700 Hz repeats after 11.4
    assert len(ulaw) == len(voice)


def test_silence_stays_silence() -> None:
    assert not np.any(np.frombuffer(Widener().feed(b"\xff" * 800), "<i2"))
    assert set(Narrower().feed(bytes(4800))) <= {0xFF, 0x7F}


def test_the_loudest_sound_is_clipped_and_does_not_wrap() -> None:
    square = (np.sign(tone(500.0, WIDE).astype(np.int32)) * 32_767).astype("<i2")
    louder = narrowed(square).astype(np.int32)
    assert louder[200:-200].max() > 30_000
    flat = louder[np.abs(louder) > 20_000]
    assert len(flat) > len(louder) / 2


@settings(max_examples=60, deadline=None)
@given(pcm=st.binary(max_size=4000), cuts=st.lists(st.integers(0, 4000), max_size=8))
def test_pieces_of_any_size_odd_bytes_included_give_the_same_as_the_whole(
    pcm: bytes, cuts: list[int]
) -> None:
    whole = Narrower().feed(pcm)
    narrower, at = Narrower(), 0
    pieces = []
    for cut in [*sorted(cuts), len(pcm)]:
        pieces.append(narrower.feed(pcm[at:cut]))
        at = max(at, min(cut, len(pcm)))
    assert b"".join(pieces) == whole
    assert len(whole) == len(pcm) // 6


@settings(max_examples=60, deadline=None)
@given(ulaw=st.binary(max_size=2000), cut=st.integers(0, 2000))
def test_frames_of_any_size_give_the_same_as_the_whole(ulaw: bytes, cut: int) -> None:
    widener = Widener()
    pcm = np.frombuffer(widener.feed(ulaw[:cut]) + widener.feed(ulaw[cut:]), "<i2").astype(np.int32)
    whole = np.frombuffer(Widener().feed(ulaw), "<i2").astype(np.int32)
    assert len(pcm) == 3 * len(ulaw)
    assert np.all(np.abs(pcm - whole) <= 1)  # of 65,536: sums in another order
