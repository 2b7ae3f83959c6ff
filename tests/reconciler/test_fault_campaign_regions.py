"""The faults again, for what has more than one part: moves between regions, messaging, and the lease.

Each number has a record in us1 and one in ie1, and its calls go to one of them; an agent has a Messaging
Service and a WhatsApp sender; and `lock: sync` keeps runs on other machines out.
"""

from __future__ import annotations

import asyncio
import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from reconciler.api.errors import ApiError
from reconciler.applying.lock import LockedError
from reconciler.applying.recorded import read_journal
from reconciler.applying.report import Report
from reconciler.planning.make import Wishes
from reconciler.planning.plan import Plan
from reconciler.planning.saved import load_plan, save_plan
from reconciler.runs import Conduct, rollback_run
from tests.reconciler.campaign import NUMBERS, Met, Operator, conducts, faults, numbers, some
from tests.reconciler.faulty_account import FaultyAccount, KilledError, held_lease
from tests.reconciler.fleets import load
from tests.reconciler.numbers import PUBLIC_URL
from tests.reconciler.wire import ACCOUNT_SID, TOKEN, record, sender, service

SERVICE_SID = "MG" + "2" * 32
SENDER = "+14155559999"
FLEET = f"""\
kind: Service
name: test
public_url: {PUBLIC_URL}
lock: sync
---
kind: Account
name: main
account_sid: {ACCOUNT_SID}
auth_token: {TOKEN}
regions: {{ie1: {{auth_token: irish}}}}
---
kind: Agent
name: %(agent)s
numbers:
%(numbers)s
whatsapp: {{sender: "{SENDER}", messaging_service: {SERVICE_SID}}}
instructions: Answer.
takeover: true
"""
SOMEBODY_ELSE = {"actor": "bob", "host": "build-8", "pid": 42, "since": "2026-11-20T12:00:05+00:00"}
SUBJECTS = [*NUMBERS, SERVICE_SID, str(sender(SENDER)["sid"]), "lease"]

agents = st.sampled_from(["front-desk", "sales"])
abroad = st.sets(numbers)
met_by_subjects = st.dictionaries(st.sampled_from(SUBJECTS), faults, max_size=3)
stuck_subjects = st.sets(st.sampled_from(SUBJECTS[:-1]), max_size=1)


class RegionalCampaign(Operator):
    """An operator who moves numbers between regions while others use the account too."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: Plan | None = None

    def new_account(self) -> FaultyAccount:
        taken = {"voice_url": "https://before.example/voice"}
        return FaultyAccount(
            [record(number, **taken) for number in NUMBERS],
            abroad=[record(number) for number in NUMBERS],
            services=[service(SERVICE_SID)],
            senders=[sender(SENDER)],
            settling=1,
        )

    @initialize(agent=agents, in_ie1=abroad)
    def begin(self, agent: str, in_ie1: set[str]) -> None:
        self.declare(agent, in_ie1)

    @rule(agent=agents, in_ie1=abroad)
    def declare(self, agent: str, in_ie1: set[str]) -> None:
        regions = {number: "ie1" if number in in_ie1 else "us1" for number in NUMBERS}
        entries = [f'  - {{number: "{number}", region: {region}}}' for number, region in regions.items()]
        text = FLEET % {"agent": agent, "numbers": "\n".join(entries)}
        self.fleet = load(self.folder / "agents.d", text)
        self.saved = None

    @rule(number=numbers)
    def somebody_edits_a_number(self, number: str) -> None:
        self.account.edit(number, self.new_url(), self.account.routes.get(number, "us1"))

    @rule(number=numbers, region=st.sampled_from(["us1", "ie1"]))
    def somebody_switches_a_route(self, number: str, region: str) -> None:
        if self.account.url_of(number, region):
            self.account.routes[number] = region

    @rule()
    def somebody_edits_the_messaging_service(self) -> None:
        self.account.services[0]["inbound_request_url"] = self.new_url()

    @rule()
    def plan_and_save(self) -> None:
        plan = self.calm_plan()
        file = self.folder / "plan.json"
        save_plan(file, plan, self.fleet)
        self.saved = load_plan(file, self.fleet)
        assert self.saved.plan_id == plan.plan_id

    @rule(met=met_by_subjects, stuck=stuck_subjects, edits=some, conduct=conducts, check=st.booleans())
    def apply(self, met: Met, stuck: set[str], edits: set[str], conduct: Conduct, check: bool) -> None:
        self.account.heal()
        plan = self.wanted_plan(Wishes(check_routing=check))
        self.trouble(met, stuck, edits)
        self.attempt(plan, conduct)

    @precondition(lambda self: self.saved is not None)
    @rule(met=met_by_subjects, stuck=stuck_subjects, edits=some, conduct=conducts)
    def apply_the_saved_plan(self, met: Met, stuck: set[str], edits: set[str], conduct: Conduct) -> None:
        assert self.saved is not None
        self.trouble(met, stuck, edits)
        self.attempt(self.saved, conduct)

    @rule(met=met_by_subjects, at=st.integers(1, 25), conduct=conducts)
    def apply_interrupted(self, met: Met, at: int, conduct: Conduct) -> None:
        plan = self.calm_plan()
        self.trouble(met, set(), set())
        self.attempt(plan, conduct, interrupt_at=at)

    @rule(met=met_by_subjects, at=st.integers(1, 25), conduct=conducts)
    def apply_killed(self, met: Met, at: int, conduct: Conduct) -> None:
        plan = self.calm_plan()
        self.trouble(met, set(), set())

        def kill(count: int) -> None:
            if count >= at:
                raise KilledError

        self.account.before_request = kill
        try:
            self.applied(plan, conduct, asyncio.Event())
        except ApiError:
            assert not self.account.stored, "the lease could not be had"
        except KilledError:
            pass  # while the lease was taken, or given back
        except BaseExceptionGroup as group:
            assert group.subgroup(KilledError)
        self.check_the_journal_tells_of_every_write()
        self.account.heal()

    @rule(conduct=conducts)
    def apply_while_another_machine_does(self, conduct: Conduct) -> None:
        plan = self.calm_plan()
        own = self.account.lease
        self.account.lease = held_lease(json.dumps({"holder": SOMEBODY_ELSE}), after=own)
        try:
            report = self.applied(plan, conduct, asyncio.Event())
            assert not report.outcomes
        except LockedError as error:
            assert "bob" in error.message
        assert not self.account.stored
        self.account.lease = own

    @precondition(lambda self: bool(self.journals()))
    @rule(met=met_by_subjects, conduct=conducts)
    def rollback(self, met: Met, conduct: Conduct) -> None:
        journal = self.journals()[-1]
        self.account.heal()
        recorded = read_journal(journal)
        plan = self.run(rollback_run(recorded, journal, self.fleet, self.environ, self.now))
        self.trouble(met, set(), set())
        self.attempt(plan, conduct)

    @rule()
    def without_faults_everything_is_put_right_and_stays_so(self) -> None:
        self.trouble({}, set(), set())
        report = self.run_to_its_end(self.wanted_plan(), Conduct(preflight=False))
        assert report.exit_code == 0
        assert not self.wanted_plan().changes
        for declared in self.fleet.numbers():
            assert self.account.routes.get(declared.number, "us1") == declared.region
            assert f"/voice/{declared.agent}?tm=" in self.account.url_of(declared.number, declared.region)

    @invariant()
    def every_caller_reaches_somebody(self) -> None:
        for number in NUMBERS:
            assert self.account.url_of(number, self.account.routes.get(number, "us1"))

    def attempt(self, plan: Plan, conduct: Conduct, interrupt_at: int | None = None) -> Report | None:
        """Run a plan to its end; without the lease it writes nothing, and says so."""
        try:
            return self.run_to_its_end(plan, conduct, interrupt_at)
        except ApiError:
            assert not self.account.stored
            return None


RegionalCampaign.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRegionalFaultCampaign = RegionalCampaign.TestCase
