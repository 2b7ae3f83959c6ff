"""What each hold strategy sounds like: a recording and music, arranged once into one `HoldSound`.

Levelled, mixed and encoded here, so that a call only takes slices of it.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from runtime.audio.comfort import comfort_sound
from runtime.audio.loudness import gain, levelled
from runtime.audio.telephone_band import RATE, Samples
from runtime.audio.ulaw import from_linear
from runtime.call.playback.hold_sound import HoldSound

VOICE_LEVEL: Final = -20.0  # dBFS RMS: as loud as the agent
MUSIC_LEVEL: Final = -24.0
DUCKED: Final = -14.0  # dB: music under a voice
RESTORED_IN: Final = 0.5  # s until music is itself again when the voice is over

# An agent that is there within this time (s) is not preceded by a snippet of music, nor by a comfort sound.
SOUND_DELAY: Final = 0.5
COMFORT_DELAY: Final = 1.0


def arrange(strategy: str, voice: Samples | None, music: Samples | None) -> HoldSound:
    """Return what is heard on the stream; `voice` is the hold's recording, `music` its music, at 8 kHz.

    Where the strategy has no music, or no sound at all, a comfort sound stands in for it: nobody is left in
    silence.
    """
    if strategy == "voice_over_music" and voice is not None and music is not None:
        return _over(levelled(voice, VOICE_LEVEL), levelled(music, MUSIC_LEVEL))
    lead = b"" if voice is None else ulaw(levelled(voice, VOICE_LEVEL))
    if music is not None:
        return HoldSound(ulaw(levelled(music, MUSIC_LEVEL)), lead, delay=SOUND_DELAY)
    return HoldSound(comfort_loop(), lead, delay=SOUND_DELAY if lead else COMFORT_DELAY)


@cache
def comfort_loop() -> bytes:
    """Return the comfort sound as µ-law."""
    return ulaw(comfort_sound())


def _over(voice: Samples, music: Samples) -> HoldSound:
    """Return a voice with the music behind it, which goes on where it was when the voice is over."""
    rise = round(RESTORED_IN * RATE)
    size = len(voice) + rise
    behind = np.resize(music, size)
    behind[: len(voice)] *= gain(DUCKED)
    behind[len(voice) :] *= np.linspace(gain(DUCKED), 1, rise, dtype=np.float32)
    behind[: len(voice)] += voice
    return HoldSound(ulaw(music), ulaw(behind), loop_from=size % len(music), delay=SOUND_DELAY)


def ulaw(samples: Samples) -> bytes:
    """Return samples as µ-law; what is beyond full scale is clipped."""
    return from_linear((np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes())
