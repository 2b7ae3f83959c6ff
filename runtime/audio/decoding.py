"""Recordings as samples: MP3 and WAV of any rate, mixed down to mono, at the telephone's 8 kHz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import miniaudio
import numpy as np

from runtime.audio.telephone_band import Samples, to_telephone_band
from schemas.media import LONGEST_PLAYED

# What is decoded of a file, in seconds: in memory 4.8 MB of µ-law.
LONGEST: Final = LONGEST_PLAYED
LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000  # Hz
_PIECE: Final = 16_384  # samples decoded at once


class UndecodableError(Exception):
    """A recording that cannot be decoded; the text says why, without the file's name."""


def decode(content: bytes) -> Samples:
    """Return a recording's first ten minutes as mono samples at 8 kHz.

    WAV may be PCM of 8 to 32 bits, floats or µ-law. Raises `UndecodableError`. Takes about 10 ms for each
    minute, so it has no place in an event loop.
    """
    rate = _sample_rate(content)
    pieces = list(to_telephone_band(_pieces(content, rate), rate))
    if not pieces:
        raise UndecodableError("has no samples")
    return np.concatenate(pieces)


def _sample_rate(content: bytes) -> int:
    try:
        read = miniaudio.wav_get_info if content[:4] == b"RIFF" else miniaudio.mp3_get_info
        rate = int(read(content).sample_rate)
    except miniaudio.MiniaudioError:
        raise UndecodableError("is neither MP3 nor WAV, or damaged") from None
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise UndecodableError(f"has {rate} samples a second; {LOWEST_RATE} to {HIGHEST_RATE} can be played")
    return rate


def _pieces(content: bytes, rate: int) -> Iterator[Samples]:
    """Yield the samples at the recording's own rate, ten minutes of them at most."""
    left = LONGEST * rate
    try:
        stream = miniaudio.stream_memory(
            content, miniaudio.SampleFormat.FLOAT32, nchannels=1, sample_rate=rate, frames_to_read=_PIECE
        )
        for piece in stream:
            samples = np.array(piece[:left], np.float32)
            # A float WAV may hold what is no number.
            yield np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
            left -= len(samples)
            if left <= 0:
                return
    except miniaudio.MiniaudioError:
        raise UndecodableError("is damaged") from None
