"""Keys of a telephone as sound (DTMF, ITU-T Q.23): two sine waves at once, 8 kHz µ-law.

For menus of other telephone systems that the agent has to get through: Media Streams carry keys from the
caller only, so ours are sent in the audio.
"""

from __future__ import annotations

import functools
import math
import warnings
from typing import Final

from runtime.call.playback.playhead import BYTES_PER_MS, BYTES_PER_SECOND

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # gone from 3.13, where audioop-lts stands in
    import audioop

TONE_MS: Final = 100
GAP_MS: Final = 100
PAUSE_MS: Final = 500
AMPLITUDE: Final = 0.28  # of full scale, each wave: about -11 dBm0 each, loud enough and never clipped
SILENCE: Final = b"\xff"

_LOW: Final = (697, 770, 852, 941)
_HIGH: Final = (1209, 1336, 1477, 1633)
_PAD: Final = ("123A", "456B", "789C", "*0#D")
FREQUENCIES: Final = {
    key: (_LOW[row], _HIGH[column]) for row, keys in enumerate(_PAD) for column, key in enumerate(keys)
}


def tones(keys: str) -> bytes:
    """Return the sound of keys, each 100 ms and a gap of 100 ms; `w` is a pause of 0.5 s, spaces are nothing.

    Raises KeyError for anything else.
    """
    return b"".join(_sound(key) for key in keys.upper() if key != " ")


@functools.cache
def _sound(key: str) -> bytes:
    if key == "W":
        return SILENCE * PAUSE_MS * BYTES_PER_MS
    low, high = FREQUENCIES[key]
    samples = (
        int(32767 * AMPLITUDE * (_wave(low, index) + _wave(high, index)))
        for index in range(TONE_MS * BYTES_PER_MS)
    )
    linear = b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)
    return audioop.lin2ulaw(linear, 2) + SILENCE * GAP_MS * BYTES_PER_MS


def _wave(frequency: int, index: int) -> float:
    return math.sin(2 * math.pi * frequency * index / BYTES_PER_SECOND)
