"""Every fault × every verb, in any order: nothing is lost, nothing is done twice, and the report is true."""

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

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reconciler import runs
from reconciler.api.connections import Connections
from reconciler.api.errors import ApiError
from reconciler.applying.origin import Origin
from reconciler.applying.recorded import read_journal
from reconciler.applying.report import AlreadyDone, Failed, NotAttempted, Report, Stale, Updated
from reconciler.planning.make import Wishes
from reconciler.planning.plan import Plan
from reconciler.planning.saved import load_plan, save_plan
from reconciler.resource.marker import marker_in
from reconciler.runs import Conduct, apply_until, plan_run, rollback_run
from tests.reconciler.faulty_account import Fault, FaultyAccount, KilledError
from tests.reconciler.fleets import ENVIRONMENT, load
from tests.reconciler.numbers import NOW, PUBLIC_URL
from tests.reconciler.wire import Record, record

T = TypeVar("T")

NUMBERS = [f"+1415555{index:04}" for index in range(4)]
FLEET = """\
kind: Service
name: test
public_url: {public_url}
---
kind: Agent
name: {agent}
numbers: {numbers}
instructions: Answer.
takeover: true
"""

faults = st.dictionaries(
    st.sampled_from(NUMBERS),
    st.lists(st.sampled_from(Fault), max_size=6),
    max_size=3,
)
agents = st.sampled_from(["front-desk", "sales"])
numbers = st.sampled_from(NUMBERS)
one_or_none = st.sets(numbers, max_size=1)
some = st.sets(numbers, max_size=3)
conducts = st.builds(
    Conduct,
    max_concurrency=st.sampled_from([1, 8]),
    fail_fast=st.booleans(),
    preflight=st.just(False),
)


async def no_time(seconds: float) -> None:
    """A wait that is over at once, and lets others go first."""
    await asyncio.sleep(0)


class Campaign(RuleBasedStateMachine):
    """One account, one folder of declarations, and an operator who tries everything."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.environ = {**ENVIRONMENT, "TM_STATE_DIR": str(self.folder / "state")}
        self.account = FaultyAccount([record(number) for number in NUMBERS])
        wired = functools.partial(Connections, transport=self.account.transport(), sleep=no_time)
        self.patches = ExitStack()
        self.patches.enter_context(mock.patch.object(runs, "Connections", wired))
        self.patches.enter_context(mock.patch.object(runs, "origin_of", lambda *_: Origin(actor="alice")))
        self.now = NOW
        self.edits = 0
        self.saved: Path | None = None
        self.before: list[Record] = []

    def teardown(self) -> None:
        self.patches.close()
        shutil.rmtree(self.folder)

    @initialize(agent=agents)
    def declare_first(self, agent: str) -> None:
        self.declare(agent)

    @rule(agent=agents)
    def declare(self, agent: str) -> None:
        text = FLEET.format(public_url=PUBLIC_URL, agent=agent, numbers=NUMBERS)
        self.fleet = load(self.folder / "agents.d", text)

    @rule(number=numbers, name=st.sampled_from(["a", "b"]))
    def somebody_edits_a_number(self, number: str, name: str) -> None:
        self.account.edit(number, f"https://{name}.example/voice")

    @rule(met=faults)
    def plan_and_save(self, met: dict[str, list[Fault]]) -> None:
        self.account.faults.update(met)
        plan = self.planned()
        self.account.faults.clear()
        if plan is not None:
            self.saved = self.folder / "plan.json"
            save_plan(self.saved, plan, self.fleet)
            self.saved_for = self.fleet
        assert not self.account.stored

    @rule(met=faults, stuck=one_or_none, edits=some, conduct=conducts)
    def apply(self, met: dict[str, list[Fault]], stuck: set[str], edits: set[str], conduct: Conduct) -> None:
        if (plan := self.planned()) is not None:
            self.trouble(met, stuck, edits)
            self.run_to_its_end(plan, conduct)

    @precondition(lambda self: self.saved is not None and self.saved_for is self.fleet)
    @rule(met=faults, stuck=one_or_none, edits=some, conduct=conducts)
    def apply_the_saved_plan(
        self, met: dict[str, list[Fault]], stuck: set[str], edits: set[str], conduct: Conduct
    ) -> None:
        assert self.saved is not None
        plan = load_plan(self.saved, self.fleet)
        self.trouble(met, stuck, edits)
        self.run_to_its_end(plan, conduct)

    @rule(met=faults, at=st.integers(1, 14), conduct=conducts)
    def apply_interrupted(self, met: dict[str, list[Fault]], at: int, conduct: Conduct) -> None:
        if (plan := self.planned()) is not None:
            self.trouble(met, set(), set())
            self.run_to_its_end(plan, conduct, interrupt_at=at)

    @rule(met=faults, at=st.integers(1, 14), conduct=conducts)
    def apply_killed(self, met: dict[str, list[Fault]], at: int, conduct: Conduct) -> None:
        if (plan := self.planned()) is None:
            return
        self.trouble(met, set(), set())

        def kill(count: int) -> None:
            if count >= at:
                raise KilledError

        self.account.before_request = kill
        try:
            self.applied(plan, conduct, asyncio.Event())
        except BaseExceptionGroup as group:
            assert group.subgroup(KilledError)
        self.check_the_journal_tells_of_every_write()

    @precondition(lambda self: bool(self.journals()))
    @rule(met=faults, since=one_or_none, edits=some, conduct=conducts)
    def rollback(
        self, met: dict[str, list[Fault]], since: set[str], edits: set[str], conduct: Conduct
    ) -> None:
        journal = self.journals()[-1]
        self.account.heal()
        for number in since:
            self.account.edit(number, self.new_url())
        recorded = read_journal(journal)
        plan = self.run(rollback_run(recorded, journal, self.fleet, self.environ, self.now))
        elsewhere = {
            one.number: self.account.url_of(one.number)
            for one in recorded.written
            if _bare(self.account.url_of(one.number))
            not in (_bare(str(one.before.voice_url)), _bare(str(one.after.voice_url)))
        }
        self.trouble(met, set(), edits - elsewhere.keys())
        self.run_to_its_end(plan, conduct)
        assert {number: self.account.url_of(number) for number in elsewhere} == elsewhere

    @rule()
    def without_faults_everything_is_put_right_and_stays_so(self) -> None:
        self.trouble({}, set(), set())
        before = self.before
        report = self.run_to_its_end(self.wanted_plan(), Conduct(preflight=False))
        assert report.exit_code == 0
        assert not self.wanted_plan().changes
        if not report.outcomes:
            return
        journal = self.journals()[-1]
        self.trouble({}, set(), set())
        back = self.run(rollback_run(read_journal(journal), journal, self.fleet, self.environ, self.now))
        assert self.run_to_its_end(back, Conduct(preflight=False)).exit_code == 0
        assert _comparable(self.account.records) == _comparable(before)

    @invariant()
    def nothing_is_released_and_nothing_bought(self) -> None:
        assert {str(one["phone_number"]) for one in self.account.records} == set(NUMBERS)
        assert {request.method for request in self.account.requests} <= {"GET", "POST"}

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        self.now += timedelta(seconds=1)
        return asyncio.run(task)

    def journals(self) -> list[Path]:
        return sorted((self.folder / "state" / "journal").glob("*.jsonl"))

    def wanted_plan(self) -> Plan:
        return self.run(plan_run(self.fleet, Wishes(), self.environ, self.now))

    def planned(self) -> Plan | None:
        """A plan, or None when the account could not be read."""
        self.account.begin()
        try:
            return self.wanted_plan()
        except ApiError:
            return None

    def trouble(self, met: dict[str, list[Fault]], stuck: set[str], edits: set[str]) -> None:
        self.account.heal()
        self.account.faults.update({number: list(each) for number, each in met.items()})
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
        assert report.plan_id == plan.plan_id
        assert [outcome.change for outcome in report.outcomes] == list(plan.changes)
        self.check_the_report_is_true(report)
        self.check_the_journal_tells_of_every_write()
        for number, url in self.account.edited.items():
            assert self.account.url_of(number) == url, "what somebody wrote meanwhile was overwritten"
        if interrupt_at is not None and conduct.max_concurrency == 1:
            assert all(count <= interrupt_at for count in self.account.first_met.values())
        return report

    def check_the_report_is_true(self, report: Report) -> None:
        account = self.account
        for outcome in report.outcomes:
            number = outcome.change.number
            url, wanted = account.url_of(number), outcome.change.write.voice_url
            assert account.stored[number] <= 1, f"{number} was written twice"
            match outcome:
                case Updated():
                    assert account.stored[number] == 1
                    assert wanted is None or url == wanted
                case AlreadyDone():
                    assert account.stored[number] == 0
                    assert wanted is None or _bare(url) == _bare(wanted)
                case Stale():
                    assert account.stored[number] == 0 or number in account.edited
                    assert url == account.edited.get(number, url)
                case NotAttempted():
                    assert account.stored[number] == 0
                case Failed():
                    assert outcome.message

    def check_the_journal_tells_of_every_write(self) -> None:
        written = {number for number, times in self.account.stored.items() if times}
        if not written:
            return
        recorded = {one.number: one for one in read_journal(self.journals()[-1]).written}
        assert written <= recorded.keys()
        former = {str(one["phone_number"]): one for one in self.before}
        for number in written:
            found = recorded[number].before.voice_url
            assert found in (former[number]["voice_url"] or "", self.account.edited.get(number))


def _bare(url: str) -> str:
    marker = marker_in(url)
    return url.replace(f"?tm={marker}", "") if marker else url


def _comparable(records: list[Record]) -> list[Record]:
    """The records with blank and null being the same."""
    return [{name: value or "" for name, value in one.items()} for one in records]


Campaign.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestFaultCampaign = Campaign.TestCase
