"""µ-law, the sound of telephones: 8000 bytes a second, one byte a sample, 0xFF is silence.

Also the WAV files that hold it. Python's own `wave` module knows PCM only.
"""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

with warnings.catch_warnings():
    # Deprecated in 3.11 and 3.12; later versions get the same module from audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

BYTES_PER_MS = 8
FRAME_BYTES = 160  # 20 ms, the frame of the telephone network
SILENCE = b"\xff"

_RATE = 8000
_FORMAT_ULAW = 7
_FMT_CHUNK = struct.Struct("<HHIIHHH")


def silence(ms: int) -> bytes:
    """Return `ms` milliseconds of µ-law silence."""
    return SILENCE * (ms * BYTES_PER_MS)


def to_pcm(ulaw: bytes) -> bytes:
    """Decode µ-law to signed 16-bit little-endian samples."""
    return audioop.ulaw2lin(ulaw, 2)


def from_pcm(pcm: bytes) -> bytes:
    """Encode signed 16-bit little-endian samples as µ-law."""
    return audioop.lin2ulaw(pcm, 2)


def loudness(ulaw: bytes) -> int:
    """Return the root mean square of the samples, 0 to 32767."""
    return audioop.rms(to_pcm(ulaw), 2)


def to_wav(ulaw: bytes, *, channels: int = 1) -> bytes:
    """Wrap µ-law (interleaved when there are two channels) in a WAV file of format tag 7."""
    fmt = _FMT_CHUNK.pack(_FORMAT_ULAW, channels, _RATE, _RATE * channels, channels, 8, 0)
    fact = struct.pack("<I", len(ulaw) // channels)
    body = b"WAVE" + _chunk(b"fmt ", fmt) + _chunk(b"fact", fact) + _chunk(b"data", ulaw)
    return _chunk(b"RIFF", body)


def from_wav(wav: bytes) -> bytes:
    """Return the samples of a mono 8 kHz µ-law WAV file; `ValueError` for any other file."""
    if wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        raise ValueError("not a WAV file")
    chunks = _chunks(wav[12:])
    tag, channels, rate = struct.unpack_from("<HHI", chunks.get(b"fmt ", bytes(8)))
    if (tag, channels, rate) != (_FORMAT_ULAW, 1, _RATE):
        raise ValueError(f"not 8 kHz mono µ-law: format tag {tag}, {channels} channels, {rate} Hz")
    return chunks.get(b"data", b"")


def read_wav(path: Path) -> bytes:
    """Return the samples of a mono 8 kHz µ-law WAV file on disk."""
    return from_wav(path.read_bytes())


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _chunks(body: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = 0
    while at + 8 <= len(body):
        (size,) = struct.unpack_from("<I", body, at + 4)
        found[body[at : at + 4]] = body[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found
