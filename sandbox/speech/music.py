"""Hold music out of nothing but sines: four soft chords that can be looped without a seam."""

from __future__ import annotations

import math
import struct

RATE = 8000
LOOP_SECONDS = 8

_BEAT_SECONDS = 0.5
_DECAY_SECONDS = 1.2
_ATTACK_SECONDS = 0.02
_PEAK = 0.5  # of full scale: music stays behind speech

# MIDI note numbers: C major 7, A minor 7, F major 7, G 6; a bass note and a broken chord over it.
_CHORDS = (
    (48, 64, 67, 71, 67),
    (45, 60, 64, 67, 64),
    (41, 60, 64, 69, 64),
    (43, 59, 62, 64, 62),
)


def hold_music() -> bytes:
    """Return the loop as signed 16-bit little-endian samples, 8 kHz mono.

    Each note's tail runs on into the beginning, so the end joins the start.
    """
    samples = [0.0] * (LOOP_SECONDS * RATE)
    beats_per_chord = len(_CHORDS[0]) - 1
    for bar, (bass, *melody) in enumerate(_CHORDS):
        bar_beat = bar * beats_per_chord
        _strike(samples, bass, bar_beat)
        for beat, note in enumerate(melody):
            _strike(samples, note, bar_beat + beat)
    loudest = max(abs(sample) for sample in samples)
    scale = _PEAK * 32767 / loudest
    return struct.pack(f"<{len(samples)}h", *(round(sample * scale) for sample in samples))


def _strike(samples: list[float], note: int, beat: int) -> None:
    start = round(beat * _BEAT_SECONDS * RATE)
    pitch_hz = 440 * 2 ** ((note - 69) / 12)
    for offset in range(round(3 * _DECAY_SECONDS * RATE)):
        seconds = offset / RATE
        envelope = min(1.0, seconds / _ATTACK_SECONDS) * math.exp(-seconds / _DECAY_SECONDS)
        phase = 2 * math.pi * pitch_hz * seconds
        tone = math.sin(phase) + 0.3 * math.sin(2 * phase) + 0.1 * math.sin(3 * phase)
        samples[(start + offset) % len(samples)] += envelope * tone
