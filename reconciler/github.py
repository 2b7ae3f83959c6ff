"""Plans and reports as workflow commands: GitHub shows them as annotations at the lines that they are about.

GitHub shows ten of each severity for a step, so what matters more comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from reconciler.plan import Cause, Change, Plan, Skipped, SkipReason
from reconciler.printable import printable
from reconciler.report import Failed, NotAttempted, Outcome, Report, Stale
from reconciler.wording import (
    CAUSES,
    REASONS,
    STALE,
    before_and_after,
    subject_of,
    takeover_hint,
    verb_of,
    visible_changes,
)
from schemas.errors import TmError
from schemas.places import Diagnostic, Place

Severity = Literal["error", "warning", "notice"]
_ORDER: tuple[Severity, ...] = ("error", "warning", "notice")


@dataclass(frozen=True, slots=True)
class Annotation:
    """One remark about a line of a file, or about the run when it has no place."""

    severity: Severity
    title: str
    message: str
    place: Place | None = None

    def command(self) -> str:
        """Return the workflow command, which is one line whatever the texts hold."""
        properties: list[tuple[str, object]] = []
        if self.place is not None:
            place = self.place
            properties = [("file", place.file), ("line", place.line), ("col", place.column)]
        listed = ",".join(
            f"{name}={_property(str(value))}" for name, value in [*properties, ("title", self.title)]
        )
        return f"::{self.severity} {listed}::{_data(self.message)}"


def annotation_of(diagnostic: Diagnostic) -> Annotation:
    """Return a finding of the loader or the planner as an annotation."""
    return Annotation(diagnostic.severity, diagnostic.code, diagnostic.message, diagnostic.place)


def plan_annotations(plan: Plan) -> str:
    """Return a plan's commands, one in a line: drift and conflicts are warnings, other changes notices."""
    return _commands(
        [
            *map(annotation_of, plan.diagnostics),
            *map(_of_skipped, plan.skipped),
            *map(_of_change, plan.changes),
        ]
    )


def report_annotations(report: Report) -> str:
    """Return a report's commands, one in a line: failures are errors; what is as wanted is not mentioned."""
    return _commands([*_of_outcomes(report.outcomes), *map(_of_skipped, report.skipped)])


def error_annotations(error: TmError, diagnostics: Iterable[Diagnostic] = (), *, title: str = "Plan") -> str:
    """Return the commands of a run that could not happen."""
    hint = f"\n{error.hint}" if error.hint else ""
    failure = Annotation("error", f"{title} failed", f"{error.message}{hint}", error.place)
    return _commands([failure, *map(annotation_of, diagnostics)])


def _commands(annotations: Iterable[Annotation]) -> str:
    ordered = sorted(annotations, key=lambda annotation: _ORDER.index(annotation.severity))
    return "\n".join(annotation.command() for annotation in ordered)


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


def _data(text: str) -> str:
    """Escape what ends a workflow command. GitHub: `%`, carriage return and newline."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape what ends a property of a workflow command as well. GitHub: also `:` and `,`."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
