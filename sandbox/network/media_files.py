"""What the caller hears of `<Say>` and `<Play>`: µ-law at 8 kHz. No I/O."""

from __future__ import annotations

import io
import math
import warnings
import wave

from sandbox.network.playout import BYTES_PER_MS
from sandbox.speech import clips
from sandbox.speech.ulaw import from_pcm, from_wav

with warnings.catch_warnings():
    # Deprecated in 3.11 and 3.12; later versions get the same module from audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

RATE = 8000
MS_PER_CHARACTER = 60  # an unhurried voice
COMPRESSED_BYTES_PER_MS = 16  # 128 kbit/s, where the length of the audio is not known
HUM_HZ = 220


def spoken_words(text: str, ms_per_character: float = MS_PER_CHARACTER) -> bytes:
    """Return the sound of words: the clip that has them, else a hum about as long as saying them."""
    wanted = _plain(text)
    for clip in clips():
        if _plain(clip.text) == wanted:
            return clip.ulaw
    return hum(round(len(text) * ms_per_character))


def media_audio(body: bytes) -> bytes:
    """Return a media file as it sounds on the phone.

    WAV (µ-law or 16-bit PCM, any rate) is heard as it is. Other formats are not decoded: a hum as
    long as the file at 128 kbit/s stands for them.
    """
    try:
        return from_wav(body)
    except ValueError:
        pass  # not a µ-law WAV at 8 kHz
    try:
        with wave.open(io.BytesIO(body)) as file:
            pcm, width, channels, rate = (
                file.readframes(-1),
                file.getsampwidth(),
                file.getnchannels(),
                file.getframerate(),
            )
    except (wave.Error, EOFError):
        return hum(len(body) // COMPRESSED_BYTES_PER_MS)
    if channels == 2:
        pcm = audioop.tomono(pcm, width, 0.5, 0.5)
    pcm = audioop.lin2lin(pcm, width, 2)
    if rate != RATE:
        pcm, _ = audioop.ratecv(pcm, 2, 1, rate, RATE, None)
    return from_pcm(pcm)


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
