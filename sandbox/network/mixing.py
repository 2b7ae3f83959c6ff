"""A room in which several lines hear each other. No I/O.

Lines tick on their own, so what one says waits for the others' next ticks, 20 ms at a time. A single
voice passes byte for byte; voices at the same time are added.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable

from sandbox.network.caller import TICK_MS
from sandbox.network.line import Line, LineTick
from sandbox.speech.ulaw import from_pcm, to_pcm

with warnings.catch_warnings():
    # Deprecated in 3.11 and 3.12; later versions get the same module from audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

MAX_WAITING = 50  # frames of one voice: a second


class Seat:
    """One line's place in a room: an attachment of that line.

    `speaks` and `hears` may be switched at any time; `pressed` takes the keys pressed on the line.
    """

    def __init__(self, line: Line, pressed: Callable[[str], None] | None = None) -> None:
        self.speaks = True
        self.hears = True
        self._line = line
        self._pressed = pressed
        self._others: list[Seat] = []
        self._waiting: dict[Seat, deque[bytes]] = {}

    def ticked(self, tick: LineTick, _end_ms: float) -> None:
        """Let the others hear what this line says."""
        frame = tick.caller.frame
        if frame is not None and self.speaks:
            for other in self._others:
                other.take(self, frame)
        if tick.caller.digit is not None and self._pressed is not None:
            self._pressed(tick.caller.digit)

    def take(self, speaker: Seat, frame: bytes) -> None:
        """Take 20 ms of another's voice."""
        if self.hears:
            self._waiting.setdefault(speaker, deque(maxlen=MAX_WAITING)).append(frame)

    def settle(self, end_ms: float) -> None:
        """Let the line hear the next 20 ms of everybody who speaks.

        By the ticks' time and not the clock's: lines that are late catch up side by side, without a gap.
        """
        voices = [waiting.popleft() for waiting in self._waiting.values() if waiting]
        if voices:
            self._line.playout.media(mixed(voices), end_ms - TICK_MS)
        self._line.settle(end_ms)

    def sit_with(self, others: Iterable[Seat]) -> None:
        """Hear these and be heard by them from now on, and no one else."""
        self._others = [other for other in others if other is not self]
        self._waiting = {
            speaker: waiting for speaker, waiting in self._waiting.items() if speaker in self._others
        }


class Room:
    """Seats whose lines hear each other."""

    def __init__(self) -> None:
        self._seats: list[Seat] = []

    def enter(self, seat: Seat) -> None:
        """Let a line in."""
        self._seats.append(seat)
        self._seat_all()

    def leave(self, seat: Seat) -> None:
        """Let a line out; nothing happens when it is not there."""
        if seat in self._seats:
            self._seats.remove(seat)
            seat.sit_with(())
            self._seat_all()

    def _seat_all(self) -> None:
        for seat in self._seats:
            seat.sit_with(self._seats)


def mixed(voices: list[bytes]) -> bytes:
    """Return µ-law voices at the same time; one alone stays as it is."""
    if len(voices) == 1:
        return voices[0]
    length = max(len(voice) for voice in voices)
    total = bytes(2 * length)
    for voice in voices:
        total = audioop.add(total, to_pcm(voice).ljust(2 * length, b"\0"), 2)
    return from_pcm(total)
