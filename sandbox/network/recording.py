"""A call as it sounded: each direction's bytes where they were played, and the stereo WAV of both."""

from __future__ import annotations

from sandbox.speech.ulaw import SILENCE, to_wav


class Track:
    """One direction: µ-law bytes at their positions, silence everywhere else."""

    def __init__(self) -> None:
        self._audio = bytearray()
        self._spans: list[tuple[int, int]] = []

    @property
    def samples(self) -> int:
        """The length up to the last audio."""
        return len(self._audio)

    def place(self, at: int, ulaw: bytes) -> None:
        """Put audio at sample `at`, which is not before the end of what was placed earlier."""
        assert at >= len(self._audio), "a track is written in the order of time"
        if not ulaw:
            return
        self._audio.extend(SILENCE * (at - len(self._audio)))
        self._audio.extend(ulaw)
        if self._spans and self._spans[-1][1] == at:
            self._spans[-1] = (self._spans[-1][0], at + len(ulaw))
        else:
            self._spans.append((at, at + len(ulaw)))

    def between(self, start: int, end: int) -> bytes:
        """Return what is heard from sample `start` to `end`, silence included."""
        return bytes(self._audio[start:end]).ljust(end - start, SILENCE)

    def placed(self) -> bytes:
        """Return the placed audio alone, without the silence between."""
        return b"".join(bytes(self._audio[start:end]) for start, end in self._spans)

    def spans(self) -> tuple[tuple[int, int], ...]:
        """Return where audio was placed, as (first sample, sample after the last)."""
        return tuple(self._spans)


def stereo_wav(left: Track, right: Track) -> bytes:
    """Return a µ-law WAV (format tag 7, 8 kHz) of two tracks; the samples are the tracks' own bytes."""
    samples = max(left.samples, right.samples)
    audio = bytearray(2 * samples)
    audio[0::2] = left.between(0, samples)
    audio[1::2] = right.between(0, samples)
    return to_wav(bytes(audio), channels=2)
