"""Numbers whose calls are processed outside of us1: whose they are, and in which order they move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.api.errors import ApiRefusedError, ApiUnavailableError
from reconciler.applying.journal import Journal
from reconciler.applying.report import AlreadyDone, Failed, Outcome, Stale, Updated
from reconciler.applying.writing import ChangeWriter
from reconciler.output.text import outcome_line, plan_text
from reconciler.output.wording import visible_changes
from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Action, Cause, Change, Plan, SkipReason
from reconciler.planning.safety import breaches
from reconciler.planning.saved import load_plan, save_plan
from reconciler.resource.desired import DesiredNumber, desired_numbers
from reconciler.resource.live import LiveNumber
from reconciler.resource.settings import Settings
from tests.reconciler.fleets import FLEET, load
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
    sid_of,
    taking_over,
    wanted,
)
from tests.reconciler.regions import REGIONS, MemoryRegions

SOMEBODYS = "https://hooks.agency.example/voice"
IRISH = wanted(region="ie1")
VOICE_URL = f"{PUBLIC_URL}/voice/front-desk"


def planned(desired: DesiredNumber, account: MemoryRegions, policy: Policy = POLICY) -> Plan:
    return diff([desired], account.live(), policy, NOW)


def the_change(plan: Plan) -> Change:
    (change,) = plan.changes
    return change


Run = Callable[[Change, MemoryRegions], Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Write one change in virtual time."""

    async def sleep(seconds: float) -> None:
        assert seconds >= 0

    def write(change: Change, account: MemoryRegions) -> Outcome:
        with closing(Journal(tmp_path / "run.jsonl", "plan")) as journal:
            writer = ChangeWriter(journal, clock=lambda: NOW, sleep=sleep, jitter=lambda: 1.0)
            port = account(change.account, change.region)
            return asyncio.run(writer.write(change, port, account("main", change.now.voice_region or "us1")))

    return write


def in_both(us1: LiveNumber, ie1: LiveNumber | None = None, *, answers: str = "us1") -> MemoryRegions:
    return MemoryRegions.of(us1, ie1 or live(region="ie1"), routes={FRONT_DESK: answers})


def test_a_number_of_ours_that_answers_elsewhere_is_rerouted() -> None:
    plan = planned(IRISH, in_both(applied(wanted())))
    change = the_change(plan)
    assert (change.action, change.cause, change.region) == (Action.REROUTE, Cause.PENDING, "ie1")
    assert changed_fields(plan)["voice_region"] == ("us1", "ie1")
    assert changed_fields(plan)["voice_url"] == ("", VOICE_URL)


def test_a_new_number_that_also_moves_is_adopted() -> None:
    plan = planned(IRISH, in_both(live()))
    change = the_change(plan)
    assert (change.action, change.cause) == (Action.ADOPT, Cause.NEW)
    assert changed_fields(plan)["voice_region"] == ("us1", "ie1")


def test_a_number_that_answers_where_it_is_declared_is_unchanged_whatever_other_regions_hold() -> None:
    account = in_both(live(stored=replace(BLANK, voice_url=SOMEBODYS)), applied(IRISH), answers="ie1")
    plan = planned(IRISH, account)
    assert not plan.changes
    assert [item.number for item in plan.unchanged] == [FRONT_DESK]
    assert not plan.diagnostics


def test_a_route_that_somebody_switched_by_hand_is_drift() -> None:
    change = the_change(planned(IRISH, in_both(applied(wanted()), applied(IRISH))))
    assert (change.action, change.cause) == (Action.REROUTE, Cause.DRIFT)
    assert [field.field for field in change.fields] == ["voice_region"]


def test_a_number_that_comes_home_is_rerouted_to_us1() -> None:
    account = in_both(live(), applied(IRISH), answers="ie1")
    change = the_change(planned(wanted(), account))
    assert (change.action, change.region) == (Action.REROUTE, "us1")


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (replace(BLANK, voice_url=SOMEBODYS), SkipReason.FOREIGN_WEBHOOK),
        (replace(BLANK, trunk_sid="TK1"), SkipReason.DRIVEN_BY_TRUNK),
        (replace(BLANK, voice_application_sid="AP1"), SkipReason.DRIVEN_BY_APPLICATION),
    ],
)
@pytest.mark.parametrize("theirs", ["us1", "ie1"])
def test_a_move_takes_no_calls_away_from_somebody_else(
    stored: Settings, reason: SkipReason, theirs: str
) -> None:
    records = [live(region=region, stored=stored if region == theirs else BLANK) for region in ("us1", "ie1")]
    account = in_both(*records)
    plan = planned(IRISH, account)
    (skipped,) = plan.skipped
    assert skipped.reason is reason
    assert f"in region {theirs}" in skipped.detail
    assert planned(taking_over(IRISH), account).changes


def test_where_nobody_can_look_a_number_is_not_taken() -> None:
    unseen = live(region="ie1").routed("au1")
    plan = diff([IRISH], [unseen], POLICY, NOW)
    (skipped,) = plan.skipped
    assert skipped.reason is SkipReason.FOREIGN_WEBHOOK
    assert "au1" in skipped.detail
    adopting = replace(POLICY, adopt=frozenset({FRONT_DESK}))
    assert "whatever answers, in au1" in the_change(diff([IRISH], [unseen], adopting, NOW)).reach_before


def test_the_plan_says_what_callers_reach_now_and_where_and_that_it_takes_minutes() -> None:
    plan = planned(taking_over(IRISH), in_both(live(stored=replace(BLANK, trunk_sid="TK1"))))
    reach = visible_changes(the_change(plan))[-1]
    assert (reach.before, reach.after) == ("trunk TK1, in us1", f"{VOICE_URL}, in ie1")
    (note,) = plan.diagnostics
    assert "5 minutes" in note.message
    assert note.place == IRISH.place
    assert "trunk TK1, in us1" in plan_text(plan).plain


def test_a_move_is_an_update_for_the_limits_and_one_number_counts_once() -> None:
    numbers = [f"+1415555{index:04}" for index in range(5)]
    account = MemoryRegions.of(
        *(applied(wanted(number)) for number in numbers),
        *(applied(wanted(number, region="ie1")) for number in numbers),
    )
    desired = [wanted(number, region="ie1") for number in numbers]
    plan = diff(desired, account.live(), POLICY, NOW)
    assert plan.ownership.ours == 5
    assert [breach.override for breach in breaches(plan)] == ["--allow updates=5"]


@pytest.mark.parametrize("answers", ["us1", "ie1"])
def test_a_number_that_moved_and_that_no_file_declares_is_detached_once(answers: str) -> None:
    numbers = [f"+1415555{index:04}" for index in range(4)]
    account = MemoryRegions.of(
        *(applied(wanted(number)) for number in numbers),
        *(applied(wanted(number, region="ie1")) for number in numbers),
        routes=dict.fromkeys(numbers, answers),
    )
    plan = diff([], account.live(), replace(POLICY, prune=True), NOW)
    assert [(change.number, change.region) for change in plan.changes] == [
        (number, answers) for number in numbers
    ]
    assert [breach.override for breach in breaches(plan)] == ["--allow detaches=4"]


def test_the_record_is_written_and_read_back_before_the_route_is_switched(run: Run) -> None:
    account = in_both(applied(wanted()))
    assert isinstance(run(the_change(planned(IRISH, account)), account), Updated)
    irish = account.regions["ie1"]
    record, route = irish.writes
    assert record == (sid_of(FRONT_DESK), applied(IRISH).stored.masked_by(record[1]))
    assert route == (FRONT_DESK, Settings(voice_region="ie1"))
    assert account.routes == {FRONT_DESK: "ie1"}
    assert not account.regions["us1"].writes
    assert not planned(IRISH, account).changes


def test_a_record_that_was_not_kept_leaves_the_route_alone(run: Run) -> None:
    account = in_both(applied(wanted()))
    account.regions["ie1"].forgetful = frozenset({FRONT_DESK})
    outcome = run(the_change(planned(IRISH, account)), account)
    assert isinstance(outcome, Failed)
    assert outcome.code == "not_stored"
    assert account.routes == {FRONT_DESK: "us1"}


def test_a_route_that_cannot_be_switched_is_failed_with_what_was_done(run: Run) -> None:
    account = in_both(applied(wanted()))
    refusal = ApiRefusedError("No permission", status=403, code=20403)
    account.regions["ie1"].errors[f"route of {FRONT_DESK}"] = [refusal]
    change = the_change(planned(IRISH, account))
    outcome = run(change, account)
    assert isinstance(outcome, Failed)
    assert (outcome.status, outcome.code, outcome.change) == (403, 20403, change)
    assert "its record in ie1 was written before that, the rest is not" in outcome.message
    assert account.routes == {FRONT_DESK: "us1"}


def test_the_same_plan_completes_a_move_that_was_cut_off(run: Run) -> None:
    account = in_both(applied(wanted()))
    change = the_change(planned(IRISH, account))
    account.regions["ie1"].errors[f"route of {FRONT_DESK}"] = [ApiRefusedError("no", status=400)]
    run(change, account)
    assert isinstance(run(change, account), Updated)
    assert [sid for sid, _ in account.regions["ie1"].writes] == [sid_of(FRONT_DESK), FRONT_DESK, FRONT_DESK]
    assert isinstance(run(change, account), AlreadyDone)


def test_a_record_that_calls_are_routed_away_from_is_written_after_the_route(run: Run) -> None:
    account = in_both(applied(wanted()), applied(IRISH), answers="ie1")
    back = replace(
        the_change(planned(IRISH, in_both(applied(wanted()), applied(IRISH)))),
        now=replace(applied(IRISH).bare, voice_region="ie1"),
        write=Settings(voice_url="", voice_region="us1"),
    )
    assert isinstance(run(back, account), Updated)
    assert account.regions["ie1"].writes == [
        (FRONT_DESK, Settings(voice_region="us1")),
        (sid_of(FRONT_DESK), Settings(voice_url="")),
    ]


def test_a_saved_plan_keeps_the_move(tmp_path: Path) -> None:
    text = FLEET.replace('["+14155550123"]', '[{number: "+14155550123", region: ie1}]')
    fleet = load(tmp_path / "agents.d", text)
    desired = [wanted for wanted in desired_numbers(fleet) if wanted.number == FRONT_DESK]
    plan = diff(desired, in_both(applied(wanted())).live(), POLICY, NOW)
    save_plan(tmp_path / "plan.json", plan, fleet)
    saved = the_change(load_plan(tmp_path / "plan.json", fleet))
    change = the_change(plan)
    assert (saved.expected, saved.write, saved.steps) == (change.expected, change.write, saved.steps)
    assert saved.steps[1].write == Settings(voice_region="ie1")
    assert saved.reach_before == change.reach_before == f"{VOICE_URL}, in us1"


def test_a_route_without_an_answer_is_repeated_after_a_look(run: Run) -> None:
    account = in_both(applied(wanted()))
    irish = account.regions["ie1"]
    irish.errors[f"route of {FRONT_DESK}"] = [ApiUnavailableError("no answer")]
    irish.stores_first = True
    assert isinstance(run(the_change(planned(IRISH, account)), account), Updated)
    assert len(irish.writes) == 2


@pytest.mark.parametrize("meanwhile", ["record", "route", "answering"])
def test_what_somebody_changed_since_the_plan_is_stale(run: Run, meanwhile: str) -> None:
    account = in_both(applied(wanted()))
    change = the_change(planned(IRISH, account))
    if meanwhile == "record":
        account.regions["ie1"].edit(FRONT_DESK, voice_url=SOMEBODYS)
    elif meanwhile == "answering":
        account.regions["us1"].edit(FRONT_DESK, voice_url=SOMEBODYS)
    else:
        account.routes[FRONT_DESK] = "au1"
    assert isinstance(run(change, account), Stale)
    assert not account.writes


def test_the_report_says_that_calls_follow_within_minutes() -> None:
    line = outcome_line(Updated(the_change(planned(IRISH, in_both(live())))))
    assert "up to 5 minutes" in line.plain
    assert "ie1" in line.plain


regions = st.sampled_from(REGIONS)
histories = st.sampled_from(["blank", "ours", "theirs", "edited"])


@st.composite
def accounts(draw: st.DrawFn) -> MemoryRegions:
    """Two numbers with a record of any history in each region, routed anywhere."""
    records = []
    for number in (FRONT_DESK, SALES):
        for region in REGIONS:
            ours = applied(wanted(number, region=region))
            records.append(
                {
                    "blank": live(number, region=region),
                    "ours": ours,
                    "theirs": live(number, replace(BLANK, voice_url=SOMEBODYS), region=region),
                    "edited": edited(ours, voice_method="GET"),
                }[draw(histories)]
            )
    routes = {number: draw(regions) for number in (FRONT_DESK, SALES) if draw(st.booleans())}
    return MemoryRegions.of(*records, routes=routes)


fleets = st.builds(
    lambda first, second, takeover: [
        wanted(FRONT_DESK, region=first, takeover=takeover),
        wanted(SALES, "sales", region=second),
    ],
    regions,
    regions,
    st.booleans(),
)
law = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@law
@given(accounts(), fleets)
def test_after_an_apply_every_number_answers_where_it_is_declared(
    run: Run, account: MemoryRegions, fleet: list[DesiredNumber]
) -> None:
    plan = diff(fleet, account.live(), POLICY, NOW)
    for change in plan.changes:
        assert change.fields
        assert isinstance(run(change, account), Updated)
    again = diff(fleet, account.live(), POLICY, NOW + timedelta(hours=1))
    assert not again.changes
    assert again.skipped == plan.skipped
    left_alone = {skipped.number for skipped in plan.skipped}
    for desired in fleet:
        if desired.number not in left_alone:
            assert account.routes.get(desired.number, "us1") == desired.region


@law
@given(accounts(), fleets)
def test_nothing_of_somebody_elses_is_taken_unasked(
    run: Run, account: MemoryRegions, fleet: list[DesiredNumber]
) -> None:
    """A number that somebody answers, and that is ours in no region that counts, keeps answering there."""
    before = {
        desired.number: account(desired.account, account.routes.get(desired.number, "us1")).numbers[
            sid_of(desired.number)
        ]
        for desired in fleet
    }
    for change in diff(fleet, account.live(), POLICY, NOW).changes:
        answering = before[change.number]
        declared = account("main", change.region).numbers[change.sid]
        theirs = answering.stored.voice_url == SOMEBODYS and declared.marker is None
        assert not theirs or any(desired.takeover for desired in fleet if desired.number == change.number)
