"""The sound of keys: both frequencies, nothing else that is as loud, and exact lengths."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from runtime.call.tools.tones import FREQUENCIES, tones

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop


@pytest.mark.parametrize("key", sorted(FREQUENCIES))
def test_a_key_is_its_two_frequencies_for_100_ms_and_100_ms_of_silence(key: str) -> None:
    sound = tones(key)
    assert len(sound) == 1600
    assert set(sound[800:]) == {0xFF}
    samples = np.frombuffer(audioop.ulaw2lin(sound[:800], 2), dtype=np.int16)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(800), 8000))
    for frequency in FREQUENCIES[key]:
        near = spectrum[frequency - 15 : frequency + 16]
        assert near.max() > 20 * np.median(spectrum)
        assert abs(int(near.argmax()) - 15) <= 8  # Hz; Q.24 allows 1.5 %


def test_a_w_is_half_a_second_and_a_space_nothing() -> None:
    assert tones("1 w2") == tones("1") + b"\xff" * 4000 + tones("2")
