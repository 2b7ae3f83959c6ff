"""An operator of one faulty account, for the campaigns: runs plans, and holds reports to what happened."""

from __future__ import annotations

import asyncio
import functools
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from reconciler import runs
from reconciler.api.connections import Connections
from reconciler.api.errors import ApiError
from reconciler.applying.origin import Origin
from reconciler.applying.recorded import read_journal
from reconciler.applying.report import AlreadyDone, Failed, NotAttempted, Report, Stale, Updated
from reconciler.planning.make import Wishes
from reconciler.planning.plan import Change, Plan
from reconciler.resource.marker import strip_marker
from reconciler.runs import Conduct, apply_until, plan_run
from schemas import Fleet
from tests.cli.wire_world import everybody_answers
from tests.reconciler.faulty_account import Fault, FaultyAccount, World, written_by
from tests.reconciler.fleets import ENVIRONMENT
from tests.reconciler.numbers import NOW

T = TypeVar("T")

NUMBERS = [f"+1415555{index:04}" for index in range(4)]
faults = st.lists(st.sampled_from(Fault), max_size=6)
numbers = st.sampled_from(NUMBERS)
one_or_none = st.sets(numbers, max_size=1)
some = st.sets(numbers, max_size=3)
conducts = st.builds(
    Conduct,
    max_concurrency=st.sampled_from([1, 8]),
    fail_fast=st.booleans(),
    preflight=st.just(False),
)
Met = dict[str, list[Fault]]


async def no_time(seconds: float) -> None:
    """A wait that is over at once, and lets others go first."""
    await asyncio.sleep(0)


class Operator(RuleBasedStateMachine):
    """One account, one folder of declarations, and somebody who works on both."""

    fleet: Fleet
    account: FaultyAccount

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.environ = {**ENVIRONMENT, "TM_STATE_DIR": str(self.folder / "state")}
        self.account = self.new_account()
        wired = functools.partial(Connections, transport=self.account.transport(), sleep=no_time)
        self.patches = ExitStack()
        self.patches.enter_context(mock.patch.object(runs, "Connections", wired))
        self.patches.enter_context(mock.patch.object(runs, "checked_plan", everybody_answers))
        self.patches.enter_context(mock.patch.object(runs, "origin_of", lambda *_: Origin(actor="alice")))
        self.now = NOW
        self.edits = 0
        self.before: World = self.account.snapshot()

    def new_account(self) -> FaultyAccount:
        raise NotImplementedError

    def teardown(self) -> None:
        self.patches.close()
        shutil.rmtree(self.folder)

    @invariant()
    def nothing_is_released_and_nothing_bought(self) -> None:
        assert {str(one["phone_number"]) for one in self.account.records} == set(NUMBERS)
        assert {request.method for request in self.account.requests} <= {"GET", "POST"}

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        self.now += timedelta(seconds=1)
        return asyncio.run(task)

    def journals(self) -> list[Path]:
        return sorted((self.folder / "state" / "journal").glob("*.jsonl"))

    def wanted_plan(self, wishes: Wishes | None = None) -> Plan:
        return self.run(plan_run(self.fleet, wishes or Wishes(), self.environ, self.now))

    def calm_plan(self) -> Plan:
        """The plan while nothing goes wrong."""
        self.account.heal()
        return self.wanted_plan()

    def planned(self, wishes: Wishes | None = None) -> Plan | None:
        """A plan, or None when the account could not be read."""
        self.account.begin()
        try:
            return self.wanted_plan(wishes)
        except ApiError:
            return None

    def trouble(self, met: Met, stuck: set[str], edits: set[str]) -> None:
        """Let these things go wrong from now on, and nothing else."""
        self.account.heal()
        self.account.faults.update({about: list(each) for about, each in met.items()})
        self.account.stuck = set(stuck)
        self.before = self.account.snapshot()
        for number in edits:
            self.account.edit_before_it_is_read(number, self.new_url())

    def new_url(self) -> str:
        """A URL of somebody's that nobody had before."""
        self.edits += 1
        return f"https://meanwhile.example/{self.edits}"

    def applied(self, plan: Plan, conduct: Conduct, stop: asyncio.Event) -> Report:
        return self.run(
            apply_until(stop, plan, self.fleet, self.environ, self.now, conduct, lambda outcome: None)
        )

    def run_to_its_end(self, plan: Plan, conduct: Conduct, interrupt_at: int | None = None) -> Report:
        stop = asyncio.Event()
        if interrupt_at is not None:
            self.account.before_request = lambda count: stop.set() if count >= interrupt_at else None
        report = self.applied(plan, conduct, stop)
        self.check_the_run(plan, report)
        if interrupt_at is not None and conduct.max_concurrency == 1:
            assert all(count <= interrupt_at for count in self.account.first_met.values())
        return report

    def check_the_run(self, plan: Plan, report: Report) -> None:
        assert report.plan_id == plan.plan_id
        assert [outcome.change for outcome in report.outcomes] == list(plan.changes)
        self.check_the_report_is_true(report)
        self.check_the_journal_tells_of_every_write()
        for place, url in self.account.edited.items():
            assert self.url_at(place) == url, "what somebody wrote meanwhile was overwritten"

    def url_at(self, place: str) -> str:
        """The voice URL of a record, by its region and SID."""
        region, sid = place.split()
        number = next(str(one["phone_number"]) for one in self.account.records if one["sid"] == sid)
        return self.account.url_of(number, region)

    def check_the_report_is_true(self, report: Report) -> None:
        account = self.account
        for outcome in report.outcomes:
            change = outcome.change
            written = sum(account.stored[place] for place in written_by(change))
            edited = bool(written_by(change) & account.edited.keys())
            assert all(account.stored[place] <= 1 for place in written_by(change)), "written twice"
            match outcome:
                case Updated():
                    assert written
                    assert all(account.holds(change, name) == value for name, value in change.write.managed())
                case AlreadyDone():
                    assert not written
                    assert self.is_as_wanted(change)
                case Stale():
                    assert not written or edited
                case NotAttempted():
                    assert not written
                case Failed():
                    assert outcome.message

    def is_as_wanted(self, change: Change) -> bool:
        return all(
            _bare(self.account.holds(change, name)) == value for name, value in change.wanted.managed()
        )

    def check_the_journal_tells_of_every_write(self) -> None:
        written = {place for place, times in self.account.stored.items() if times}
        if not written:
            return
        recorded = {f"{one.region} {one.sid}": one for one in read_journal(self.journals()[-1]).written}
        routes = {f"route {one.number}" for one in recorded.values() if one.after.voice_region}
        assert written <= recorded.keys() | routes
        former = {f"us1 {one['sid']}": one for one in self.before.records}
        former |= {f"ie1 {one['sid']}": one for one in self.before.abroad}
        for place in written & former.keys():
            found = recorded[place].before.voice_url
            assert found in (None, former[place]["voice_url"], self.account.edited.get(place))


def _bare(value: object) -> object:
    return strip_marker(value) if isinstance(value, str) else value
