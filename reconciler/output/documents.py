"""The JSON documents of `tm plan` and `tm apply`: every key is always there, also when the run failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.metadata import version

from reconciler.applying.report import Failed, NotAttempted, Outcome, Report, Stale, Updated
from reconciler.planning.plan import Action, Change, Plan, Skipped, Unchanged
from schemas.places import Diagnostic, Place

FORMAT_VERSION = "1.0"

Json = Mapping[str, object]


@cache
def tool_version() -> str:
    """Return the version of this program."""
    return version("tm-phone-agents")


def plan_document(plan: Plan) -> dict[str, object]:
    """Return a plan's document."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version(),
        "plan_id": plan.plan_id,
        "created_at": plan.created_at.isoformat(),
        "changes": [change_item(change) for change in plan.changes],
        "skipped": [_skipped_item(skipped) for skipped in plan.skipped],
        "unchanged": [_unchanged_item(unchanged) for unchanged in plan.unchanged],
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in plan.diagnostics],
        "summary": plan_summary(plan),
        "error": None,
    }


def plan_error_document(
    error: str, created_at: datetime, diagnostics: Iterable[Diagnostic] = ()
) -> dict[str, object]:
    """Return the document of a plan that could not be made."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version(),
        "plan_id": None,
        "created_at": created_at.isoformat(),
        "changes": [],
        "skipped": [],
        "unchanged": [],
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in diagnostics],
        "summary": {**{action.value: 0 for action in Action}, "skipped": 0, "unchanged": 0},
        "error": error,
    }


def plan_summary(plan: Plan) -> dict[str, int]:
    """Return how many numbers each list of a plan has, changes by action."""
    return {
        **{action.value: plan.count(action) for action in Action},
        "skipped": len(plan.skipped),
        "unchanged": len(plan.unchanged),
    }


def report_document(report: Report) -> dict[str, object]:
    """Return a report's document."""
    return _report(
        report.plan_id,
        {
            "updated": _changes_of(report, Updated),
            "skipped": [{**_skipped_item(skipped), "action": None} for skipped in report.skipped],
            "failed": [
                {
                    **change_item(outcome.change),
                    "code": outcome.code,
                    "status": outcome.status,
                    "message": outcome.message,
                    "more_info": outcome.more_info,
                }
                for outcome in report.outcomes
                if isinstance(outcome, Failed)
            ],
            "stale": _changes_of(report, Stale),
            "unchanged": [{**_unchanged_item(unchanged), "action": None} for unchanged in report.unchanged],
            "not_attempted": _changes_of(report, NotAttempted),
        },
        report.diagnostics,
    )


def report_error_document(error: str, plan_id: str | None = None) -> dict[str, object]:
    """Return the report of a run that could not happen: every list is empty."""
    lists = ("updated", "skipped", "failed", "stale", "unchanged", "not_attempted")
    return _report(plan_id, {name: [] for name in lists}, error=error)


def _report(
    plan_id: str | None,
    lists: Mapping[str, Sequence[Json]],
    diagnostics: Iterable[Diagnostic] = (),
    *,
    error: str | None = None,
) -> dict[str, object]:
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version(),
        "plan_id": plan_id,
        **lists,
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in diagnostics],
        "summary": {name: len(items) for name, items in lists.items()},
        "error": error,
    }


def to_json(document: Json) -> str:
    """Return a document as text; `+`, `→` and letters of every script stay readable."""
    return json.dumps(document, ensure_ascii=False, indent=2)


def change_item(change: Change) -> dict[str, object]:
    """Return a change as it stands in plans and reports."""
    return {
        "account": change.account,
        "region": change.region,
        "resource": change.resource.value,
        "sid": change.sid,
        "number": change.number,
        "agent": change.agent,
        "action": change.action.value,
        "cause": change.cause.value,
        "fields": [
            {"field": field.field, "before": field.before, "after": field.after} for field in change.fields
        ],
        "source": _source(change.place),
    }


def _changes_of(report: Report, kind: type[Outcome]) -> list[Json]:
    return [change_item(outcome.change) for outcome in report.of(kind)]


def _skipped_item(skipped: Skipped) -> dict[str, object]:
    return {
        "number": skipped.number,
        "agent": skipped.agent,
        "reason": skipped.reason.value,
        "detail": skipped.detail,
        "source": _source(skipped.place),
    }


def _unchanged_item(unchanged: Unchanged) -> dict[str, object]:
    return {"number": unchanged.number, "agent": unchanged.agent, "sid": unchanged.sid}


def _source(place: Place | None) -> dict[str, object]:
    """Return a place in the declarations; empty for a number that no file declares."""
    return {"file": place.file, "line": place.line, "column": place.column} if place else {}


def _diagnostic(diagnostic: Diagnostic) -> dict[str, object]:
    place = diagnostic.place
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }
