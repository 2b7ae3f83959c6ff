"""The hold sound as a file, for callers who wait where the carrier has to play it: in a conference."""

from __future__ import annotations

import hashlib
import struct
from typing import Final

from runtime.call.playback.hold_sound import HoldSound
from runtime.hold_media import HoldMedia, Recording

NAME: Final = "hold.wav"
_RATE: Final = 8000
_ULAW_FORMAT: Final = 7


def as_file(sound: HoldSound) -> Recording:
    """Return the sound that is looped as a µ-law WAV file, the same on every node."""
    return _file(sound.loop)


def serve(sound: HoldSound, media: HoldMedia, public_url: str) -> tuple[str, str | None]:
    """Serve a sound as files: the address of what is looped, and of what is heard once before it, if any."""
    loop, lead = as_file(sound), _file(sound.lead) if sound.lead else None
    media.add(loop)
    if lead is None:
        return f"{public_url}{loop.path}", None
    media.add(lead)
    return f"{public_url}{loop.path}", f"{public_url}{lead.path}"


def seconds(sound: HoldSound) -> float:
    """Return how long the file plays."""
    return len(sound.loop) / _RATE


def _file(ulaw: bytes) -> Recording:
    content = _wav(ulaw)
    return Recording(NAME, hashlib.sha256(content).hexdigest(), "audio/wav", content)


def _wav(ulaw: bytes) -> bytes:
    """Return µ-law as a mono WAV file: a format chunk of 18 bytes, a fact chunk, the data, padded to even."""
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, _ULAW_FORMAT, 1, _RATE, _RATE, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(ulaw))
    data = struct.pack("<4sI", b"data", len(ulaw)) + ulaw + b"\xff" * (len(ulaw) % 2)
    body = b"WAVE" + form + fact + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body
