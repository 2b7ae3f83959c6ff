"""How a machine without a speech recogniser hears: by energy, and by knowing every clip.

A clip is recognised by the exact bytes of its loudest own part. So being understood proves that the
audio came through untouched: one transcoding on the way, and nobody understands a word. Only where
the audio had to be converted is a line guessed by the rise and fall of its loudness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from sandbox.speech.library import Clip, clips
from sandbox.speech.ulaw import BYTES_PER_MS, FRAME_BYTES, loudness

# Clips peak at -3 dBFS; their quietest vowels lie near 1500, the pauses between words below 200.
SPEECH_LOUDNESS = 500

_PRINT_BYTES = 200 * BYTES_PER_MS

# Cosine of two contours: a line and itself, filtered and half a frame off, reach 0.98; two lines 0.87.
_RESEMBLANCE = 0.93
_MAX_GUESSED_BYTES = 10_000 * BYTES_PER_MS


def is_speech(frame: bytes) -> bool:
    """Tell whether a frame of µ-law (20 ms, any length works) is loud enough to be speech.

    This looks at one frame alone; whoever listens for words bridges the short pauses in them.
    """
    return bool(frame) and loudness(frame) >= SPEECH_LOUDNESS


def find_spoken(ulaw: bytes) -> tuple[Clip, ...]:
    """Return the clips that stand in this audio, in their order; each must be there byte for byte."""
    found = [(ulaw.find(p.audio), p.clip) for p in _voice_prints()]
    heard = sorted((at, clip.name, clip) for at, clip in found if at >= 0)
    return tuple(clip for _, _, clip in heard)


def find_similar(ulaw: bytes) -> Clip | None:
    """Return the caller's line that this audio resembles most, or None when it resembles none.

    For audio that was converted on its way and holds one line. Only its first 10 s are looked at.
    """
    heard = _contour(ulaw[:_MAX_GUESSED_BYTES])
    scores = [
        (_best_match(_contour(known.ulaw), heard), known) for known in clips() if known.speaker == "caller"
    ]
    score, best = max(scores, key=lambda scored: scored[0])
    return best if score >= _RESEMBLANCE else None


def _contour(ulaw: bytes) -> list[int]:
    return [loudness(ulaw[at : at + FRAME_BYTES]) for at in range(0, len(ulaw), FRAME_BYTES)]


def _best_match(clip: list[int], heard: list[int]) -> float:
    offsets = range(max(1, len(heard) - len(clip) + 1))
    return max(_cosine(clip, heard[at : at + len(clip)]) for at in offsets)


def _cosine(a: list[int], b: list[int]) -> float:
    norms = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=False)) / norms if norms else 0.0


@dataclass(frozen=True, slots=True)
class _VoicePrint:
    clip: Clip
    audio: bytes


@cache
def _voice_prints() -> tuple[_VoicePrint, ...]:
    return tuple(_VoicePrint(clip, _print_of(clip)) for clip in clips())


def _print_of(clip: Clip) -> bytes:
    """Return the loudest part that no other clip has: lines may begin with the same words."""
    others = [other.ulaw for other in clips() if other is not clip]
    starts = range(0, len(clip.ulaw) - _PRINT_BYTES + 1, FRAME_BYTES)
    parts = sorted((clip.ulaw[at : at + _PRINT_BYTES] for at in starts), key=loudness, reverse=True)
    return next(part for part in parts if not any(part in other for other in others))
