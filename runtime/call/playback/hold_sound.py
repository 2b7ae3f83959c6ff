"""What the caller hears while the agent is not there: at the start, and when it is lost for a while.

A `HoldSound` is arranged once, when the declarations are loaded: a recording that is heard once, and a loop
that follows it. So playing costs a slice, whatever is mixed in it. `HoldPlayer` knows how far one call has
got and how the sound gives way: to the agent's first words, under which its last 60 ms fall to silence, or
to nothing, with the same fall. Everything is µ-law, 8,000 bytes a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from runtime.audio.ulaw import BYTES_PER_MS, BYTES_PER_SECOND, fading_in, fading_out, mixed

# The agent's first words wait for what is ahead of the caller's ear; two frames of the rest are a message.
LEAD: Final = 0.1  # s
MESSAGE: Final = 40 * BYTES_PER_MS
FADE: Final = 60 * BYTES_PER_MS


@dataclass(frozen=True, slots=True)
class HoldSound:
    """`lead` is heard once, then `loop`, first from its byte `loop_from`, for as long as the wait lasts.

    Nothing is heard for the first `delay` seconds of a wait: an agent that is there by then needs no snippet
    of music before it.
    """

    loop: bytes = field(repr=False)
    lead: bytes = field(default=b"", repr=False)
    loop_from: int = 0
    delay: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a sound that would end."""
        if not 0 <= self.loop_from < len(self.loop):
            raise ValueError("a hold sound needs a loop, and a place in it to begin at")


class _State(Enum):
    SILENT = auto()
    DUE = auto()
    SOUNDING = auto()
    ENDING = auto()


class HoldPlayer:
    """One call's way through its hold sound; without a sound it stays silent.

    `wait` begins a wait; `stop` ends it, and so does new speech (`give_way`). In between whoever plays asks
    `send_at` when to call `take` for the next piece, and passes speech through `under` as it is sent.
    """

    __slots__ = ("_at", "_begin_at", "_delay", "_sound", "_state")

    def __init__(self, sound: HoldSound | None) -> None:
        self._sound = sound
        self._delay = sound.delay if sound is not None else 0.0
        self._state = _State.SILENT
        self._begin_at = 0.0
        self._at = 0  # bytes played of lead and loop, the loop counted on and on

    @property
    def silent(self) -> bool:
        """True when nothing is played, nor will be unless asked for."""
        return self._state is _State.SILENT

    def wait(self, now: float) -> None:
        """Let the caller hear something until `stop`, or until somebody speaks; a recording only once."""
        if self._sound is None or self._state in (_State.DUE, _State.SOUNDING):
            return
        if self._state is _State.ENDING:
            self._state = _State.SOUNDING
            return
        self._state = _State.DUE
        self._begin_at = now + self._delay
        if self._at:
            self._at = max(self._at, len(self._sound.lead))

    def give_way(self) -> None:
        """Begin nothing any more: the agent has new words. What sounds already falls when they are sent."""
        if self._state is _State.DUE:
            self._state = _State.SILENT

    def stop(self) -> None:
        """Let the sound fall silent: the next piece is its last."""
        if self._state is _State.SOUNDING:
            self._state = _State.ENDING
        self.give_way()

    def send_at(self, ends_at: float) -> float:
        """Return when (s) the next piece is to be sent, infinity for never.

        `ends_at` is the moment at which all that was sent so far has been played.
        """
        match self._state:
            case _State.SILENT:
                return math.inf
            case _State.DUE:
                return max(self._begin_at, ends_at + self._delay)
            case _State.SOUNDING:
                return ends_at + MESSAGE / BYTES_PER_SECOND - LEAD
            case _State.ENDING:
                return -math.inf

    def take(self) -> bytes:
        """Return the next piece, which is now under way."""
        if self._state is _State.ENDING:
            self._state = _State.SILENT
            return fading_out(self._next(FADE))
        piece = self._next(MESSAGE)
        if self._state is _State.DUE:
            self._state = _State.SOUNDING
            return fading_in(piece)
        return piece

    def under(self, speech: bytes | bytearray) -> bytes | bytearray:
        """Return the beginning of the agent's words with the end of the sound under it, if there is one."""
        if self._state not in (_State.SOUNDING, _State.ENDING):
            return speech
        self._state = _State.SILENT
        end = fading_out(self._next(min(FADE, len(speech))))
        return mixed(speech[: len(end)], end) + speech[len(end) :]

    def _next(self, size: int) -> bytes:
        assert self._sound is not None
        lead, loop = self._sound.lead, self._sound.loop
        piece = lead[self._at : self._at + size]
        while len(piece) < size:
            start = (self._at + len(piece) - len(lead) + self._sound.loop_from) % len(loop)
            piece += loop[start : start + size - len(piece)]
        self._at += size
        return piece
