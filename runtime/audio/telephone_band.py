"""From any sample rate to the telephone's: 8 kHz, with nothing above 3.9 kHz left to fold back into it.

A block of whole seconds has a whole number of samples at both rates, whatever they are. So its spectrum is
cut off and transformed back with fewer bins, and each block's edges, where the transform would wrap around,
are thrown away. No filter to design per rate, and memory for one block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from runtime.audio.ulaw import BYTES_PER_SECOND

Samples: TypeAlias = NDArray[np.float32]
"""Mono samples, full scale at ±1."""

RATE: Final = BYTES_PER_SECOND
PASSED: Final = 3400.0  # Hz: unchanged up to here
STOPPED: Final = 3900.0  # Hz: nothing from here on
EDGE: Final = 1  # s on each side of a block that are thrown away
BLOCK: Final = 6  # s of a block that are kept


def to_telephone_band(pieces: Iterable[Samples], rate: int) -> Iterator[Samples]:
    """Yield what the pieces, one after the other at `rate` Hz, sound like at 8 kHz; as long as they are."""
    edge, kept = EDGE * rate, BLOCK * rate
    waiting = np.zeros(edge, np.float32)
    received = given = 0
    for piece in pieces:
        received += len(piece)
        waiting = np.concatenate((waiting, piece))
        while len(waiting) >= kept + 2 * edge:
            yield _converted(waiting[: kept + 2 * edge])
            given += BLOCK * RATE
            waiting = waiting[kept:]
    rest = round(received * RATE / rate) - given
    while rest > 0:
        block = np.zeros(kept + 2 * edge, np.float32)
        block[: min(len(waiting), len(block))] = waiting[: len(block)]
        yield _converted(block)[:rest]
        rest -= BLOCK * RATE
        waiting = waiting[kept:]


def _converted(block: Samples) -> Samples:
    """Return the inner part of a block at 8 kHz."""
    size = (BLOCK + 2 * EDGE) * RATE
    spectrum = np.fft.rfft(block)
    hertz = np.arange(len(spectrum), dtype=np.float32) / (BLOCK + 2 * EDGE)
    slope = np.clip((STOPPED - hertz) / (STOPPED - PASSED), 0, 1)
    spectrum *= 0.5 - 0.5 * np.cos(np.pi * slope)
    bins = size // 2 + 1
    kept = np.zeros(bins, spectrum.dtype)
    kept[: min(bins, len(spectrum))] = spectrum[:bins]
    samples = np.fft.irfft(kept, size) * (size / len(block))
    return samples[EDGE * RATE : -EDGE * RATE].astype(np.float32)
