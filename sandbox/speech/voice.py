"""A voice for any words: the clip that has them, else a hum about as long as saying them takes."""

from __future__ import annotations

import math

from sandbox.speech.library import clips
from sandbox.speech.ulaw import BYTES_PER_MS, from_pcm

RATE = 8000
MS_PER_CHARACTER = 60  # an unhurried voice
HUM_HZ = 220


def spoken_words(text: str, ms_per_character: float = MS_PER_CHARACTER) -> bytes:
    """Return the sound of words: the clip that has them, else a hum about as long as saying them."""
    wanted = _plain(text)
    for clip in clips():
        if _plain(clip.text) == wanted:
            return clip.ulaw
    return hum(round(len(text) * ms_per_character))


def hum(ms: int) -> bytes:
    """Return a tone that stands for a voice the sandbox does not have."""
    samples = ms * BYTES_PER_MS
    period = RATE // HUM_HZ
    wave_pcm = b"".join(
        int(9000 * math.sin(2 * math.pi * i / period)).to_bytes(2, "little", signed=True)
        for i in range(period)
    )
    one = from_pcm(wave_pcm)
    return (one * (samples // period + 1))[:samples]


def _plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
