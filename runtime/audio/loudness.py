"""Loudness: recordings come as loud and as soft as they were made, callers want them all alike."""

from __future__ import annotations

from typing import Final

import numpy as np

from runtime.audio.telephone_band import RATE, Samples

HIGHEST_PEAK: Final = 0.7  # of full scale, -3 dBFS: what clips at the codec hurts
MOST_GAIN: Final = 30.0  # dB: more would make noise of what was meant to be silence
_FRAME: Final = RATE // 50  # 20 ms
_PAUSE: Final = 40.0  # dB below the loudest frame; such frames say nothing of how loud the rest is
_MARGIN: Final = 5  # frames of silence that are left at either end


def gain(decibels: float) -> float:
    """Return the factor of so many dB."""
    return float(10 ** (decibels / 20))


def levelled(samples: Samples, dbfs: float) -> Samples:
    """Return samples at an RMS level of `dbfs`, pauses not counted, or less where a peak would be too high.

    Silence at either end is cut off. A recording that is silent throughout stays as it is.
    """
    power = _frame_power(samples)
    sounding = np.flatnonzero(power > max(power.max(initial=0.0) / gain(_PAUSE) ** 2, 1e-10))
    if not len(sounding):
        return samples
    rms = float(np.sqrt(power[sounding].mean()))
    first, last = max(0, sounding[0] - _MARGIN), sounding[-1] + 1 + _MARGIN
    kept = samples[first * _FRAME : last * _FRAME]
    peak = float(np.abs(kept).max())
    return kept * np.float32(min(gain(dbfs) / rms, HIGHEST_PEAK / peak, gain(MOST_GAIN)))


def _frame_power(samples: Samples) -> Samples:
    """Return the mean square of each 20 ms; what does not fill the last frame counts as silence."""
    frames = np.zeros(-(-len(samples) // _FRAME) * _FRAME, np.float32)
    frames[: len(samples)] = samples
    power: Samples = np.square(frames).reshape(-1, _FRAME).mean(axis=1)
    return power
