"""Which workers answer, and what follows when one ends. Decides; does nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# A worker that lives as long (s) after it was ready has not failed, whatever ends it.
STEADY_SECONDS: Final = 10.0
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
MOST_DOUBLINGS: Final = 6
# Failures in a row with which a worker is given up, if no other answers.
MOST_FAILURES: Final = 5
# How a process ends that has said what is wrong with what it was given.
TOLD: Final = 1


@dataclass(slots=True)
class _Worker:
    ready_at: float | None = None
    failures: int = 0


class Staff:
    """The workers by number. Times are seconds of a monotonic clock."""

    def __init__(self, count: int) -> None:
        self._workers = [_Worker() for _ in range(count)]
        self._complete = False

    def ready(self, number: int, now: float) -> bool:
        """Note that a worker answers. Returns whether all of them do for the first time."""
        self._workers[number].ready_at = now
        first = not self._complete and all(worker.ready_at is not None for worker in self._workers)
        self._complete = self._complete or first
        return first

    def ended(self, number: int, exit_code: int, now: float) -> float | None:
        """Return after how many seconds the worker starts again; None when there is no point in it.

        There is none when a worker says what is wrong before all have been ready once: the declarations or
        the environment are not as they must be. Later mistakes and absent databases may pass, so a worker is
        started again, ever more seldom, while another one answers.
        """
        worker = self._workers[number]
        was_ready, worker.ready_at = worker.ready_at, None
        if was_ready is not None and now - was_ready >= STEADY_SECONDS:
            worker.failures = 0
            return 0.0
        worker.failures += 1
        if was_ready is None and not self._complete and exit_code == TOLD:
            return None
        if worker.failures >= MOST_FAILURES and not self._anybody_answers():
            return None
        doublings = min(worker.failures - 1, MOST_DOUBLINGS)
        return min(FIRST_PAUSE_SECONDS * (1 << doublings), LONGEST_PAUSE_SECONDS)

    def failures(self, number: int) -> int:
        """Return how often in a row the worker has ended before or soon after it was ready."""
        return self._workers[number].failures

    def _anybody_answers(self) -> bool:
        return any(worker.ready_at is not None for worker in self._workers)
