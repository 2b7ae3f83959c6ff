"""Recordings made of tones, and what is measured of sound."""

from __future__ import annotations

import struct

import numpy as np

from runtime.audio.telephone_band import RATE, Samples
from runtime.audio.ulaw import to_linear


def tone(hertz: float, seconds: float, *, rate: int = RATE, peak: float = 0.3) -> Samples:
    """Return a sine."""
    return (peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def wav(data: bytes, rate: int = RATE, *, tag: int = 1, bits: int = 16, channels: int = 1) -> bytes:
    """Return a WAV file; `tag` 1 is PCM, 3 is float, 7 is µ-law."""
    frame = channels * bits // 8
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, channels, rate, rate * frame, frame, bits)
    chunks = head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def pcm16(samples: Samples) -> bytes:
    """Return samples as 16-bit PCM."""
    return (samples * 32767).astype("<i2").tobytes()


def heard(ulaw: bytes) -> Samples:
    """Return µ-law as samples."""
    return np.frombuffer(to_linear(ulaw), np.int16).astype(np.float32) / np.float32(32768)


def level(samples: Samples) -> float:
    """Return the RMS level in dBFS; -120 for silence."""
    return float(20 * np.log10(max(np.sqrt(np.mean(np.square(samples))), 1e-6)))


def strength(samples: Samples, hertz: float) -> float:
    """Return how strong one pitch is, as the peak of its sine."""
    turn = 2j * np.pi * hertz * np.arange(len(samples)) / RATE
    return float(2 * abs(np.mean(samples * np.exp(turn))))
