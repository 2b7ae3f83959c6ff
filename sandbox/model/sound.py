"""The audio formats of a session, to and from µ-law, and speech cut into the pieces it is sent in."""

from __future__ import annotations

import random
import warnings
from dataclasses import dataclass

from sandbox.model.config import AudioFormat, Pcm, Pcma, Pcmu
from sandbox.speech.ulaw import BYTES_PER_MS, from_pcm, to_pcm

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

# OpenAI does not say how large audio deltas are: these are as irregular as a client must bear.
_CHUNK_MS = (20.0, 400.0)
_LAST_BYTES = (1, 159)

# Words are sent about this much before their sound.
_WORDS_AHEAD_MS = 400


def bytes_per_ms(sound: AudioFormat) -> int:
    """Return how many bytes a millisecond has."""
    return 48 if isinstance(sound, Pcm) else BYTES_PER_MS


def to_ulaw(audio: bytes, sent_as: AudioFormat) -> tuple[bytes, bytes]:
    """Decode what a client sent; return the µ-law, and the rest that is no whole sample yet.

    Every third sample of 24 kHz is good enough to tell speech from silence.
    """
    match sent_as:
        case Pcmu():
            return audio, b""
        case Pcma():
            return from_pcm(audioop.alaw2lin(audio, 2)), b""
        case Pcm():
            end = len(audio) // 6 * 6
            third = b"".join(audio[at : at + 2] for at in range(0, end, 6))
            return from_pcm(third), audio[end:]


def from_ulaw(ulaw: bytes, wanted: AudioFormat) -> bytes:
    """Encode speech in the session's output format."""
    match wanted:
        case Pcmu():
            return ulaw
        case Pcma():
            return audioop.lin2alaw(to_pcm(ulaw), 2)
        case Pcm():
            wide, _ = audioop.ratecv(to_pcm(ulaw), 2, 1, 8000, 24000, None)
            return wide


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words or some sound, and when it is sent, in ms after the speech begins to be made."""

    at_ms: float
    words: str = ""
    audio: bytes = b""


def pieces(text: str, audio: bytes, *, per_ms: int, speed: float, rng: random.Random) -> list[Piece]:
    """Cut speech into odd-sized audio deltas and one delta per word, the words ahead of their sound."""
    length_ms = len(audio) / per_ms
    words = spaced_words(text)
    spoken = [
        Piece(max(0.0, number / len(words) * length_ms - _WORDS_AHEAD_MS) / speed, words=word)
        for number, word in enumerate(words)
    ]
    sounds = [
        Piece(start / per_ms / speed, audio=audio[start:end]) for start, end in _cuts(len(audio), per_ms, rng)
    ]
    return sorted(spoken + sounds, key=lambda piece: (piece.at_ms, bool(piece.audio)))


def spaced_words(text: str) -> list[str]:
    """Split into words that, joined without anything between, give the text again."""
    words = text.split(" ")
    return [word if number == 0 else f" {word}" for number, word in enumerate(words) if word or number]


def _cuts(length: int, per_ms: int, rng: random.Random) -> list[tuple[int, int]]:
    last = min(length, rng.randint(*_LAST_BYTES))
    cuts: list[tuple[int, int]] = []
    start = 0
    while start < length - last:
        end = min(length - last, start + round(rng.uniform(*_CHUNK_MS) * per_ms))
        cuts.append((start, end))
        start = end
    return [*cuts, (start, length)] if length > start else cuts
