"""How far a campaign has come: counts, and how fast it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from runtime.outbound.outcome import Outcome

LeadState: TypeAlias = Literal["backlog", "dialling", "retry", "finished"]

STATES: Final[tuple[LeadState, ...]] = ("backlog", "dialling", "retry", "finished")


@dataclass(frozen=True, slots=True)
class Progress:
    """Leads by state, the finished ones by outcome, and the calls of the last minute."""

    states: Mapping[LeadState, int]
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    calls_last_minute: int = 0
    calls: int = 0
    """Calls that were placed in all, retries included."""

    @property
    def total(self) -> int:
        """How many leads there are."""
        return sum(self.states.values())

    @property
    def finished(self) -> int:
        """How many of them nobody calls again."""
        return self.states.get("finished", 0)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.finished == self.total

    @property
    def reached(self) -> int:
        """How many people were talked to."""
        return self.outcomes.get("completed", 0)

    def line(self) -> str:
        """Return the counts in a line: `12 of 50 finished: 8 completed, 4 busy; 3 dialling; 58 calls/min`."""
        parts = [f"{self.finished} of {self.total} finished{_counts(self.outcomes, ': ')}"]
        open_states = {state: self.states.get(state, 0) for state in STATES[:-1]}
        parts += [f"{count} {_OPEN[state]}" for state, count in open_states.items() if count]
        parts.append(f"{self.calls_last_minute} calls/min")
        return "; ".join(parts)


_OPEN: Final[Mapping[LeadState, str]] = {
    "backlog": "waiting",
    "dialling": "dialling",
    "retry": "to be called again",
}


def _counts(outcomes: Mapping[Outcome, int], before: str) -> str:
    most_first = sorted(outcomes.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in most_first if count)
    return before + told if told else ""
