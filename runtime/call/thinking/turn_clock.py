"""How long the caller waited for an answer, turn by turn.

    the caller ends ── the model has noticed ── its first audio ── our first frame ── the first mark is back
                 pause_ms ┘   0 ms              model_ms           frame_ms           heard_ms

The first mark follows 100 ms of audio and comes back when those were played: with the way there and back it
is the nearest to the caller's ear that can be measured from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from runtime.call.actions import Action, PlayMark
from runtime.call_record import TurnLatency

MOST_TURNS: Final = 2_000  # of one call: as many as fit into four hours


class TurnClock:
    """Measures the turn that is under way; `turns` is the list that the measurements go to."""

    __slots__ = (
        "_before",
        "_item_id",
        "_mark",
        "_pause_ms",
        "_paused_at",
        "_turns",
        "awaits_audio",
        "awaits_mark",
    )

    def __init__(self, turns: list[TurnLatency]) -> None:
        self._turns = turns
        self._paused_at = 0.0
        self._pause_ms: int | None = None
        self._before: str | None = None
        self._item_id: str | None = None
        self._mark: str | None = None
        self.awaits_audio = False
        """Whether the caller waits for an answer's first audio."""
        self.awaits_mark = False
        """Whether the mark behind the answer's first frame is still to be sent, or to come back."""

    def caller_speaks(self) -> None:
        """Stop measuring: nobody waits for an answer."""
        self.awaits_audio = self.awaits_mark = False
        self._item_id = None

    def caller_pauses(self, now: float, pause_ms: int | None, active: str | None) -> None:
        """Begin to measure. The caller was silent for `pause_ms` before it was noticed, None when unknown.

        A response that is `active` already answers what was said before.
        """
        self.caller_speaks()
        if len(self._turns) < MOST_TURNS:
            self.awaits_audio = True
            self._paused_at, self._before = now, active
            self._pause_ms = pause_ms

    def audio(self, response_id: str, item_id: str, now: float) -> None:
        """Note the first audio of an answer."""
        if response_id == self._before:
            return
        self.awaits_audio = False
        self._item_id = item_id
        self._turns.append(TurnLatency(self._pause_ms, model_ms=self._ms(now)))

    def begun(self, item_id: str, now: float) -> None:
        """Note that the item's first frame is sent."""
        if item_id == self._item_id:
            self._item_id = None
            self._mark = None
            self.awaits_mark = True
            self._turns[-1] = replace(self._turns[-1], frame_ms=self._ms(now))

    def sent(self, actions: Iterable[Action]) -> None:
        """Note the mark behind the first frame, where it is among what was sent."""
        if self._mark is None:
            self._mark = next((each.name for each in actions if isinstance(each, PlayMark)), None)

    def played(self, name: str, now: float) -> None:
        """Note that a mark came back."""
        if name == self._mark:
            self.awaits_mark = False
            self._turns[-1] = replace(self._turns[-1], heard_ms=self._ms(now))

    def _ms(self, now: float) -> int:
        return round((now - self._paused_at) * 1000)
