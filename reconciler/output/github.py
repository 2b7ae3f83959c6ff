"""Plans and reports as workflow commands: GitHub shows them as annotations at the lines that they are about.

GitHub shows ten of each severity for a step, so what matters more comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.applying.report import Failed, NotAttempted, Outcome, Report, Stale
from reconciler.output.annotation import Annotation, Severity, annotation_of, workflow_commands
from reconciler.output.printable import printable
from reconciler.output.wording import (
    CAUSES,
    REASONS,
    STALE,
    before_and_after,
    subject_of,
    takeover_hint,
    verb_of,
    visible_changes,
)
from reconciler.planning.plan import Cause, Change, Plan, Skipped, SkipReason
from schemas.errors import TmError
from schemas.places import Diagnostic


def plan_annotations(plan: Plan) -> str:
    """Return a plan's commands, one in a line: drift and conflicts are warnings, other changes notices."""
    return workflow_commands(
        [
            *map(annotation_of, plan.diagnostics),
            *map(_of_skipped, plan.skipped),
            *map(_of_change, plan.changes),
        ]
    )


def report_annotations(report: Report) -> str:
    """Return a report's commands, one in a line: failures are errors; what is as wanted is not mentioned."""
    notes = map(annotation_of, report.diagnostics)
    return workflow_commands([*_of_outcomes(report.outcomes), *map(_of_skipped, report.skipped), *notes])


def error_annotations(error: TmError, diagnostics: Iterable[Diagnostic] = (), *, title: str = "Plan") -> str:
    """Return the commands of a run that could not happen."""
    hint = f"\n{error.hint}" if error.hint else ""
    failure = Annotation("error", f"{title} failed", f"{error.message}{hint}", error.place)
    return workflow_commands([failure, *map(annotation_of, diagnostics)])


def _of_change(change: Change) -> Annotation:
    severity: Severity = "warning" if change.cause in (Cause.DRIFT, Cause.CONFLICT) else "notice"
    lines = [CAUSES[change.cause]]
    for line in visible_changes(change):
        before, after = before_and_after(line)
        lines.append(f"{line.field}: {before} → {after}")
    return Annotation(severity, f"{change.action.value} {subject_of(change)}", "\n".join(lines), change.place)


def _of_skipped(skipped: Skipped) -> Annotation:
    severity: Severity = "notice" if skipped.reason is SkipReason.OUTBOUND_ONLY else "warning"
    hint = takeover_hint(skipped)
    message = f"{REASONS[skipped.reason]}, {printable(skipped.detail)}" + (f"\n{hint}" if hint else "")
    return Annotation(severity, f"skipped {skipped.number}", message, skipped.place)


def _of_outcomes(outcomes: Iterable[Outcome]) -> Iterator[Annotation]:
    for outcome in outcomes:
        title = f"{verb_of(outcome)} {subject_of(outcome.change)}"
        if isinstance(outcome, Failed):
            more = f"\n{printable(outcome.more_info)}" if outcome.more_info else ""
            code = f" ({outcome.code})" if outcome.code is not None else ""
            message = f"{printable(outcome.message)}{code}{more}"
            yield Annotation("error", title, message, outcome.change.place)
        elif isinstance(outcome, Stale):
            yield Annotation("warning", title, STALE, outcome.change.place)
        elif isinstance(outcome, NotAttempted):
            yield Annotation("warning", title, "the run ended before its turn", outcome.change.place)
