"""What is said in a call, noted piece by piece: all that recording costs the call itself."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple

# Pieces that may wait to be handed over, each 20 to 100 ms of one side: some thirty seconds of both.
MOST_PIECES: Final = 2_000


class Side(Enum):
    """Who is heard in a piece."""

    CALLER = auto()
    AGENT = auto()
    CUT = auto()
    """Nobody: what the agent has not been heard saying by then was thrown away."""


class Piece(NamedTuple):
    """Base64 µ-law that came or was sent at the moment `at` (s)."""

    side: Side
    at: float
    payload: str


class Tape:
    """Collects the pieces of one call. When nobody takes them they are dropped, and counted in `lost`."""

    __slots__ = ("_pieces", "lost")

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self.lost = 0

    def note(self, side: Side, at: float, payload: str = "") -> None:
        """Note a piece."""
        if len(self._pieces) < MOST_PIECES:
            self._pieces.append(Piece(side, at, payload))
        else:
            self.lost += 1

    def take(self) -> list[Piece]:
        """Return what was noted since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces
