"""What an earlier run left undone, read from its JSON report: `tm apply --only-failed REPORT`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.planning.plan import Plan
from schemas.errors import TmError


class UnreadableReportError(TmError):
    """The file is not a report of `tm apply --format json`."""


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    account: str
    number: str


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    failed: tuple[_Item, ...]
    stale: tuple[_Item, ...]
    not_attempted: tuple[_Item, ...]


def left_over(file: Path) -> frozenset[tuple[str, str]]:
    """Return (account, number) of all that failed, was stale or was not attempted.

    Raises UnreadableReportError.
    """
    try:
        report = _Report.model_validate_json(file.read_bytes())
    except OSError as error:
        raise UnreadableReportError(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the document"
        raise UnreadableReportError(
            f"{file} is not a report: {where}: {first['msg']}",
            hint="Write one with tm apply --format json > FILE.",
        ) from error
    return frozenset(
        (item.account, item.number) for item in (*report.failed, *report.stale, *report.not_attempted)
    )


def only(plan: Plan, numbers: frozenset[tuple[str, str]]) -> Plan:
    """Return the plan with no changes but those of these (account, number)."""
    kept = tuple(change for change in plan.changes if (change.account, change.number) in numbers)
    return replace(plan, changes=kept)
