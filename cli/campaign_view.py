"""Campaigns as people and spreadsheets read them: how far, whom it would call when, what came of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from runtime.outbound.schedule import PlannedCall
from schemas.errors import TmError

if TYPE_CHECKING:
    from runtime.outbound.lead_store import CampaignStatus
    from runtime.outbound.leads import RefusedLead
    from runtime.outbound.progress import Progress

RESULT_COLUMNS: Final = (
    "line",
    "id",
    "number",
    "state",
    "outcome",
    "calls",
    "due_at",
    "changed_at",
    "detail",
)
# What a spreadsheet would take for a formula when it opens the file.
_FORMULA: Final = ("=", "@", "+", "-", "\t", "\r", "\n")


def status_text(name: str, status: CampaignStatus | None, progress: Progress) -> str:
    """Return how a campaign stands, in lines."""
    if status is None:
        return f"{name} was never run"
    why = f": {status.reason}" if status.reason else ""
    return (
        f"{name}  {'over' if progress.is_over and progress.total else status.state}{why}\n{progress.line()}"
    )


def status_json(name: str, status: CampaignStatus | None, progress: Progress) -> dict[str, Any]:
    """Return how a campaign stands, as JSON."""
    return {
        "campaign": name,
        "state": status.state if status else None,
        "reason": status.reason if status else None,
        "leads": progress.total,
        "states": dict(progress.states),
        "outcomes": dict(progress.outcomes),
        "calls": progress.calls,
        "calls_last_minute": progress.calls_last_minute,
    }


def plan_text(planned: Iterable[PlannedCall | RefusedLead]) -> str:
    """Return whom a campaign would call when, by their own clocks, and whom not, by lines of the list."""
    lines = [_planned(each) for each in planned]
    return "\n".join(lines) or "The list is empty."


def _planned(each: PlannedCall | RefusedLead) -> str:
    if isinstance(each, PlannedCall):
        when = datetime.fromtimestamp(each.at_s, ZoneInfo(each.zone))
        return f"{when:%a %Y-%m-%d %H:%M:%S} {each.zone}  {each.lead.number}  line {each.lead.line}"
    return f"not called  line {each.line}: {each.detail}"


def plan_json(planned: Iterable[PlannedCall | RefusedLead]) -> str:
    """Return the same as JSON."""
    calls, refused = [], []
    for each in planned:
        if isinstance(each, PlannedCall):
            at = datetime.fromtimestamp(each.at_s, UTC).isoformat()
            lead = {"number": each.lead.number, "line": each.lead.line}
            calls.append({**lead, "at": at, "time_zone": each.zone})
        else:
            refused.append({"line": each.line, "reason": each.reason, "detail": each.detail})
    return json.dumps({"calls": calls, "refused": refused}, indent=2)


def write_results(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write what came of each lead into a CSV file, in the order of the list; return how many there are.

    Raises `TmError` when the file cannot be written.
    """
    count = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(RESULT_COLUMNS)
            for row in rows:
                writer.writerow(_cell(name, row) for name in RESULT_COLUMNS)
                count += 1
    except OSError as error:
        raise TmError(f"cannot write {path}: {error.strerror}") from None
    return count


def _cell(name: str, row: Mapping[str, Any]) -> str:
    value = row["own_id" if name == "id" else name]
    if value is None:
        return ""
    if name in ("due_at", "changed_at"):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="seconds")
    text = str(value)
    is_formula = name != "number" and text.startswith(_FORMULA)
    return f"'{text}" if is_formula else text
