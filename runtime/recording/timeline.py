"""Where in the recording each piece belongs. Positions are samples since the recording began, 8,000 a second.

The caller's pieces come evenly, but not exactly: they follow each other, and only a real gap becomes silence.
The agent's are sent ahead of the caller's ear: they are heard one after the other, and what a barge-in threw
away was never heard. So the last second is held back until it cannot change any more.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from typing import Final

import numpy as np

from runtime.audio.ulaw import BYTES_PER_SECOND, to_linear
from runtime.call.playback.playhead import START_DELAY
from runtime.recording.tape import Piece, Side

RATE: Final = BYTES_PER_SECOND
HELD_BACK: Final = 1.0  # s; the agent's audio is at most 0.2 s ahead of the ear
REAL_GAP: Final = RATE // 5  # samples that the caller may be late without there being a gap
MOST_AHEAD: Final = 5 * RATE  # samples beyond now, after which a side has sent more than can be true
_SILENCE: Final = b"\xff"


class _Track:
    """One side: µ-law from position `start`."""

    __slots__ = ("data", "start")

    def __init__(self) -> None:
        self.start = 0
        self.data = bytearray()

    @property
    def end(self) -> int:
        return self.start + len(self.data)

    def append(self, ulaw: bytes, at: int, *, most: int) -> None:
        """Add audio at `at`, or behind what there is; what would end beyond `most` is dropped."""
        if self.end + len(ulaw) <= most:
            self.data += _SILENCE * (at - self.end) + ulaw

    def cut(self, at: int) -> None:
        """Drop what lies behind a position."""
        del self.data[max(0, at - self.start) :]

    def take(self, size: int) -> bytes:
        """Remove and return the first samples, silence where there is nothing."""
        taken = bytes(self.data[:size]).ljust(size, _SILENCE)
        del self.data[:size]
        self.start += size
        return taken


class StereoTimeline:
    """Lays out the pieces of a call that began at the moment `began` (s)."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._caller = _Track()
        self._agent = _Track()

    def add(self, pieces: Iterable[Piece]) -> None:
        """Take pieces in the order in which they were noted; a payload that is no base64 is left out."""
        for side, at, payload in pieces:
            now = self._position(at)
            if side is Side.CUT:
                self._agent.cut(now + round(START_DELAY * RATE))
                continue
            try:
                ulaw = binascii.a2b_base64(payload)
            except binascii.Error:
                continue
            if side is Side.CALLER:
                began = now - len(ulaw)
                late = began - self._caller.end
                place = began if late > REAL_GAP else self._caller.end
                self._caller.append(ulaw, place, most=now + MOST_AHEAD)
            else:
                place = max(self._agent.end, now + round(START_DELAY * RATE))
                self._agent.append(ulaw, place, most=now + MOST_AHEAD)

    def take(self, now: float, *, last: bool = False) -> bytes:
        """Return what cannot change any more as interleaved 16-bit samples; with `last` all up to now."""
        end = self._position(now) - (0 if last else round(HELD_BACK * RATE))
        size = max(0, end - self._caller.start)
        sides = [
            np.frombuffer(to_linear(track.take(size)), np.int16) for track in (self._caller, self._agent)
        ]
        return np.stack(sides, axis=1).astype("<i2").tobytes()

    def _position(self, moment: float) -> int:
        return max(0, round((moment - self._began) * RATE))
