"""What the caller hears of `<Play>`: µ-law at 8 kHz. No I/O."""

from __future__ import annotations

import io
import warnings
import wave

from sandbox.speech.ulaw import from_pcm, from_wav
from sandbox.speech.voice import MS_PER_CHARACTER, RATE, hum, spoken_words

with warnings.catch_warnings():
    # Deprecated in 3.11 and 3.12; later versions get the same module from audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

__all__ = ["MS_PER_CHARACTER", "hum", "media_audio", "spoken_words"]

COMPRESSED_BYTES_PER_MS = 16  # 128 kbit/s, where the length of the audio is not known


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
