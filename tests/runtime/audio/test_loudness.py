"""One loudness for all recordings."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.audio.comfort import comfort_sound
from runtime.audio.loudness import HIGHEST_PEAK, levelled
from runtime.audio.telephone_band import RATE
from tests.runtime.audio.sounds import level, tone


@pytest.mark.parametrize("peak", [0.01, 0.1, 0.9])
def test_soft_and_loud_recordings_come_out_alike(peak: float) -> None:
    assert level(levelled(tone(500, 2, peak=peak), -20)) == pytest.approx(-20, abs=0.1)


def test_pauses_do_not_make_a_voice_louder() -> None:
    word, pause = tone(500, 0.5), np.zeros(4 * RATE, np.float32)
    spoken = levelled(np.concatenate((word, pause, word)), -20)
    assert level(spoken[:3000]) == pytest.approx(-20, abs=0.2)


def test_a_sharp_peak_is_not_clipped_but_the_whole_is_softer() -> None:
    samples = tone(500, 2, peak=0.02)
    samples[8000] = 1.0
    assert np.abs(levelled(samples, -20)).max() == pytest.approx(HIGHEST_PEAK)


def test_hiss_stays_hiss() -> None:
    hiss = np.random.default_rng(1).normal(0, 1e-4, RATE).astype(np.float32)
    assert level(levelled(hiss, -20)) < -45


def test_silence_around_a_recording_is_cut_off_and_within_it_is_kept() -> None:
    gap = np.zeros(3 * RATE, np.float32)
    samples = np.concatenate((gap, tone(500, 1), gap, tone(500, 1), gap))
    assert len(levelled(samples, -20)) / RATE == pytest.approx(5, abs=0.25)


def test_a_silent_recording_stays_silent() -> None:
    assert not levelled(np.zeros(RATE, np.float32), -20).any()


def test_the_comfort_sound_is_soft_steady_and_has_no_seam() -> None:
    sound = comfort_sound()
    assert level(sound) == pytest.approx(-40, abs=0.5)
    frames = np.concatenate((sound, sound)).reshape(-1, RATE // 10)
    assert all(-48 < level(frame) < -36 for frame in frames)  # never silent, never near speech
    assert abs(sound[0] - sound[-1]) <= np.abs(np.diff(sound)).max()
