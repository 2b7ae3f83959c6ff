"""Drift: what somebody changed in the account by hand since it was applied, told apart from all else.

A plan also holds what the files want and the account does not have yet; here only the causes `drift` and
`conflict` count. Nothing is written: what is read goes through clients that can only GET.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.api.errors import ApiError
from reconciler.applying.report import key_of
from reconciler.drift.attribution import Attribution
from reconciler.output.documents import plan_document
from reconciler.output.wording import listed_counts
from reconciler.planning import codes
from reconciler.planning.plan import Cause, Change, Plan, Skipped, SkipReason
from schemas.places import Diagnostic

DRIFT_CAUSES = (Cause.DRIFT, Cause.CONFLICT)


@dataclass(frozen=True, slots=True)
class Drift:
    """What a check found: `plan` has changes of the causes drift and conflict only.

    `who` names the authors of each change (by `key_of`) where they were asked for; `not_known` is why they
    could not be learned.
    """

    plan: Plan
    who: Mapping[str, Sequence[Attribution]] = field(default_factory=dict)
    not_known: ApiError | None = None

    @property
    def summary(self) -> str:
        """Say in one line how many numbers drifted, and how many of the declared ones are not there."""
        counts = [
            (sum(1 for change in self.plan.changes if change.cause is cause), word)
            for cause, word in ((Cause.DRIFT, "drifted"), (Cause.CONFLICT, "in conflict"))
        ]
        drifted = listed_counts(counts) or "No drift"
        absent = listed_counts([(len(missing(self.plan)), "declared but not in the account")])
        return ", ".join(part for part in (drifted, absent) if part)

    def noted(self) -> Plan:
        """Return the plan with the authors among its diagnostics, where every output shows them."""
        notes = [
            Diagnostic("warning", codes.CHANGED_BY, f"{change.number} was changed by {author}", change.place)
            for change in self.plan.changes
            for author in self.who.get(key_of(change), ())
        ]
        if self.not_known is not None:
            message = f"who changed it is not known: {self.not_known.message}"
            notes.append(Diagnostic("warning", codes.AUTHOR_NOT_KNOWN, message, None))
        return replace(self.plan, diagnostics=(*self.plan.diagnostics, *notes))


def drift_document(drift: Drift) -> dict[str, object]:
    """Return the plan's document; with `--who` each change has its authors under `who`."""
    document = plan_document(drift.noted())
    items = document["changes"]
    assert isinstance(items, list), "a plan's document lists its changes"
    for item, change in zip(items, drift.plan.changes, strict=True):
        authors = drift.who.get(key_of(change))
        if authors is not None:
            item["who"] = [_author(author) for author in authors]
    return document


def _author(author: Attribution) -> dict[str, object]:
    return {
        "actor": author.actor,
        "actor_type": author.actor_type,
        "at": author.at.isoformat(),
        "source_ip": author.source_ip,
        "previous": dict(author.previous),
    }


def drift_of(plan: Plan, ignore: Collection[str] = ()) -> Plan:
    """Return the plan with the changes that are drift or conflict only.

    Fields named in `ignore` do not count: a number that differs in nothing else is left out. Warnings
    about limits are left out as well, they are about applying the whole plan, and so are numbers that are
    only called from: nobody applied anything to them.
    """
    changes = (_without(change, ignore) for change in plan.changes if change.cause in DRIFT_CAUSES)
    return replace(
        plan,
        changes=tuple(change for change in changes if change.fields),
        skipped=tuple(item for item in plan.skipped if item.reason is not SkipReason.OUTBOUND_ONLY),
        diagnostics=tuple(item for item in plan.diagnostics if item.code != codes.OVER_A_LIMIT),
    )


def missing(plan: Plan) -> tuple[Skipped, ...]:
    """Return the declared numbers that the account does not have: released by hand, or not bought yet.

    The account keeps no trace that would tell the one from the other, so they are named and not counted as
    drift.
    """
    return tuple(item for item in plan.skipped if item.reason is SkipReason.NO_MATCHING_NUMBER)


def fingerprint_of(change: Change) -> str:
    """Return 16 hex digits that stay the same as long as the very same drift is there."""
    told = [[field.field, field.before, field.after] for field in change.fields]
    content = json.dumps([change.account, change.region, change.sid, change.cause, told])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _without(change: Change, ignore: Collection[str]) -> Change:
    return replace(change, fields=tuple(field for field in change.fields if field.field not in ignore))
