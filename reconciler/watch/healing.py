"""What a heal left as it was, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.applying.report import Failed, Report
from reconciler.output.printable import printable
from reconciler.output.wording import REASONS
from reconciler.planning.plan import Change, Plan
from schemas.errors import TmError


@dataclass(frozen=True, slots=True)
class NotHealed:
    """Drift that could not be put right.

    `kind` stays the same as long as the reason does, whatever its words: they may tell of times and holders.
    """

    change: Change
    kind: str
    reason: str


def failures_in(report: Report, plan: Plan) -> Iterator[NotHealed]:
    """Yield what of a heal's `plan` failed or was skipped."""
    for outcome in report.outcomes:
        if isinstance(outcome, Failed):
            told = str(outcome.code if outcome.code is not None else outcome.status)
            yield NotHealed(outcome.change, f"failed {told}", printable(outcome.message))
    for skipped in report.skipped:
        reason = f"{REASONS[skipped.reason]}, {printable(skipped.detail)}"
        for change in plan.changes:
            if (change.number, change.agent) == (skipped.number, skipped.agent):
                yield NotHealed(change, skipped.reason, reason)


def all_failed(error: TmError, plan: Plan) -> Iterator[NotHealed]:
    """Yield every change of a heal that could not happen."""
    return (NotHealed(change, type(error).__name__, error.message) for change in plan.changes)
