"""SMS of an agent's numbers: planned with the calls, taken from nobody unasked, given back when given up."""

from __future__ import annotations

from pathlib import Path

from reconciler.planning.diff import diff
from reconciler.planning.plan import Cause, SkipReason
from reconciler.resource.desired import DesiredNumber, desired_numbers
from tests.reconciler.fleets import load
from tests.reconciler.numbers import (
    BLANK,
    FRONT_DESK,
    NOW,
    POLICY,
    PUBLIC_URL,
    applied,
    changed_fields,
    edited,
    live,
)
from tests.reconciler.test_importing import RegionalAccount, imported, planned

URL = f"{PUBLIC_URL}/whatsapp/front-desk"
SOMEBODYS = "https://hooks.agency.example/sms"
FLEET = f"""\
kind: Service
name: test
public_url: {PUBLIC_URL}
---
kind: Agent
name: front-desk
numbers: ["{FRONT_DESK}"]
instructions: Take reservations.
"""


def number_of(folder: Path, fields: str = "sms: true\n") -> DesiredNumber:
    (wanted,) = desired_numbers(load(folder, FLEET + fields))
    return wanted


def test_an_agent_that_answers_sms_gets_those_of_its_numbers(tmp_path: Path) -> None:
    plan = diff([number_of(tmp_path)], [live()], POLICY, NOW)
    assert changed_fields(plan)["sms_url"] == ("", URL)


def test_what_was_applied_is_unchanged(tmp_path: Path) -> None:
    wanted = number_of(tmp_path)
    plan = diff([wanted], [applied(wanted)], POLICY, NOW)
    assert not plan.changes
    assert len(plan.unchanged) == 1


def test_sms_that_nobody_declared_are_nobodys_business(tmp_path: Path) -> None:
    theirs = BLANK.with_values({"sms_url": SOMEBODYS, "sms_application_sid": "AP1"})
    plan = diff([number_of(tmp_path, "")], [live(stored=theirs)], POLICY, NOW)
    assert "sms_url" not in changed_fields(plan)
    assert not plan.skipped


def test_a_number_whose_sms_somebody_gets_is_skipped_unless_it_is_to_be_taken_over(tmp_path: Path) -> None:
    calls_only = applied(number_of(tmp_path, ""))
    for theirs, told in (("sms_url", SOMEBODYS), ("sms_application_sid", "AP1")):
        taken = edited(calls_only, **{theirs: told})
        (skipped,) = diff([number_of(tmp_path)], [taken], POLICY, NOW).skipped
        assert skipped.reason is SkipReason.FOREIGN_WEBHOOK
        assert told in skipped.detail

        plan = diff([number_of(tmp_path, "sms: true\ntakeover: true\n")], [taken], POLICY, NOW)
        assert changed_fields(plan)[theirs][0] == told


def test_sms_that_were_ours_and_changed_by_hand_are_drift(tmp_path: Path) -> None:
    wanted = number_of(tmp_path)
    plan = diff([wanted], [edited(applied(wanted), sms_url=SOMEBODYS)], POLICY, NOW)
    assert changed_fields(plan) == {"sms_url": (SOMEBODYS, URL)}
    assert plan.changes[0].cause is Cause.DRIFT


def test_an_agent_that_answers_no_sms_any_more_gives_them_back_once(tmp_path: Path) -> None:
    before, after = number_of(tmp_path), number_of(tmp_path, "")
    plan = diff([after], [applied(before)], POLICY, NOW)
    assert changed_fields(plan) == {"sms_url": (URL, "")}
    assert plan.changes[0].cause is Cause.PENDING

    written = dict(plan.changes[0].write.managed())
    assert not diff([after], [edited(applied(before), **written)], POLICY, NOW).changes


def test_an_import_declares_the_sms_that_are_ours_so_that_the_plan_is_empty(tmp_path: Path) -> None:
    live_number = applied(number_of(tmp_path))
    folder = tmp_path / "imported"
    folder.mkdir()
    account = RegionalAccount([live_number])
    imported(folder, account)
    (file,) = folder.glob("*.yaml")
    assert "sms: true\n" in file.read_text()
    plan = planned(folder, account)
    assert not plan.changes
    assert [unchanged.agent for unchanged in plan.unchanged] == ["front-desk"]
