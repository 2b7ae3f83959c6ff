"""The limits that stop an apply, and the exact words that lift them."""

from __future__ import annotations

import pytest

from reconciler.planning.plan import Action, Cause, Change, Ownership, Plan
from reconciler.planning.safety import breaches, limit_notes, not_allowed
from reconciler.resource.settings import Settings
from tests.reconciler.numbers import NOW


def plan_with(counts: dict[str, int], *, ours: int = 0, new_host: str | None = None) -> Plan:
    changes = tuple(
        Change(
            "main",
            "us1",
            f"PN{index}",
            f"+1{index}",
            "a",
            Action(name),
            Cause.NEW,
            (),
            Settings(),
            Settings(),
            None,
        )
        for name, count in counts.items()
        for index in range(count)
    )
    return Plan(created_at=NOW, changes=changes, ownership=Ownership(ours, new_host))


@pytest.mark.parametrize(
    ("ours", "counts", "breached"),
    [
        (3, {"update": 3}, []),
        (4, {"update": 4}, ["updates"]),
        (8, {"update": 4}, []),
        (8, {"update": 3, "reroute": 2}, ["updates"]),
        (3, {"detach": 3}, []),
        (19, {"detach": 4}, ["detaches"]),
        (20, {"detach": 4}, []),
        (0, {"adopt": 500}, []),
    ],
)
def test_limits_fit_small_fleets_and_large_ones(
    ours: int, counts: dict[str, int], breached: list[str]
) -> None:
    assert [breach.kind for breach in breaches(plan_with(counts, ours=ours))] == breached


def test_an_override_names_exactly_what_the_plan_has() -> None:
    plan = plan_with({"update": 43}, ours=60)
    assert not_allowed(plan, {"updates": 42})
    assert not not_allowed(plan, {"updates": 43})
    assert not_allowed(plan, {"detaches": 43})


def test_every_limit_needs_its_own_override() -> None:
    plan = plan_with({"update": 8, "detach": 4}, ours=10, new_host="new.example")
    assert [breach.override for breach in not_allowed(plan, {})] == [
        "--allow updates=8",
        "--allow detaches=4",
        "--allow hosts=1",
    ]
    assert not not_allowed(plan, {"updates": 8, "detaches": 4, "hosts": 1})


def test_the_plan_says_beforehand_what_apply_will_need() -> None:
    (note,) = limit_notes(plan_with({}, new_host="new.example"))
    assert "new.example" in note.message
    assert "--allow hosts=1" in note.message
