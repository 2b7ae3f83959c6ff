"""A comfort sound for agents without music: three soft notes that swell and ebb, never quite silent.

It tells a caller that the line is alive and asks for no attention: 20 dB below speech, no attack, no beep.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from runtime.audio.loudness import gain
from runtime.audio.telephone_band import RATE, Samples

LEVEL: Final = -40.0  # dBFS RMS
SECONDS: Final = 6
_HERTZ: Final = (294.0, 370.0, 440.0)  # D major; whole periods in the loop, so that it has no seam
_SWELLS: Final = (2, 3, 1)  # of each note in the loop: they take turns
_LEAST: Final = 0.35  # of a note's own strength, between its swells


def comfort_sound() -> Samples:
    """Return the sound as samples that can be looped without a seam."""
    turn = 2 * np.pi * np.arange(SECONDS * RATE) / (SECONDS * RATE)
    notes = [
        np.sin(turn * hertz * SECONDS) * (_LEAST + (1 - _LEAST) * (0.5 - 0.5 * np.cos(turn * swells)))
        for hertz, swells in zip(_HERTZ, _SWELLS, strict=True)
    ]
    sound = np.sum(notes, axis=0)
    comfort: Samples = (sound * (gain(LEVEL) / np.sqrt(np.mean(np.square(sound))))).astype(np.float32)
    return comfort
