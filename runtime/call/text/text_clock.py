"""How long the caller waited for an answer in text, turn by turn.

the caller ends ── their words are here ── the model writes ── its first words leave
pause_ms ┘   0 ms              model_ms           frame_ms
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.call_record import TurnLatency

if TYPE_CHECKING:
    from runtime.call.ending import CallFacts

MOST_TURNS: Final = 2_000


class TextClock:
    """Measures the turn that is under way, for the facts of one call."""

    __slots__ = ("_facts", "_model_ms", "_pause_ms", "asked_at")

    def __init__(self, facts: CallFacts) -> None:
        self._facts = facts
        self._pause_ms: int | None = None
        self._model_ms: int | None = None
        self.asked_at: float | None = None
        """Since when (s) the caller waits for an answer, None while they do not."""

    def begin(self, now: float, pause_ms: int | None) -> None:
        """Note that the caller's words are here."""
        self.asked_at, self._pause_ms, self._model_ms = now, pause_ms, None

    def model_writes(self, now: float) -> None:
        """Note that the model has begun to answer; its first word counts."""
        if self._model_ms is None and self.asked_at is not None:
            self._model_ms = round((now - self.asked_at) * 1000)

    def words_leave(self, now: float, at_ms: int) -> None:
        """Note how long the caller has waited for these words, `at_ms` after the answer of the call."""
        self._facts.spoken = True
        if self._facts.first_word_ms is None:
            self._facts.first_word_ms = at_ms
        if self.asked_at is not None and len(self._facts.turns) < MOST_TURNS:
            waited = round((now - self.asked_at) * 1000)
            self._facts.turns.append(TurnLatency(self._pause_ms, self._model_ms, waited))
        self.asked_at = None
