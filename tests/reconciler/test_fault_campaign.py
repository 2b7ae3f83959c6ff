"""Every fault × every verb, in any order: nothing is lost, nothing is done twice, and the report is true."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from reconciler.api.errors import ApiError
from reconciler.applying.recorded import read_journal
from reconciler.applying.report import Outcome, Report
from reconciler.drift.accepting import accept
from reconciler.drift.drifted import DRIFT_CAUSES
from reconciler.planning.make import Wishes
from reconciler.planning.plan import Cause, Plan
from reconciler.planning.safety import not_allowed
from reconciler.planning.saved import load_plan, save_plan
from reconciler.resource.marker import strip_marker
from reconciler.runs import Conduct, apply_until, drift_run, import_run, rollback_run
from reconciler.watch import run as watching
from reconciler.watch.loop import Watcher
from reconciler.watch.run import WatchOptions, watch_run
from schemas import Fleet, require_fleet
from tests.reconciler.campaign import (
    NUMBERS,
    Met,
    Operator,
    conducts,
    faults,
    numbers,
    one_or_none,
    some,
)
from tests.reconciler.faulty_account import FaultyAccount, KilledError
from tests.reconciler.fleets import load
from tests.reconciler.numbers import PUBLIC_URL
from tests.reconciler.wire import record

FLEET = f"""\
kind: Service
name: test
public_url: {PUBLIC_URL}
---
kind: Agent
name: %(agent)s
numbers:
%(numbers)s
instructions: Answer.
takeover: true
heal: %(heal)s
"""

agents = st.sampled_from(["front-desk", "sales"])
met_by_numbers = st.dictionaries(numbers, faults, max_size=3)
lists = st.dictionaries(st.just(""), faults, max_size=1)
wishes = st.builds(Wishes, prune=st.booleans())


class Campaign(Operator):
    """One account, one folder of declarations, and an operator who tries everything."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: Path | None = None

    def new_account(self) -> FaultyAccount:
        return FaultyAccount([record(number) for number in NUMBERS])

    @initialize(agent=agents, is_applied=st.booleans())
    def begin(self, agent: str, is_applied: bool) -> None:
        self.declare(agent, set(NUMBERS), heal=True)
        if is_applied:
            self.run_to_its_end(self.wanted_plan(), Conduct(preflight=False))

    @rule(agent=agents, declared=st.sets(numbers, min_size=1), heal=st.booleans())
    def declare(self, agent: str, declared: set[str], heal: bool) -> None:
        entries = [f'  - {{number: "{number}", friendly_name: Line}}' for number in sorted(declared)]
        folder = self.folder / "agents.d"
        for file in folder.glob("*.yaml"):
            file.unlink()
        text = FLEET % {"agent": agent, "numbers": "\n".join(entries), "heal": str(heal).lower()}
        self.fleet = load(folder, text)

    @rule(number=numbers, name=st.sampled_from(["a", "b"]))
    def somebody_edits_a_number(self, number: str, name: str) -> None:
        self.account.edit(number, f"https://{name}.example/voice")

    @rule(number=numbers, name=st.sampled_from(["Line", "Desk"]))
    def somebody_renames_a_number(self, number: str, name: str) -> None:
        self.account.record(number)["friendly_name"] = name

    @rule(met=lists, wishes=wishes)
    def plan_and_save(self, met: Met, wishes: Wishes) -> None:
        with self.only_reading(met):
            plan = self.planned(wishes)
        if plan is not None:
            self.saved = self.folder / "plan.json"
            save_plan(self.saved, plan, self.fleet)
            self.saved_for = self.fleet

    @rule(met=met_by_numbers, stuck=one_or_none, edits=some, conduct=conducts, wishes=wishes)
    def apply(self, met: Met, stuck: set[str], edits: set[str], conduct: Conduct, wishes: Wishes) -> None:
        if (plan := self.planned(wishes)) is not None:
            self.trouble(met, stuck, edits)
            self.run_to_its_end(plan, conduct)

    @precondition(lambda self: self.saved is not None and self.saved_for is self.fleet)
    @rule(met=met_by_numbers, stuck=one_or_none, edits=some, conduct=conducts)
    def apply_the_saved_plan(self, met: Met, stuck: set[str], edits: set[str], conduct: Conduct) -> None:
        assert self.saved is not None
        plan = load_plan(self.saved, self.fleet)
        self.trouble(met, stuck, edits)
        self.run_to_its_end(plan, conduct)

    @rule(met=met_by_numbers, at=st.integers(1, 14), conduct=conducts)
    def apply_interrupted(self, met: Met, at: int, conduct: Conduct) -> None:
        if (plan := self.planned()) is not None:
            self.trouble(met, set(), set())
            self.run_to_its_end(plan, conduct, interrupt_at=at)

    @rule(met=met_by_numbers, at=st.integers(1, 14), conduct=conducts)
    def apply_killed(self, met: Met, at: int, conduct: Conduct) -> None:
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
        self.account.heal()

    @precondition(lambda self: bool(self.journals()))
    @rule(met=met_by_numbers, since=one_or_none, edits=some, conduct=conducts)
    def rollback(self, met: Met, since: set[str], edits: set[str], conduct: Conduct) -> None:
        journal = self.journals()[-1]
        self.account.heal()
        for number in since:
            self.account.edit(number, self.new_url())
        recorded = read_journal(journal)
        plan = self.run(rollback_run(recorded, journal, self.fleet, self.environ, self.now))
        elsewhere = {
            one.number: self.account.url_of(one.number)
            for one in recorded.written
            if strip_marker(self.account.url_of(one.number))
            not in (strip_marker(str(one.before.voice_url)), strip_marker(str(one.after.voice_url)))
        }
        self.trouble(met, set(), edits - elsewhere.keys())
        self.run_to_its_end(plan, conduct)
        assert {number: self.account.url_of(number) for number in elsewhere} == elsewhere

    @rule(met=lists)
    def drift(self, met: Met) -> None:
        expected = {change.number for change in self.calm_plan().changes if change.cause in DRIFT_CAUSES}
        with self.only_reading(met):
            found = self.drifted()
        assert found is None or {change.number for change in found.changes} == expected

    @rule(met=lists)
    def accept_what_drifted(self, met: Met) -> None:
        """The files then have every live name that drifted, and nothing else has changed in the plan."""
        before = self.calm_plan()
        with self.only_reading(met):
            found = self.drifted()
        if found is None:
            return
        for file in accept(found).files:
            file.write()
        self.fleet = require_fleet(self.folder / "agents.d", self.environ)
        accepted = {change.number for change in found.changes}
        left = {
            change.number: {field.field for field in change.fields} for change in self.wanted_plan().changes
        }
        for change in before.changes:
            fields = {field.field for field in change.fields}
            taken = {"friendly_name"} if change.number in accepted else set()
            assert left.get(change.number, set()) == fields - taken

    @rule(met=lists)
    def import_the_rest(self, met: Met) -> None:
        """An import that cannot read everything writes nothing; one that can adds nothing to the plan."""
        folder = self.folder / "agents.d"
        before = {change.number for change in self.calm_plan().changes}
        with self.only_reading(met):
            try:
                _, files = self.run(import_run(self.fleet, folder, self.environ, self.now))
            except ApiError:
                return
        for file in files.files:
            file.write()
        self.fleet = require_fleet(folder, self.environ)
        assert {declared.number for declared in self.fleet.numbers()} == set(NUMBERS)
        assert {change.number for change in self.wanted_plan().changes} == before

    @rule(met=met_by_numbers, stuck=one_or_none, edits=some)
    def watch_once(self, met: Met, stuck: set[str], edits: set[str]) -> None:
        """Only drift of agents that ask for it is written, and never more than the limits allow."""
        before = self.calm_plan()
        drifted = tuple(
            change
            for change in before.changes
            if change.cause is Cause.DRIFT and self.fleet.agents[change.agent].heal
        )
        may_heal = set() if not_allowed(replace(before, changes=drifted), {}) else set(drifted)
        self.trouble(met, stuck, edits)
        reports = self.watched()
        written = {place for place, times in self.account.stored.items() if times}
        assert written <= {f"us1 {change.sid}" for change in may_heal}
        assert bool(reports) is bool(may_heal)
        for plan, report in reports:
            assert set(plan.changes) == may_heal
            self.check_the_run(plan, report)

    @rule(taken_back=st.booleans())
    def without_faults_everything_is_put_right_and_stays_so(self, taken_back: bool) -> None:
        self.trouble({}, set(), set())
        before = self.before
        report = self.run_to_its_end(self.wanted_plan(), Conduct(preflight=False))
        assert report.exit_code == 0
        assert not self.wanted_plan().changes
        if not (report.outcomes and taken_back):
            return
        journal = self.journals()[-1]
        self.trouble({}, set(), set())
        back = self.run(rollback_run(read_journal(journal), journal, self.fleet, self.environ, self.now))
        assert self.run_to_its_end(back, Conduct(preflight=False)).exit_code == 0
        assert self.account.snapshot() == before

    @contextmanager
    def only_reading(self, met: Met) -> Iterator[None]:
        """Let these faults be met, and hold that nothing of the account or its files is changed."""
        self.trouble(met, set(), set())
        files = {file: file.read_bytes() for file in (self.folder / "agents.d").iterdir()}
        yield
        assert {file: file.read_bytes() for file in (self.folder / "agents.d").iterdir()} == files
        assert self.account.snapshot() == self.before
        assert not self.account.stored
        self.account.heal()

    def drifted(self) -> Plan | None:
        """What `tm drift` finds, or None when the account could not be read."""
        try:
            return self.run(drift_run(self.fleet, Wishes(), self.environ, self.now)).plan
        except ApiError:
            return None

    def watched(self) -> list[tuple[Plan, Report]]:
        """Let the watch check once, and return the plan and report of its heal, if there was one."""
        reports: list[tuple[Plan, Report]] = []

        async def kept(
            stop: asyncio.Event,
            plan: Plan,
            fleet: Fleet,
            environ: Mapping[str, str],
            now: datetime,
            conduct: Conduct,
            on_outcome: Callable[[Outcome], None],
        ) -> Report:
            report = await apply_until(stop, plan, fleet, environ, self.now, conduct, on_outcome)
            reports.append((plan, report))
            return report

        async def end(stop: asyncio.Event, seconds: float) -> None:
            stop.set()

        once = functools.partial(Watcher, pause=end)
        with mock.patch.multiple(watching, apply_until=kept, Watcher=once):
            options = WatchOptions(interval=300)
            self.run(watch_run(self.folder / "agents.d", self.environ, options, lambda line: None))
        return reports


Campaign.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestFaultCampaign = Campaign.TestCase
