"""Taking a run back: what is restored, and what is left alone because somebody changed it since."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.applying.executor import Executor
from reconciler.applying.journal import Journal
from reconciler.applying.recorded import read_journal
from reconciler.applying.report import Failed, Report
from reconciler.applying.rollback import make_rollback, rollback_plan
from reconciler.applying.writing import ChangeWriter
from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Action, Cause, Plan, SkipReason
from reconciler.planning.safety import breaches
from reconciler.resource.credentials import is_sealed
from reconciler.resource.desired import DesiredNumber
from reconciler.resource.live import LiveNumber
from schemas.errors import TmError
from tests.reconciler import test_laws as laws
from tests.reconciler.fleets import load
from tests.reconciler.numbers import (
    FRONT_DESK,
    NOW,
    POLICY,
    PUBLIC_URL,
    SALES,
    MemoryAccount,
    applied,
    edited,
    live,
    sid_of,
    wanted,
)
from tests.reconciler.wire import ACCOUNT_SID

FOREIGN = "https://hooks.agency.example/voice#rc=2"


@dataclass
class History:
    """An account, and the runs that were made on it, each with its journal."""

    account: MemoryAccount
    folder: Path
    journals: list[Path] = field(default_factory=list)

    def apply(self, plan: Plan) -> Report:
        self.journals.append(self.folder / f"{len(self.journals)}.jsonl")

        async def run() -> Report:
            accounts = {"main": ACCOUNT_SID}
            with closing(Journal(self.journals[-1], plan.plan_id, accounts=accounts)) as journal:
                return await Executor(self.account, ChangeWriter(journal)).apply(plan, asyncio.Event())

        return asyncio.run(run())

    def rollback(self) -> Plan:
        """The plan that takes the last run back."""
        recorded = read_journal(self.journals[-1])
        return rollback_plan(recorded, self.journals[-1], self.live, PUBLIC_URL, NOW)

    @property
    def live(self) -> list[LiveNumber]:
        return list(self.account.numbers.values())


def history(folder: Path, *numbers: LiveNumber) -> History:
    return History(MemoryAccount.of(*numbers), folder)


def test_a_number_that_was_taken_over_goes_back_to_its_owner(tmp_path: Path) -> None:
    theirs = edited(live(FRONT_DESK), voice_url=FOREIGN, trunk_sid="TK1", voice_method="GET")
    past = history(tmp_path, theirs)
    past.apply(diff([wanted(takeover=True)], past.live, POLICY, NOW))
    plan = past.rollback()
    (change,) = plan.changes
    assert (change.action, change.cause) == (Action.DETACH, Cause.ROLLBACK)
    assert str(change.place) == f"{past.journals[-1]}:2:1"
    assert past.apply(plan).exit_code == 0
    assert past.live == [theirs]


def test_old_urls_come_back_with_their_markers_so_that_the_file_is_ahead(tmp_path: Path) -> None:
    former, new = wanted(friendly_name="Desk"), wanted(friendly_name="Front desk")
    past = history(tmp_path, applied(former))
    past.apply(diff([new], past.live, POLICY, NOW))
    past.apply(past.rollback())
    assert past.live == [applied(former)]
    assert not diff([former], past.live, POLICY, NOW).changes
    (change,) = diff([new], past.live, POLICY, NOW).changes
    assert change.cause is Cause.PENDING


def test_what_was_detached_is_ours_again(tmp_path: Path) -> None:
    past = history(tmp_path, applied(wanted()))
    past.apply(diff([], past.live, replace(POLICY, prune=True), NOW))
    plan = past.rollback()
    assert [change.action for change in plan.changes] == [Action.ADOPT]
    past.apply(plan)
    assert past.live == [applied(wanted())]


def test_a_number_that_somebody_changed_since_is_left_alone_and_said(tmp_path: Path) -> None:
    past = history(tmp_path, live(FRONT_DESK), live(SALES))
    past.apply(diff([wanted(), wanted(SALES, "sales")], past.live, POLICY, NOW))
    past.account.edit(FRONT_DESK, voice_url=FOREIGN)
    plan = past.rollback()
    assert [(one.number, one.reason) for one in plan.skipped] == [(FRONT_DESK, SkipReason.CHANGED_SINCE)]
    assert FOREIGN in plan.skipped[0].detail
    report = past.apply(plan)
    assert report.exit_code == 4
    assert past.account.numbers[sid_of(SALES)] == live(SALES)
    assert past.account.numbers[sid_of(FRONT_DESK)].stored.voice_url == FOREIGN


def test_a_number_that_is_changed_between_plan_and_write_is_stale(tmp_path: Path) -> None:
    past = history(tmp_path, live(FRONT_DESK))
    past.apply(diff([wanted()], past.live, POLICY, NOW))
    plan = past.rollback()
    past.account.edit(FRONT_DESK, voice_url=FOREIGN)
    assert past.apply(plan).exit_code == 4
    assert past.account.numbers[sid_of(FRONT_DESK)].stored.voice_url == FOREIGN


def test_a_field_that_the_run_did_not_manage_stays_as_it_is_now(tmp_path: Path) -> None:
    past = history(tmp_path, live(FRONT_DESK))
    past.apply(diff([wanted()], past.live, POLICY, NOW))
    past.account.edit(FRONT_DESK, friendly_name="Renamed meanwhile")
    past.apply(past.rollback())
    assert past.live == [edited(live(FRONT_DESK), friendly_name="Renamed meanwhile")]


def test_connection_overrides_that_were_put_there_since_stay(tmp_path: Path) -> None:
    past = history(tmp_path, applied(wanted(agent="sales")))
    before = past.live[0].stored.voice_url
    past.apply(diff([wanted()], past.live, POLICY, NOW))
    past.account.edit(FRONT_DESK, voice_url=f"{past.live[0].stored.voice_url}#rc=3")
    plan = past.rollback()
    assert not plan.skipped
    assert past.apply(plan).exit_code == 0
    assert past.live[0].stored.voice_url == f"{before}#rc=3"


def test_connection_overrides_go_with_the_url_that_they_were_put_on(tmp_path: Path) -> None:
    theirs = edited(live(FRONT_DESK), voice_url=FOREIGN)
    past = history(tmp_path, theirs)
    past.apply(diff([wanted(takeover=True)], past.live, POLICY, NOW))
    past.account.edit(FRONT_DESK, voice_url=f"{past.live[0].stored.voice_url}#rc=3")
    past.apply(past.rollback())
    assert past.live == [theirs]


def test_taking_back_twice_finds_nothing_left(tmp_path: Path) -> None:
    past = history(tmp_path, live(FRONT_DESK))
    past.apply(diff([wanted()], past.live, POLICY, NOW))
    run = past.journals[-1]
    past.apply(past.rollback())
    again = rollback_plan(read_journal(run), run, past.live, PUBLIC_URL, NOW)
    assert not again.changes
    assert [one.number for one in again.unchanged] == [FRONT_DESK]


def test_a_rollback_can_be_taken_back(tmp_path: Path) -> None:
    past = history(tmp_path, live(FRONT_DESK))
    past.apply(diff([wanted()], past.live, POLICY, NOW))
    after = past.live
    past.apply(past.rollback())
    past.apply(past.rollback())
    assert past.live == after


def test_a_number_that_is_gone_is_skipped(tmp_path: Path) -> None:
    past = history(tmp_path, live(FRONT_DESK))
    past.apply(diff([wanted()], past.live, POLICY, NOW))
    past.account.numbers.clear()
    assert [one.reason for one in past.rollback().skipped] == [SkipReason.NO_MATCHING_NUMBER]


def test_what_twilio_kept_by_half_is_taken_back_as_well(tmp_path: Path) -> None:
    past = history(tmp_path, live(FRONT_DESK))
    past.account.forgetful = frozenset({FRONT_DESK})
    (outcome,) = past.apply(diff([wanted()], past.live, POLICY, NOW)).outcomes
    assert isinstance(outcome, Failed)
    past.account.forgetful = frozenset()
    past.account.edit(FRONT_DESK, voice_url="https://agents.example/voice/front-desk")
    past.apply(past.rollback())
    assert past.live == [live(FRONT_DESK)]


def test_taking_many_numbers_away_from_us_needs_the_exact_word(tmp_path: Path) -> None:
    numbers = [f"+1415555{index:04}" for index in range(5)]
    past = history(tmp_path, *map(live, numbers))
    past.apply(diff([wanted(number) for number in numbers], past.live, POLICY, NOW))
    assert [breach.override for breach in breaches(past.rollback())] == ["--allow detaches=5"]


def test_going_back_to_a_host_that_no_number_is_on_needs_the_exact_word(tmp_path: Path) -> None:
    old = wanted(public_url="https://old.example")
    past = history(tmp_path, applied(old, public_url="https://old.example"))
    past.apply(diff([wanted()], past.live, POLICY, NOW))
    plan = past.rollback()
    assert plan.ownership.new_host == "old.example"
    assert [breach.override for breach in breaches(plan)] == ["--allow hosts=1"]


@pytest.mark.parametrize(
    ("sid", "name", "told"),
    [("AC" + "9" * 32, "main", "not any more"), (ACCOUNT_SID, "other", "not declared")],
)
def test_a_run_on_another_account_is_not_taken_back(tmp_path: Path, sid: str, name: str, told: str) -> None:
    past = history(tmp_path, live(FRONT_DESK))
    past.apply(diff([wanted()], past.live, POLICY, NOW))
    recorded = replace(read_journal(past.journals[-1]), accounts={name: sid})
    fleet = load(tmp_path / "agents.d")
    with pytest.raises(TmError, match=told):
        asyncio.run(make_rollback(recorded, past.journals[-1], fleet, past.account, NOW))


def test_a_number_that_moved_gets_only_its_route_back(tmp_path: Path) -> None:
    abroad = live(FRONT_DESK, region="ie1").routed("us1")
    past = history(tmp_path, abroad)
    past.apply(diff([wanted(region="ie1", takeover=True)], past.live, POLICY, NOW))
    assert past.account.routes[FRONT_DESK] == "ie1"
    ready = past.account.numbers[abroad.sid].stored.voice_url
    recorded = read_journal(past.journals[-1])
    fleet = load(tmp_path / "agents.d")
    plan = asyncio.run(make_rollback(recorded, past.journals[-1], fleet, past.account, NOW))
    assert [change.action for change in plan.changes] == [Action.REROUTE]
    assert past.apply(plan).exit_code == 0
    assert past.account.routes[FRONT_DESK] == "us1"
    assert past.account.numbers[abroad.sid].stored.voice_url == ready


@settings(max_examples=60, deadline=None)
@given(laws.fleets(), laws.accounts(), laws.policies, st.data())
def test_a_run_taken_back_leaves_the_account_as_it_was_but_for_passwords_that_no_journal_keeps(
    fleet: list[DesiredNumber], numbers: list[LiveNumber], policy: Policy, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        past = history(Path(folder), *numbers)
        plan = diff(fleet, numbers, policy, NOW)
        past.apply(plan)
        if not past.account.writes:
            return
        meddled = data.draw(st.sampled_from([*plan.changes, None]))
        if meddled is not None:
            past.account.edit(meddled.number, voice_url="https://meddler.example/")
        as_left, back = dict(past.account.numbers), past.rollback()
        past.apply(back)
        unknown = {item.number for item in back.skipped if item.reason is SkipReason.NOT_RECORDED}
        for number in numbers:
            if number.number in unknown:
                assert any("@" in url for _, url in number.stored.urls())
                assert past.account.numbers[number.sid] == as_left[number.sid]
            elif meddled is None or number.sid != meddled.sid:
                assert past.account.numbers[number.sid] == number
        written = [url for _, settings in past.account.writes for _, url in settings.urls()]
        assert not any(map(is_sealed, written))
