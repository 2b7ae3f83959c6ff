"""Saved plans: applied exactly, or refused whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Plan
from reconciler.planning.saved import (
    OutdatedPlanError,
    UnreadablePlanError,
    declarations_digest,
    load_plan,
    save_plan,
)
from reconciler.resource.desired import desired_numbers
from schemas import Fleet
from tests.reconciler.fleets import ENVIRONMENT, FLEET, load
from tests.reconciler.numbers import FRONT_DESK, NOW, PUBLIC_URL, applied, edited, live, wanted
from tests.reconciler.wire import TOKEN


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return load(tmp_path / "agents.d")


@pytest.fixture
def plan(fleet: Fleet) -> Plan:
    numbers = [live(FRONT_DESK), applied(wanted("+14155550177", "gone"))]
    return diff(desired_numbers(fleet), numbers, Policy(PUBLIC_URL, prune=True), NOW)


@pytest.fixture
def file(tmp_path: Path, plan: Plan, fleet: Fleet) -> Path:
    saved = tmp_path / "plan.json"
    save_plan(saved, plan, fleet)
    return saved


def test_what_is_loaded_is_what_was_saved(file: Path, plan: Plan, fleet: Fleet) -> None:
    loaded = load_plan(file, fleet)
    assert loaded.plan_id == plan.plan_id
    assert [change.action for change in loaded.changes] == ["adopt", "detach"]
    for one, other in zip(loaded.changes, plan.changes, strict=True):
        assert (one.write, one.expected, one.wanted, one.place) == (
            other.write,
            other.expected,
            other.wanted,
            other.place,
        )
    assert (loaded.skipped, loaded.unchanged, loaded.ownership) == (
        plan.skipped,
        plan.unchanged,
        plan.ownership,
    )


def test_overrides_that_somebody_put_on_a_url_are_saved_with_the_plan(tmp_path: Path, fleet: Fleet) -> None:
    (desired, *_) = desired_numbers(fleet)
    number = applied(desired)
    by_hand = edited(number, status_callback=f"{number.stored.status_callback}#rc=3", voice_method="GET")
    plan = diff([desired], [by_hand], Policy(PUBLIC_URL), NOW)
    saved = tmp_path / "plan.json"
    save_plan(saved, plan, fleet)
    (loaded,) = load_plan(saved, fleet).changes
    assert str(loaded.write.status_callback).endswith("#rc=3")
    assert (loaded.write, loaded.expected) == (plan.changes[0].write, plan.changes[0].expected)


def test_the_file_holds_no_secret_and_no_marker(file: Path) -> None:
    assert TOKEN not in file.read_text()
    assert "tm=" not in file.read_text()


def test_comments_and_order_do_not_change_the_declarations(file: Path, fleet: Fleet) -> None:
    service, *agents = FLEET.split("---\n")
    text = "# a comment\n" + "---\n".join([*reversed(agents), service])
    assert load_plan(file, load(fleet.folder, text)).changes


def test_another_checkout_of_the_same_files_has_the_same_digest(tmp_path: Path, fleet: Fleet) -> None:
    assert declarations_digest(load(tmp_path / "elsewhere")) == declarations_digest(fleet)


@pytest.mark.parametrize(
    "text",
    [
        FLEET.replace("Take reservations.", "Take orders."),
        FLEET.replace("agents.example", "new.example"),
        FLEET.replace("Sales}", "Sales line}"),
    ],
)
def test_changed_declarations_refuse_the_whole_plan(file: Path, fleet: Fleet, text: str) -> None:
    with pytest.raises(OutdatedPlanError, match="declarations"):
        load_plan(file, load(fleet.folder, text))


def test_another_account_refuses_the_whole_plan(file: Path, fleet: Fleet) -> None:
    other = {**ENVIRONMENT, "TWILIO_ACCOUNT_SID": "AC" + "9" * 32}
    with pytest.raises(OutdatedPlanError, match="account"):
        load_plan(file, load(fleet.folder, environ=other))


def _edit(file: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def _major(document: Any) -> None:
    document["tool_version"] = "9.0.0"


def _format(document: Any) -> None:
    document["format_version"] = "2.0"


def _target(document: Any) -> None:
    document["changes"][0]["sid"] = "PN9"


def _before(document: Any) -> None:
    document["changes"][0]["fields"][0]["before"] = "https://elsewhere.example/"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_major, "by version 9.0.0"),
        (_format, "in format 2.0"),
        (_target, "was edited"),
        (_before, "was edited"),
    ],
)
def test_another_major_version_or_an_edited_file_is_refused_with_the_reason(
    file: Path, fleet: Fleet, change: Callable[[Any], None], told: str
) -> None:
    _edit(file, change)
    with pytest.raises(OutdatedPlanError, match=told):
        load_plan(file, fleet)


def _field(document: Any) -> None:
    document["changes"][0]["fields"][0]["field"] = "account_sid"


def _drop(document: Any) -> None:
    del document["rests_on"]


@pytest.mark.parametrize("change", [_field, _drop])
def test_what_is_no_plan_is_named_without_a_traceback(
    file: Path, fleet: Fleet, change: Callable[[Any], None]
) -> None:
    _edit(file, change)
    with pytest.raises(UnreadablePlanError):
        load_plan(file, fleet)


def test_any_other_file_is_no_plan(tmp_path: Path, fleet: Fleet) -> None:
    (tmp_path / "x").write_text("hello")
    with pytest.raises(UnreadablePlanError, match="not a saved plan"):
        load_plan(tmp_path / "x", fleet)
