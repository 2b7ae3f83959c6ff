"""µ-law (G.711, one byte a sample, 8,000 a second) and what is done to it sample by sample."""

from __future__ import annotations

import warnings
from array import array
from typing import Final

with warnings.catch_warnings():
    # Deprecated in 3.11 and 3.12; later versions get the same module from audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

BYTES_PER_SECOND: Final = 8000
BYTES_PER_MS: Final = 8


def to_linear(ulaw: bytes | bytearray) -> bytes:
    """Return signed 16-bit samples in the machine's byte order, two bytes for each one of `ulaw`."""
    return audioop.ulaw2lin(ulaw, 2)


def from_linear(samples: bytes) -> bytes:
    """Return signed 16-bit samples in the machine's byte order as µ-law."""
    return audioop.lin2ulaw(samples, 2)


def mixed(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    """Return two pieces of µ-law of the same length as they sound at once."""
    return from_linear(audioop.add(to_linear(one), to_linear(other), 2))


def fading_in(ulaw: bytes) -> bytes:
    """Return a piece that rises evenly from silence."""
    samples = array("h", to_linear(ulaw))
    size = len(samples)
    return from_linear(array("h", (value * at // size for at, value in enumerate(samples))).tobytes())


def fading_out(ulaw: bytes) -> bytes:
    """Return a piece that falls evenly to silence."""
    return fading_in(ulaw[::-1])[::-1]
