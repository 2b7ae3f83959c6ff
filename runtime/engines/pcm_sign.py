"""Whether a model that has agreed to µ-law sends 24 kHz PCM all the same: static in the caller's ear.

The two differ in every second byte. The high byte of a PCM sample (16 bits, little-endian) is 0x00 to 0x0F or
0xF0 to 0xFF unless the sound is very loud, half of the time each. In µ-law the bytes from 0x00 to 0x0F are
the loudest negative samples, as rare in speech as the loudest positive ones, which are 0x80 to 0x8F.
"""

from __future__ import annotations

from typing import Final

JUDGED: Final = 8000  # bytes of a session by which it is judged: a second of µ-law
ENOUGH: Final = 400  # bytes that allow a judgement: 50 ms of µ-law
_POSITIVE: Final = 4  # at least one high byte in so many is that of a small positive sample
_LOUD: Final = 8  # and less than one byte in so many is what would be as likely in µ-law

_IS_POSITIVE: Final = bytes(code < 0x10 for code in range(256))
_IS_LOUD: Final = bytes(0x80 <= code < 0x90 for code in range(256))


class PcmSign:
    """Listens to the beginning of a session. `over` when nothing needs to be looked at any more."""

    __slots__ = ("_heard", "_piece", "over")

    def __init__(self) -> None:
        self.over = False
        self._heard = 0
        self._piece = b""

    @property
    def odd(self) -> bool:
        """Whether half of a sample has been fed, were it PCM."""
        return len(self._piece) % 2 == 1

    def feed(self, audio: bytes) -> bool:
        """Take the next bytes of what was agreed to be µ-law, and return whether it is PCM."""
        self._piece += audio
        if len(self._piece) < ENOUGH:
            return False
        is_pcm = looks_like_pcm(self._piece)
        self._heard += len(self._piece)
        self._piece = self._piece[-1:] if len(self._piece) % 2 else b""
        self.over = is_pcm or self._heard >= JUDGED
        return is_pcm


def looks_like_pcm(audio: bytes) -> bool:
    """Tell whether bytes are 16-bit samples of speech or silence, little-endian, and not µ-law."""
    high = audio[1::2]
    positive = high.translate(_IS_POSITIVE).count(1)
    loud = audio.translate(_IS_LOUD).count(1)
    return positive * _POSITIVE >= len(high) > 0 and loud * _LOUD < len(audio)
