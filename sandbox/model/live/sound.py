"""The formats of GPT-Live, to and from the µ-law that the sandbox hears and speaks in. No I/O."""

from __future__ import annotations

import warnings

from sandbox.model.live.config import LiveFormat, Pcm, Pcma, Pcmu
from sandbox.speech.ulaw import from_pcm, to_pcm

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

RATE = 8000


def to_ulaw(audio: bytes, sent_as: LiveFormat) -> tuple[bytes, bytes]:
    """Decode what a client sent; return the µ-law, and the rest that is no whole sample yet.

    Every second or third sample is good enough to tell speech from silence.
    """
    match sent_as:
        case Pcmu():
            return audio, b""
        case Pcma():
            return from_pcm(audioop.alaw2lin(audio, 2)), b""
        case Pcm(rate=rate):
            step = 2 * rate // RATE
            end = len(audio) // step * step
            return from_pcm(b"".join(audio[at : at + 2] for at in range(0, end, step))), audio[end:]


def from_ulaw(ulaw: bytes, wanted: LiveFormat) -> bytes:
    """Encode speech in the session's format."""
    match wanted:
        case Pcmu():
            return ulaw
        case Pcma():
            return audioop.lin2alaw(to_pcm(ulaw), 2)
        case Pcm(rate=rate):
            wide, _ = audioop.ratecv(to_pcm(ulaw), 2, 1, RATE, rate, None)
            return wide
