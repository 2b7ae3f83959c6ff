"""Plans and reports for people: the summary first, then each number with just what changes, and why."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from reconciler.applying.report import AlreadyDone, Failed, NotAttempted, Outcome, Report, Stale, Updated
from reconciler.output.printable import printable
from reconciler.output.wording import (
    CAUSES,
    REASONS,
    before_and_after,
    file_and_line,
    note_of,
    plan_summary_line,
    report_summary_line,
    subject_of,
    takeover_hint,
    traffic_line,
    verb_of,
    visible_changes,
)
from reconciler.planning.plan import Action, Change, Plan, Skipped
from reconciler.resource.settings import FieldChange
from schemas.places import Diagnostic

_SIGNS = {
    Action.ADOPT: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.REROUTE: ("~", "yellow"),
    Action.DETACH: ("-", "red"),
}

_STYLES: dict[type[Outcome], str] = {
    Updated: "green",
    AlreadyDone: "dim",
    Stale: "yellow",
    Failed: "red",
    NotAttempted: "yellow",
}


def plan_text(plan: Plan, summary: str | None = None) -> Text:
    """Return a plan as text, ending in a newline; `summary` says something else of it than what to do."""
    text = Text()
    text.append(summary or plan_summary_line(plan), "bold").append("\n")
    for change in plan.changes:
        text.append("\n")
        _change_block(text, change)
    if plan.skipped:
        text.append("\n")
    for skipped in plan.skipped:
        _skipped_line(text, skipped)
    if plan.diagnostics:
        text.append("\n").append(diagnostics_text(plan.diagnostics))
    return text


def diagnostics_text(diagnostics: Iterable[Diagnostic]) -> Text:
    """Return the warnings of a plan or a report, one in a line, ending in a newline if there are any."""
    text = Text()
    for diagnostic in diagnostics:
        text.append(f"{diagnostic.severity}: ", "yellow").append(f"{printable(str(diagnostic))}\n")
    return text


def report_text(report: Report) -> Text:
    """Return a report as text, ending in a newline: what was not written comes with its reason."""
    text = Text()
    text.append(report_summary_line(report), "bold").append("\n")
    if report.outcomes:
        text.append("\n")
    for outcome in report.outcomes:
        text.append(outcome_line(outcome)).append("\n")
    if report.skipped:
        text.append("\n")
    for skipped in report.skipped:
        _skipped_line(text, skipped)
    if report.diagnostics:
        text.append("\n").append(diagnostics_text(report.diagnostics))
    if report.traffic.sent:
        text.append("\n").append(f"{traffic_line(report)}\n", "dim")
    return text


def outcome_line(outcome: Outcome) -> Text:
    """Return one number's outcome in one line, without a newline."""
    line = Text().append(verb_of(outcome), _STYLES[type(outcome)])
    line.append(f" {subject_of(outcome.change)} {printable(outcome.change.agent)}".rstrip())
    if isinstance(outcome, Failed):
        code = f" ({outcome.code})" if outcome.code is not None else ""
        line.append(f": {printable(outcome.message)}{code}")
        if outcome.more_info:
            line.append(f" {printable(outcome.more_info)}", "dim")
    if note := note_of(outcome):
        line.append(f": {note}")
    return line


def _change_block(text: Text, change: Change) -> None:
    """Append a number's heading, its changed fields aligned, and what its callers reach."""
    sign, style = _SIGNS[change.action]
    text.append(f"{sign} {subject_of(change)}  {printable(change.agent)}".rstrip(), f"bold {style}")
    text.append(f"  {change.action.value}: {CAUSES[change.cause]}")
    text.append(f"  {file_and_line(change.place)}" if change.place else "", "dim").append("\n")
    lines = visible_changes(change)
    width = max(len(line.field) for line in lines)
    for line in lines:
        _field_line(text, line, width)


def _field_line(text: Text, field: FieldChange, width: int) -> None:
    before, after = before_and_after(field)
    text.append(f"    {field.field.ljust(width)}  ")
    text.append(before, "red").append(" → ", "dim")
    text.append(after, "green").append("\n")


def _skipped_line(text: Text, skipped: Skipped) -> None:
    text.append(f"! {skipped.number}  {printable(skipped.agent)}", "yellow")
    text.append(f"  skipped: {REASONS[skipped.reason]}, {printable(skipped.detail)}")
    text.append(f"  {file_and_line(skipped.place)}\n", "dim")
    if hint := takeover_hint(skipped):
        text.append(f"    {hint}\n", "dim")
