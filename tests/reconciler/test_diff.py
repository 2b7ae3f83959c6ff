"""What a plan says about each number, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Action, Cause, Plan, SkipReason
from reconciler.resource.desired import DesiredNumber
from reconciler.resource.live import LiveNumber
from reconciler.resource.marker import add_marker, marker_in
from reconciler.resource.settings import Settings
from tests.reconciler.numbers import (
    BLANK,
    FRONT_DESK,
    NOW,
    POLICY,
    PUBLIC_URL,
    SALES,
    applied,
    changed_fields,
    edited,
    live,
    taking_over,
    wanted,
)

SOMEBODYS = "https://hooks.agency.example/voice"
VOICE_URL = f"{PUBLIC_URL}/voice/front-desk"


def planned(
    desired: DesiredNumber | Sequence[DesiredNumber],
    numbers: LiveNumber | Sequence[LiveNumber],
    policy: Policy = POLICY,
) -> Plan:
    every = [desired] if isinstance(desired, DesiredNumber) else desired
    records = [numbers] if isinstance(numbers, LiveNumber) else numbers
    return diff(every, records, policy, NOW)


def verdict(plan: Plan) -> tuple[Action, Cause]:
    (change,) = plan.changes
    return change.action, change.cause


def skipped(plan: Plan) -> tuple[SkipReason, str]:
    assert not plan.changes
    (item,) = plan.skipped
    return item.reason, item.detail


def test_a_blank_number_is_adopted_with_everything_that_it_is_given() -> None:
    plan = planned(wanted(), live())
    assert verdict(plan) == (Action.ADOPT, Cause.NEW)
    assert changed_fields(plan) == {
        "voice_url": ("", VOICE_URL),
        "voice_fallback_url": ("", f"{VOICE_URL}/fallback"),
        "status_callback": ("", f"{VOICE_URL}/status"),
    }


def test_all_managed_fields_go_into_the_write_and_every_url_of_ours_carries_the_marker() -> None:
    (change,) = planned(wanted(friendly_name="Desk"), live()).changes
    written = dict(change.write.managed())
    assert written.keys() == {
        "voice_url", "voice_method", "voice_fallback_url", "voice_fallback_method", "status_callback",
        "status_callback_method", "voice_application_sid", "trunk_sid", "friendly_name",
    }  # fmt: skip
    assert written["voice_application_sid"] == written["trunk_sid"] == ""
    markers = {marker_in(url) for _, url in change.write.urls()}
    assert len(markers) == 1
    assert None not in markers


def test_a_fallback_on_another_host_is_left_to_the_letter() -> None:
    fallback = "https://static.example/sorry.xml#rc=1"
    (change,) = planned(wanted(fallback_url=fallback), live()).changes
    assert change.write.voice_fallback_url == fallback
    assert change.write.voice_fallback_method is None


def test_a_fallback_of_ours_keeps_its_fragment_behind_the_marker() -> None:
    fallback = f"{PUBLIC_URL}/sorry#rc=1"
    (change,) = planned(wanted(fallback_url=fallback), live()).changes
    assert change.write.voice_fallback_url is not None
    assert change.write.voice_fallback_url.startswith(f"{PUBLIC_URL}/sorry?tm=")
    assert change.write.voice_fallback_url.endswith("#rc=1")


@pytest.mark.parametrize(
    "url", ["", "https://demo.twilio.com/welcome/voice/", VOICE_URL, f"{PUBLIC_URL}/something/old"]
)
def test_blank_demo_and_our_own_urls_are_adopted(url: str) -> None:
    assert verdict(planned(wanted(), live(stored=replace(BLANK, voice_url=url)))) == (
        Action.ADOPT,
        Cause.NEW,
    )


def test_an_applied_number_is_unchanged() -> None:
    plan = planned(wanted(friendly_name="Desk"), applied(wanted(friendly_name="Desk")))
    assert not plan.changes
    assert [item.number for item in plan.unchanged] == [FRONT_DESK]


def test_where_only_the_marker_differs_there_is_nothing_to_write() -> None:
    number = applied(wanted())
    other = {field: add_marker(url, "00ffffffffff") for field, url in number.bare.urls()}
    assert not planned(wanted(), edited(number, **other)).changes
    assert not planned(wanted(), live(stored=number.bare)).changes


def test_a_file_ahead_of_the_marker_is_pending() -> None:
    plan = planned(wanted(friendly_name="New name"), applied(wanted(friendly_name="Old name")))
    assert verdict(plan) == (Action.UPDATE, Cause.PENDING)
    assert changed_fields(plan) == {"friendly_name": ("Old name", "New name")}


def test_an_account_ahead_of_the_marker_is_drift() -> None:
    plan = planned(wanted(), edited(applied(wanted()), voice_method="GET"))
    assert verdict(plan) == (Action.UPDATE, Cause.DRIFT)
    assert changed_fields(plan) == {"voice_method": ("GET", "POST")}


def test_a_voice_url_replaced_by_hand_is_drift_as_long_as_one_marker_survives() -> None:
    number = edited(applied(wanted()), voice_url=SOMEBODYS, voice_fallback_url="")
    assert verdict(planned(wanted(), number)) == (Action.UPDATE, Cause.DRIFT)


def test_both_ahead_is_a_conflict_and_the_file_wins() -> None:
    number = edited(applied(wanted(friendly_name="Old")), voice_method="GET")
    plan = planned(wanted(friendly_name="New"), number)
    assert verdict(plan) == (Action.UPDATE, Cause.CONFLICT)
    assert changed_fields(plan)["friendly_name"] == ("Old", "New")


def test_a_number_that_goes_to_another_agent_is_pending() -> None:
    plan = planned(wanted(agent="sales"), applied(wanted()))
    assert verdict(plan) == (Action.UPDATE, Cause.PENDING)
    assert changed_fields(plan)["voice_url"] == (VOICE_URL, f"{PUBLIC_URL}/voice/sales")


@pytest.mark.parametrize("field", ["trunk_sid", "voice_application_sid"])
def test_a_trunk_or_application_put_by_hand_on_a_number_of_ours_is_drift(field: str) -> None:
    plan = planned(wanted(), edited(applied(wanted()), **{field: "XX1"}))
    assert verdict(plan) == (Action.UPDATE, Cause.DRIFT)
    assert changed_fields(plan) == {field: ("XX1", "")}
    (change,) = plan.changes
    assert "XX1" in change.reach_before
    assert change.reach_after == VOICE_URL


def test_a_number_that_the_account_does_not_have_is_skipped() -> None:
    assert skipped(planned(wanted(), live(SALES)))[0] is SkipReason.NO_MATCHING_NUMBER


def test_a_record_in_another_region_is_not_the_one_that_answers() -> None:
    assert skipped(planned(wanted(region="ie1"), live()))[0] is SkipReason.NO_MATCHING_NUMBER


def test_a_number_without_voice_is_skipped() -> None:
    assert skipped(planned(wanted(), live(can_voice=False)))[0] is SkipReason.NO_VOICE_CAPABILITY


def test_an_agent_that_only_calls_out_takes_no_webhook() -> None:
    assert skipped(planned(wanted(inbound=False), live()))[0] is SkipReason.OUTBOUND_ONLY


@pytest.mark.parametrize("field", ["voice_url", "voice_fallback_url", "status_callback"])
def test_somebody_elses_url_is_skipped_and_its_owner_named(field: str) -> None:
    reason, detail = skipped(planned(wanted(), live(stored=BLANK.with_values({field: SOMEBODYS}))))
    assert reason is SkipReason.FOREIGN_WEBHOOK
    assert SOMEBODYS in detail


def test_a_fallback_that_already_is_the_declared_one_belongs_to_nobody_else() -> None:
    number = live(stored=replace(BLANK, voice_fallback_url="https://static.example/s"))
    assert planned(wanted(fallback_url="https://static.example/s"), number).changes


def test_a_number_behind_a_trunk_is_skipped_before_its_application_and_its_url() -> None:
    stored = replace(BLANK, trunk_sid="TK1", voice_application_sid="AP1", voice_url=SOMEBODYS)
    reason, detail = skipped(planned(wanted(), live(stored=stored)))
    assert reason is SkipReason.DRIVEN_BY_TRUNK
    assert "TK1" in detail


def test_a_number_behind_an_application_is_skipped_although_its_url_is_blank() -> None:
    reason, detail = skipped(planned(wanted(), live(stored=replace(BLANK, voice_application_sid="AP1"))))
    assert reason is SkipReason.DRIVEN_BY_APPLICATION
    assert "AP1" in detail


@pytest.mark.parametrize(
    "stored",
    [
        replace(BLANK, voice_url=SOMEBODYS),
        replace(BLANK, trunk_sid="TK1"),
        replace(BLANK, voice_application_sid="AP1"),
    ],
)
def test_takeover_and_adopt_take_what_is_somebody_elses(stored: Settings) -> None:
    assert planned(taking_over(wanted()), live(stored=stored)).changes
    adopting = replace(POLICY, adopt=frozenset({FRONT_DESK}))
    assert verdict(planned(wanted(), live(stored=stored), adopting)) == (Action.ADOPT, Cause.NEW)


def test_a_number_that_no_file_declares_is_only_named() -> None:
    plan = planned([], applied(wanted()))
    assert not plan.changes
    (note,) = plan.diagnostics
    assert note.severity == "warning"
    assert FRONT_DESK in note.message


def test_prune_blanks_what_is_ours_and_leaves_what_is_not() -> None:
    number = edited(applied(wanted()), voice_fallback_url=SOMEBODYS)
    plan = planned([], number, replace(POLICY, prune=True))
    assert verdict(plan) == (Action.DETACH, Cause.REMOVED)
    assert changed_fields(plan) == {
        "voice_url": (VOICE_URL, ""),
        "status_callback": (f"{VOICE_URL}/status", ""),
    }
    assert not plan.diagnostics
    (change,) = plan.changes
    assert change.agent == "front-desk"
    assert change.place is None


def test_prune_takes_the_declared_fallback_on_another_host_along() -> None:
    fallback = "https://static.example/s"
    policy = replace(POLICY, prune=True, fallback_url=fallback)
    assert changed_fields(planned([], applied(wanted(fallback_url=fallback)), policy))[
        "voice_fallback_url"
    ] == (fallback, "")


def test_prune_never_touches_a_number_that_was_never_ours() -> None:
    plan = planned([], live(stored=replace(BLANK, voice_url=SOMEBODYS)), replace(POLICY, prune=True))
    assert not plan.changes


def test_prune_leaves_a_number_alone_that_is_declared_in_another_region() -> None:
    plan = planned(wanted(region="ie1"), applied(wanted()), replace(POLICY, prune=True))
    assert not plan.changes


def test_a_target_limits_the_plan_and_the_pruning_to_its_agent() -> None:
    desired = [wanted(), wanted(SALES, "sales")]
    orphan = applied(wanted("+14155550125", "night"))
    policy = replace(POLICY, prune=True, targets=frozenset({"sales"}))
    plan = planned(desired, [live(), live(SALES), orphan], policy)
    assert [change.number for change in plan.changes] == [SALES]


def test_a_get_left_behind_by_a_previous_owner_is_put_right() -> None:
    stored = replace(BLANK, status_callback_method="GET")
    assert changed_fields(planned(wanted(), live(stored=stored)))["status_callback_method"] == ("GET", "POST")


def test_a_new_public_url_is_seen_as_a_move_of_the_fleet() -> None:
    old = "https://old.example"
    number = applied(wanted(public_url=old), public_url=old)
    assert planned(wanted(), number).ownership.new_host == "agents.example"
    assert planned(wanted(), edited(applied(wanted()), voice_url=SOMEBODYS)).ownership.new_host is None
    assert planned(wanted(), live()).ownership.new_host is None


def test_one_account_under_two_names_makes_no_number_look_forgotten() -> None:
    twin = replace(applied(wanted()), account="twin")
    plan = planned(wanted(), [applied(wanted()), twin], replace(POLICY, prune=True))
    assert not plan.changes


def test_an_override_that_a_file_no_longer_names_is_taken_away() -> None:
    tuned = wanted(fallback_url=f"{PUBLIC_URL}/sorry#rc=1")
    plan = planned(wanted(fallback_url=f"{PUBLIC_URL}/sorry"), applied(tuned))
    assert verdict(plan) == (Action.UPDATE, Cause.PENDING)
    assert changed_fields(plan) == {"voice_fallback_url": (f"{PUBLIC_URL}/sorry#rc=1", f"{PUBLIC_URL}/sorry")}


def test_an_override_that_a_file_names_and_somebody_changed_is_drift() -> None:
    tuned = wanted(fallback_url=f"{PUBLIC_URL}/sorry#rc=1")
    by_hand = edited(applied(tuned), voice_fallback_url=f"{PUBLIC_URL}/sorry#rc=5")
    assert verdict(planned(tuned, by_hand)) == (Action.UPDATE, Cause.DRIFT)


def test_overrides_of_somebody_elses_url_do_not_come_along() -> None:
    theirs = edited(live(), voice_url="https://hooks.agency.example/voice#rc=2")
    (change,) = planned(wanted(takeover=True), theirs).changes
    assert "#" not in str(change.write.voice_url)


def test_an_override_on_the_declared_fallback_of_another_host_belongs_to_nobody_else() -> None:
    tuned = edited(live(), voice_fallback_url="https://static.example/sorry#rc=2")
    (change,) = planned(wanted(fallback_url="https://static.example/sorry"), tuned).changes
    assert change.write.voice_fallback_url == "https://static.example/sorry#rc=2"
