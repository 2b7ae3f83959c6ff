"""The limits that stop an apply before the first write, and the exact word that lifts each of them.

Adoption is not limited. Small fleets are protected too: a limit is the larger of three numbers and a
share of those that are ours. There is no general force: the override names what the plan has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.planning import codes
from reconciler.planning.plan import Action, Plan
from schemas.places import Diagnostic

KINDS = ("updates", "detaches", "hosts")

_ALWAYS_ALLOWED = 3
_UPDATE_SHARE = 0.5
_DETACH_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Breach:
    """One limit that a plan goes over: `kind` as in `--allow kind=count`, and the limit in words."""

    kind: str
    count: int
    reason: str

    @property
    def override(self) -> str:
        """The flag that lets exactly this plan pass."""
        return f"--allow {self.kind}={self.count}"


def breaches(plan: Plan) -> tuple[Breach, ...]:
    """Return every limit that the plan goes over."""
    ours = plan.ownership.ours
    updates = plan.count(Action.UPDATE) + plan.count(Action.REROUTE)
    detaches = plan.count(Action.DETACH)
    found = []
    if updates > max(_ALWAYS_ALLOWED, _UPDATE_SHARE * ours):
        found.append(Breach("updates", updates, f"{updates} updates among {ours} numbers of ours"))
    if detaches > max(_ALWAYS_ALLOWED, _DETACH_SHARE * ours):
        found.append(Breach("detaches", detaches, f"{detaches} detaches among {ours} numbers of ours"))
    elif detaches and plan.ownership.nothing_declared:
        found.append(Breach("detaches", detaches, f"no number is declared any more, {detaches} detaches"))
    if plan.ownership.new_host:
        found.append(Breach("hosts", 1, f"the fleet moves to another host, {plan.ownership.new_host}"))
    return tuple(found)


def not_allowed(plan: Plan, allowed: Mapping[str, int]) -> tuple[Breach, ...]:
    """Return the limits that are gone over and that `allowed` does not lift with the exact count."""
    return tuple(breach for breach in breaches(plan) if allowed.get(breach.kind) != breach.count)


def limit_notes(plan: Plan) -> tuple[Diagnostic, ...]:
    """Say beforehand, in the plan, what apply will refuse and how to allow it."""
    return tuple(
        Diagnostic(
            "warning", codes.OVER_A_LIMIT, f"{breach.reason}: apply needs {breach.override}", place=None
        )
        for breach in breaches(plan)
    )
