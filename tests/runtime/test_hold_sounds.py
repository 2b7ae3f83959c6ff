"""What each strategy sounds like, measured."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.audio.telephone_band import RATE, Samples
from runtime.hold_sounds import COMFORT_DELAY, SOUND_DELAY, arrange, comfort_loop
from tests.runtime.audio.sounds import heard, level, strength, tone

VOICE_HZ, MUSIC_HZ = 500, 1200
VOICE = tone(VOICE_HZ, 2.0, peak=0.02)
MUSIC = tone(MUSIC_HZ, 3.0, peak=0.9)


@pytest.mark.parametrize("strategy", ["none", "text"])
def test_a_strategy_without_sound_has_a_soft_one_where_it_would_be_silent(strategy: str) -> None:
    sound = arrange(strategy, None, None)
    assert (sound.lead, sound.loop, sound.delay) == (b"", comfort_loop(), COMFORT_DELAY)
    assert COMFORT_DELAY < 1.5


def test_a_recording_is_heard_once_at_a_voices_level_and_silence_does_not_follow_it() -> None:
    sound = arrange("audio", VOICE, None)
    assert level(heard(sound.lead)) == pytest.approx(-20, abs=0.3)
    assert sound.loop == comfort_loop()
    assert sound.delay == SOUND_DELAY


@pytest.mark.parametrize("strategy", ["music", "text_then_music"])
def test_music_is_looped_softer_than_a_voice(strategy: str) -> None:
    sound = arrange(strategy, None, MUSIC)
    assert sound.lead == b""
    assert len(sound.loop) == len(MUSIC)
    assert level(heard(sound.loop)) == pytest.approx(-24, abs=0.3)


def test_music_follows_a_recording() -> None:
    sound = arrange("audio_then_music", VOICE, MUSIC)
    assert pitch(heard(sound.lead)) == VOICE_HZ
    assert pitch(heard(sound.loop)) == MUSIC_HZ


def pitch(samples: Samples) -> float:
    """Return the strongest pitch, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.fft.rfftfreq(len(samples), 1 / RATE)[spectrum.argmax()])


def test_music_under_a_voice_is_14_db_softer_and_rises_when_the_voice_is_over() -> None:
    sound = arrange("voice_over_music", VOICE, MUSIC)
    lead, loop = heard(sound.lead), heard(sound.loop)
    alone = strength(loop, MUSIC_HZ)
    under = strength(lead[: 2 * RATE], MUSIC_HZ)
    assert 20 * np.log10(alone / under) == pytest.approx(14, abs=0.5)
    assert level(lead[: 2 * RATE]) == pytest.approx(-20, abs=0.5)
    assert strength(lead[2 * RATE :], VOICE_HZ) < 0.005
    assert strength(lead[-RATE // 20 :], MUSIC_HZ) == pytest.approx(alone, rel=0.1)


@pytest.mark.parametrize("seconds", [1.0, 4.0, 7.3])
def test_the_music_behind_a_voice_goes_on_without_a_jump(seconds: float) -> None:
    voice = tone(VOICE_HZ, seconds)
    sound = arrange("voice_over_music", voice, MUSIC)
    seam = np.concatenate((heard(sound.lead)[-400:], heard(sound.loop)[sound.loop_from :][:400]))
    jumps = np.abs(np.diff(seam))
    assert jumps[395:405].max() <= jumps[:390].max() * 1.1


def test_loud_recordings_do_not_distort_together() -> None:
    loud = np.sign(tone(VOICE_HZ, 2.0))
    assert np.abs(heard(arrange("voice_over_music", loud, np.sign(MUSIC)).lead)).max() < 0.95
