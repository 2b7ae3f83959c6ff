"""The words that every output uses for a plan and a report: the same thing is called the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import normalize

from reconciler.applying.report import AlreadyDone, Failed, NotAttempted, Outcome, Report, Stale, Updated
from reconciler.output.printable import printable
from reconciler.planning.plan import Action, Cause, Change, Plan, Skipped, SkipReason
from reconciler.resource.defaults import HOME_REGION
from reconciler.resource.kinds import Resource
from reconciler.resource.settings import FieldChange, Value
from schemas.places import Place

CAUSES = {
    Cause.NEW: "not ours yet",
    Cause.PENDING: "the file changed",
    Cause.DRIFT: "changed by hand since it was applied",
    Cause.CONFLICT: "the file changed, and so did the account, by hand; the file wins",
    Cause.REMOVED: "no file declares it any more",
    Cause.ROLLBACK: "put back as the run found it",
}

REASONS = {
    SkipReason.NO_MATCHING_NUMBER: "no such number",
    SkipReason.NO_VOICE_CAPABILITY: "no voice",
    SkipReason.DRIVEN_BY_TRUNK: "driven by a trunk",
    SkipReason.DRIVEN_BY_APPLICATION: "driven by an application",
    SkipReason.FOREIGN_WEBHOOK: "somebody else's webhook",
    SkipReason.OUTBOUND_ONLY: "outbound only",
    SkipReason.PREFLIGHT_FAILED: "would not be answered",
    SkipReason.CHANGED_SINCE: "changed since the run",
    SkipReason.NOT_RECORDED: "not in the journal",
}

TAKEN = (SkipReason.DRIVEN_BY_TRUNK, SkipReason.DRIVEN_BY_APPLICATION, SkipReason.FOREIGN_WEBHOOK)
"""Reasons that a takeover overrules."""

MOVED = "Twilio takes up to 5 minutes to send its calls to {region}"
"""What a number that was routed to another region is told with."""

STALE = "changed since the plan was made, left as it is"

_KINDS = {
    Resource.INCOMING_PHONE_NUMBER: "",
    Resource.MESSAGING_SERVICE: "Messaging Service",
    Resource.WHATSAPP_SENDER: "WhatsApp",
}

_VERBS: dict[type[Outcome], str] = {
    Updated: "updated",
    AlreadyDone: "already done",
    Stale: "stale",
    Failed: "failed",
    NotAttempted: "not attempted",
}


def plan_summary_line(plan: Plan) -> str:
    """Say what there is to do; a plan with nothing to do says so."""
    counts = [(plan.count(action), f"to {action.value}") for action in Action]
    counts += [(len(plan.skipped), "skipped"), (len(plan.unchanged), "unchanged")]
    told = listed_counts(counts)
    if plan.changes:
        return told
    return f"Nothing to do: {told or 'no number is declared'}"


def report_summary_line(report: Report) -> str:
    """Say how many numbers came to which end."""
    counts = [(sum(1 for _ in report.of(kind)), _VERBS[kind]) for kind in (Updated, Failed, Stale)]
    counts += [(len(report.skipped), "skipped"), (len(report.unchanged), "unchanged")]
    counts += [(sum(1 for _ in report.of(NotAttempted)), _VERBS[NotAttempted])]
    told = listed_counts(counts) or "nothing to do"
    if report.interrupted:
        return f"Interrupted: {told}"
    return f"Stopped, the lock was lost: {told}" if report.lock_lost else told


def traffic_line(report: Report) -> str:
    """Say what the run took: requests, time, and how many requests were under way at once."""
    traffic = report.traffic
    refused = f", {traffic.refused} refused as too many at once" if traffic.refused else ""
    return f"{traffic.sent} requests in {report.seconds:.1f} s, at most {traffic.highest} at once{refused}"


def listed_counts(counts: Iterable[tuple[int, str]]) -> str:
    """Return what there is any of, such as `2 to adopt, 1 skipped`."""
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def subject_of(change: Change) -> str:
    """Return what is written: the number, with what else has that number, and a region other than us1."""
    kind = _KINDS[change.resource]
    region = "" if change.region == HOME_REGION else change.region
    told = ", ".join(part for part in (kind, region) if part)
    return f"{change.number} ({told})" if told else change.number


def note_of(outcome: Outcome) -> str | None:
    """Return what else there is to say about a number that did not fail, if anything."""
    if isinstance(outcome, Stale):
        return STALE
    if isinstance(outcome, Updated) and outcome.change.moves:
        return MOVED.format(region=outcome.change.write.voice_region)
    return None


def verb_of(outcome: Outcome) -> str:
    """Return what became of a number, in one or two words."""
    if isinstance(outcome, Updated) and outcome.change.action is Action.DETACH:
        return "detached"
    return _VERBS[type(outcome)]


def visible_changes(change: Change) -> tuple[FieldChange, ...]:
    """Return a change's fields, and what callers reach now and after.

    The latter is left out when it stays, or when the change of a URL says it already.
    """
    before, after = change.reach_before, change.reach_after
    told = any((field.before, field.after) == (before, after) for field in change.fields)
    if told or before == after:
        return change.fields
    return (*change.fields, FieldChange("callers reach", before, after))


def before_and_after(field: FieldChange) -> tuple[str, str]:
    """Return both values as people read them, without characters that steer a terminal.

    Two that look the same, such as é in one character and in two, are shown with escapes.
    """
    before, after = _shown(field.before), _shown(field.after)
    if normalize("NFKC", before) == normalize("NFKC", after):
        return ascii(field.before), ascii(field.after)
    return before, after


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = printable(value)
    return text if text and " ".join(text.split()) == text else f'"{text}"'


def file_and_line(place: Place) -> str:
    """Return a place as people look it up."""
    return f"{place.file}:{place.line}"


def takeover_hint(skipped: Skipped) -> str | None:
    """Say how to take a number over, when somebody else's claim is why it was skipped."""
    if skipped.reason not in TAKEN:
        return None
    return f"to take it over: takeover: true, or --adopt {skipped.number}"
