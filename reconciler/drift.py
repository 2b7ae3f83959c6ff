"""Drift: what somebody changed in the account by hand since it was applied, told apart from all else.

A plan also holds what the files want and the account does not have yet; here only the causes `drift` and
`conflict` count. Nothing is written: what is read goes through clients that can only GET.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace

from reconciler import codes
from reconciler.plan import Cause, Change, Plan

DRIFT_CAUSES = (Cause.DRIFT, Cause.CONFLICT)


def drift_of(plan: Plan, ignore: Collection[str] = ()) -> Plan:
    """Return the plan with the changes that are drift or conflict only.

    Fields named in `ignore` do not count: a number that differs in nothing else is left out. Warnings
    about limits are left out as well, they are about applying the whole plan.
    """
    changes = (_without(change, ignore) for change in plan.changes if change.cause in DRIFT_CAUSES)
    return replace(
        plan,
        changes=tuple(change for change in changes if change.fields),
        diagnostics=tuple(item for item in plan.diagnostics if item.code != codes.OVER_A_LIMIT),
    )


def fingerprint_of(change: Change) -> str:
    """Return 16 hex digits that stay the same as long as the very same drift is there."""
    told = [[field.field, field.before, field.after] for field in change.fields]
    content = json.dumps([change.account, change.region, change.sid, change.cause, told])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _without(change: Change, ignore: Collection[str]) -> Change:
    return replace(change, fields=tuple(field for field in change.fields if field.field not in ignore))
