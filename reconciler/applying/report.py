"""What became of each number of a plan: the report of an apply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.api.lane import Traffic
from reconciler.planning.plan import Change, Plan, Skipped, SkipReason, Unchanged
from schemas.places import Diagnostic

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_DIFFERENCES = 2
EXIT_FAILED = 3
EXIT_STALE = 4
EXIT_REFUSED = 5
EXIT_INTERRUPTED = 130

NOT_STORED = "not_stored"
"""The code of a write that Twilio accepted and did not keep."""


@dataclass(frozen=True, slots=True)
class Updated:
    """Written, and read back as written."""

    change: Change


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """Found as wanted when it was read again: there was nothing to write."""

    change: Change


@dataclass(frozen=True, slots=True)
class Stale:
    """Changed by somebody since the plan was made; not overwritten."""

    change: Change


@dataclass(frozen=True, slots=True)
class Failed:
    """Not written, or not stored. `code` is Twilio's error code or `not_stored`, `status` the HTTP status."""

    change: Change
    message: str
    code: int | str | None = None
    status: int | None = None
    more_info: str | None = None


@dataclass(frozen=True, slots=True)
class NotAttempted:
    """Left alone because the run ended before its turn."""

    change: Change


Outcome = Updated | AlreadyDone | Stale | Failed | NotAttempted


@dataclass(frozen=True, slots=True)
class Report:
    """Every number of the plan with its outcome, in the plan's order.

    `diagnostics` is what the checks before the first write found worth knowing; `traffic` and `seconds` are
    what the run took.
    """

    plan_id: str
    outcomes: tuple[Outcome, ...]
    skipped: tuple[Skipped, ...]
    unchanged: tuple[Unchanged, ...]
    interrupted: bool = False
    lock_lost: bool = False
    traffic: Traffic = field(default_factory=Traffic)
    seconds: float = 0.0
    diagnostics: tuple[Diagnostic, ...] = ()

    def of(self, *kinds: type[Outcome]) -> Iterator[Outcome]:
        """Yield the outcomes of these kinds."""
        return (outcome for outcome in self.outcomes if isinstance(outcome, kinds))

    @property
    def exit_code(self) -> int:
        """Interrupted, or no longer alone, before failed before stale."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        if self.lock_lost:
            return EXIT_ERROR
        if any(self.of(Failed)):
            return EXIT_FAILED
        not_taken_back = (SkipReason.CHANGED_SINCE, SkipReason.NOT_RECORDED)
        left = any(skipped.reason in not_taken_back for skipped in self.skipped)
        return EXIT_STALE if left or any(self.of(Stale)) else EXIT_OK


def report_of(plan: Plan, outcomes: dict[str, Outcome], *, interrupted: bool) -> Report:
    """Put the outcomes (by number and region, see `key_of`) into the plan's order."""
    ordered = tuple(outcomes[key_of(change)] for change in plan.changes)
    done = tuple(
        Unchanged(outcome.change.number, outcome.change.agent, outcome.change.sid)
        for outcome in ordered
        if isinstance(outcome, AlreadyDone)
    )
    return Report(plan.plan_id, ordered, plan.skipped, plan.unchanged + done, interrupted)


def nothing_attempted(plan: Plan) -> Report:
    """Return the report of a run that was interrupted before its first number."""
    return report_of(
        plan, {key_of(change): NotAttempted(change) for change in plan.changes}, interrupted=True
    )


def key_of(change: Change) -> str:
    """Return what a change is told apart by: the record, in its account and region."""
    return f"{change.account}/{change.region}/{change.sid}"
