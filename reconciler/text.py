"""Plans and reports for people: the summary first, then each number with just what changes, and why."""

from __future__ import annotations

from rich.text import Text

from reconciler.plan import Action, Cause, Change, Plan, Skipped, SkipReason
from reconciler.printable import printable
from reconciler.report import AlreadyDone, Failed, NotAttempted, Outcome, Report, Stale, Updated
from reconciler.settings import FieldChange, Value
from schemas.places import Place

_SIGNS = {
    Action.ADOPT: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.REROUTE: ("~", "yellow"),
    Action.DETACH: ("-", "red"),
}

_CAUSES = {
    Cause.NEW: "not ours yet",
    Cause.PENDING: "the file changed",
    Cause.DRIFT: "changed by hand since it was applied",
    Cause.CONFLICT: "the file changed, and so did the account, by hand; the file wins",
    Cause.REMOVED: "no file declares it any more",
}

_REASONS = {
    SkipReason.NO_MATCHING_NUMBER: "no such number",
    SkipReason.NO_VOICE_CAPABILITY: "no voice",
    SkipReason.DRIVEN_BY_TRUNK: "driven by a trunk",
    SkipReason.DRIVEN_BY_APPLICATION: "driven by an application",
    SkipReason.FOREIGN_WEBHOOK: "somebody else's webhook",
    SkipReason.OUTBOUND_ONLY: "outbound only",
}

_TAKEN = (SkipReason.DRIVEN_BY_TRUNK, SkipReason.DRIVEN_BY_APPLICATION, SkipReason.FOREIGN_WEBHOOK)

_VERBS: dict[type[Outcome], tuple[str, str]] = {
    Updated: ("updated", "green"),
    AlreadyDone: ("already done", "dim"),
    Stale: ("stale", "yellow"),
    Failed: ("failed", "red"),
    NotAttempted: ("not attempted", "yellow"),
}


def plan_text(plan: Plan) -> Text:
    """Return a plan as text, ending in a newline."""
    text = Text()
    text.append(_plan_summary(plan), "bold").append("\n")
    for change in plan.changes:
        text.append("\n")
        _change_block(text, change)
    if plan.skipped:
        text.append("\n")
    for skipped in plan.skipped:
        _skipped_line(text, skipped)
    if plan.diagnostics:
        text.append("\n").append(diagnostics_text(plan))
    return text


def diagnostics_text(plan: Plan) -> Text:
    """Return a plan's warnings, one in a line, ending in a newline if there are any."""
    text = Text()
    for diagnostic in plan.diagnostics:
        text.append(f"{diagnostic.severity}: ", "yellow").append(f"{printable(str(diagnostic))}\n")
    return text


def report_text(report: Report) -> Text:
    """Return a report as text, ending in a newline: what was not written comes with its reason."""
    text = Text()
    text.append(_report_summary(report), "bold").append("\n")
    if report.outcomes:
        text.append("\n")
    for outcome in report.outcomes:
        text.append(outcome_line(outcome)).append("\n")
    if report.skipped:
        text.append("\n")
    for skipped in report.skipped:
        _skipped_line(text, skipped)
    return text


def outcome_line(outcome: Outcome) -> Text:
    """Return one number's outcome in one line, without a newline."""
    verb, style = _VERBS[type(outcome)]
    if isinstance(outcome, Updated) and outcome.change.action is Action.DETACH:
        verb = "detached"
    line = (
        Text()
        .append(verb, style)
        .append(f" {outcome.change.number} {printable(outcome.change.agent)}".rstrip())
    )
    if isinstance(outcome, Failed):
        code = f" ({outcome.code})" if outcome.code is not None else ""
        line.append(f": {printable(outcome.message)}{code}")
        if outcome.more_info:
            line.append(f" {printable(outcome.more_info)}", "dim")
    if isinstance(outcome, Stale):
        line.append(": changed since the plan was made, left as it is")
    return line


def _plan_summary(plan: Plan) -> str:
    """Say what there is to do; a plan with nothing to do says so."""
    counts = [(plan.count(action), f"to {action.value}") for action in Action]
    counts += [(len(plan.skipped), "skipped"), (len(plan.unchanged), "unchanged")]
    told = _listed(counts)
    return (
        told if plan.changes else f"Nothing to do: {told}" if told else "Nothing to do: no number is declared"
    )


def _report_summary(report: Report) -> str:
    counts = [(sum(1 for _ in report.of(kind)), _VERBS[kind][0]) for kind in (Updated, Failed, Stale)]
    counts += [(len(report.skipped), "skipped"), (len(report.unchanged), "unchanged")]
    counts += [(sum(1 for _ in report.of(NotAttempted)), "not attempted")]
    told = _listed(counts) or "nothing to do"
    return f"Interrupted: {told}" if report.interrupted else told


def _listed(counts: list[tuple[int, str]]) -> str:
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _change_block(text: Text, change: Change) -> None:
    """Append a number's heading, its changed fields aligned, and what its callers reach."""
    sign, style = _SIGNS[change.action]
    region = "" if change.region == "us1" else f" ({change.region})"
    text.append(f"{sign} {change.number}{region}  {printable(change.agent)}", f"bold {style}")
    text.append(f"  {change.action.value}: {_CAUSES[change.cause]}")
    text.append(f"  {_where(change.place)}" if change.place else "", "dim").append("\n")
    lines = (*change.fields, *_reach(change))
    width = max(len(line.field) for line in lines)
    for line in lines:
        _field_line(text, line, width)


def _reach(change: Change) -> tuple[FieldChange, ...]:
    """What callers reach now and after, unless that stays, or the change of the voice URL says it already."""
    before, after = change.reach_before, change.reach_after
    told = FieldChange("voice_url", before, after) in change.fields
    return () if told or before == after else (FieldChange("callers reach", before, after),)


def _field_line(text: Text, field: FieldChange, width: int) -> None:
    text.append(f"    {field.field.ljust(width)}  ")
    text.append(_shown(field.before), "red").append(" → ", "dim")
    text.append(_shown(field.after), "green").append("\n")


def _skipped_line(text: Text, skipped: Skipped) -> None:
    text.append(f"! {skipped.number}  {skipped.agent}", "yellow")
    text.append(f"  skipped: {_REASONS[skipped.reason]}, {printable(skipped.detail)}")
    text.append(f"  {_where(skipped.place)}\n", "dim")
    if skipped.reason in _TAKEN:
        text.append(f"    to take it over: takeover: true, or --adopt {skipped.number}\n", "dim")


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}"


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(value) or '""'
