"""What happens to each number of a plan while it is applied."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from reconciler.api.errors import ApiRefusedError, ApiUnavailableError
from reconciler.api.lane import Gate
from reconciler.api.ports import Receipt
from reconciler.applying.executor import Executor
from reconciler.applying.journal import Journal
from reconciler.applying.report import (
    AlreadyDone,
    Failed,
    NotAttempted,
    Outcome,
    Report,
    Stale,
    Updated,
)
from reconciler.applying.writing import ChangeWriter
from reconciler.planning.diff import diff
from reconciler.planning.plan import Plan
from reconciler.resource.live import LiveNumber
from reconciler.resource.settings import Settings
from tests.reconciler.numbers import (
    FRONT_DESK,
    NOW,
    POLICY,
    SALES,
    MemoryAccount,
    applied,
    edited,
    live,
    sid_of,
    wanted,
)
from tests.runtime import virtual_time

BUSY = ApiUnavailableError("no answer")


@dataclass
class Run:
    """One apply in virtual time: what was waited is only written down."""

    account: MemoryAccount
    journal: Path
    waits: list[float] = field(default_factory=list)
    seen: list[Outcome] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    on_outcome: Callable[[Outcome], None] | None = None
    on_wait: Callable[[], None] = lambda: None
    fail_fast: bool = False

    def apply(self, plan: Plan, concurrency: int = 8) -> Report:
        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            self.on_wait()

        async def run() -> Report:
            with closing(Journal(self.journal, plan.plan_id)) as journal:
                writer = ChangeWriter(journal, clock=lambda: NOW, sleep=sleep, jitter=lambda: 1.0)
                on_outcome = self.on_outcome or self.seen.append
                executor = Executor(
                    self.account,
                    writer,
                    lambda account: Gate(lambda: concurrency),
                    on_outcome,
                    self.fail_fast,
                )
                return await executor.apply(plan, self.stop)

        return asyncio.run(run())


def two_numbers() -> tuple[Plan, MemoryAccount]:
    numbers = [live(FRONT_DESK), live(SALES)]
    return diff([wanted(), wanted(SALES, "sales")], numbers, POLICY, NOW), MemoryAccount.of(*numbers)


def kinds(report: Report) -> list[type[Outcome]]:
    return [type(outcome) for outcome in report.outcomes]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "run.jsonl"


def test_every_number_is_written_once_and_read_back(journal: Path) -> None:
    plan, account = two_numbers()
    run = Run(account, journal)
    report = run.apply(plan)
    assert kinds(report) == [Updated, Updated]
    assert report.exit_code == 0
    assert [sid for sid, _ in account.writes] == [sid_of(FRONT_DESK), sid_of(SALES)]
    assert account.numbers[sid_of(SALES)].stored == applied(wanted(SALES, "sales")).stored


def test_one_number_that_fails_stops_no_other_and_says_why(journal: Path) -> None:
    plan, account = two_numbers()
    account.errors[FRONT_DESK] = [
        ApiRefusedError("VoiceUrl is not valid", status=400, code=21402, more_info="https://…/21402")
    ]
    report = Run(account, journal).apply(plan)
    failed, updated = report.outcomes
    assert isinstance(failed, Failed)
    assert (failed.status, failed.code, failed.more_info) == (400, 21402, "https://…/21402")
    assert isinstance(updated, Updated)
    assert report.exit_code == 3


def test_a_number_that_changed_since_the_plan_is_stale_and_not_overwritten(journal: Path) -> None:
    plan, account = two_numbers()
    account.edit(FRONT_DESK, voice_url="https://elsewhere.example/")
    report = Run(account, journal).apply(plan)
    assert kinds(report) == [Stale, Updated]
    assert report.exit_code == 4
    assert account.numbers[sid_of(FRONT_DESK)].stored.voice_url == "https://elsewhere.example/"


def test_a_change_of_a_field_that_is_not_managed_makes_nothing_stale(journal: Path) -> None:
    plan, account = two_numbers()
    account.edit(FRONT_DESK, friendly_name="Renamed meanwhile")
    assert kinds(Run(account, journal).apply(plan)) == [Updated, Updated]


def test_a_number_that_is_as_wanted_already_is_not_written(journal: Path) -> None:
    plan, account = two_numbers()
    Run(account, journal).apply(plan)
    report = Run(account, journal).apply(plan)
    assert kinds(report) == [AlreadyDone, AlreadyDone]
    assert [item.number for item in report.unchanged] == [FRONT_DESK, SALES]
    assert report.exit_code == 0
    assert len(account.writes) == 2


def test_what_twilio_did_not_keep_is_failed_as_not_stored(journal: Path) -> None:
    plan, account = two_numbers()
    account.forgetful = frozenset({SALES})
    report = Run(account, journal).apply(plan)
    failed = report.outcomes[1]
    assert isinstance(failed, Failed)
    assert failed.code == "not_stored"
    assert "voice_url" in failed.message


def test_a_write_without_an_answer_is_repeated_after_a_look(journal: Path) -> None:
    plan, account = two_numbers()
    account.errors[FRONT_DESK] = [BUSY, BUSY]
    run = Run(account, journal)
    assert kinds(run.apply(plan)) == [Updated, Updated]
    assert [sid for sid, _ in account.writes].count(sid_of(FRONT_DESK)) == 3
    assert run.waits == [0.5, 1.0]


def test_a_write_that_was_stored_although_no_answer_came_is_not_repeated(journal: Path) -> None:
    plan, account = two_numbers()
    account.errors[FRONT_DESK] = [BUSY]
    account.stores_first = True
    assert kinds(Run(account, journal).apply(plan)) == [Updated, Updated]
    assert len(account.writes) == 2


def test_repeating_a_write_does_not_run_over_somebody_elses(journal: Path) -> None:
    plan, account = two_numbers()
    account.errors[FRONT_DESK] = [BUSY]
    run = Run(account, journal)
    run.on_wait = lambda: account.edit(FRONT_DESK, voice_url="https://elsewhere.example/")
    assert kinds(run.apply(plan)) == [Stale, Updated]
    assert account.numbers[sid_of(FRONT_DESK)].stored.voice_url == "https://elsewhere.example/"


def test_repeating_has_an_end(journal: Path) -> None:
    plan, account = two_numbers()
    account.errors[FRONT_DESK] = [BUSY] * 99
    report = Run(account, journal).apply(plan)
    assert kinds(report) == [Failed, Updated]
    assert len(account.writes) == 4 + 1
    assert isinstance(report.outcomes[0], Failed)
    assert "whether it was written, the next plan shows" in report.outcomes[0].message


def test_a_number_that_was_released_meanwhile_fails_alone(journal: Path) -> None:
    plan, account = two_numbers()
    del account.numbers[sid_of(FRONT_DESK)]
    assert kinds(Run(account, journal).apply(plan)) == [Failed, Updated]


def test_after_an_interrupt_no_number_is_begun_and_the_report_is_complete(journal: Path) -> None:
    plan, account = two_numbers()
    run = Run(account, journal)
    run.on_outcome = lambda outcome: run.stop.set()
    report = run.apply(plan, concurrency=1)
    assert kinds(report) == [Updated, NotAttempted]
    assert report.exit_code == 130
    assert len(account.writes) == 1


def test_with_fail_fast_the_first_failure_is_the_last_number_begun(journal: Path) -> None:
    plan, account = two_numbers()
    account.errors[FRONT_DESK] = [ApiRefusedError("no", status=400)]
    report = Run(account, journal, fail_fast=True).apply(plan, concurrency=1)
    assert kinds(report) == [Failed, NotAttempted]
    assert report.exit_code == 3
    assert len(account.writes) == 1


def test_a_number_that_takes_for_ever_is_given_up_and_stops_no_other(journal: Path) -> None:
    @dataclass
    class Silent(MemoryAccount):
        async def update(self, sid: str, settings: Settings) -> Receipt:
            if sid == sid_of(FRONT_DESK):
                await asyncio.Event().wait()
            return await super().update(sid, settings)

    plan, memory = two_numbers()
    account = Silent(memory.numbers)

    async def run() -> Report:
        with closing(Journal(journal, plan.plan_id)) as opened:
            executor = Executor(lambda *_: account, ChangeWriter(opened), seconds=60)
            return await executor.apply(plan, asyncio.Event())

    given_up, updated = virtual_time.run(run()).outcomes
    assert isinstance(given_up, Failed)
    assert given_up.code == "out_of_time"
    assert isinstance(updated, Updated)


def test_no_more_numbers_are_in_flight_than_allowed(journal: Path) -> None:
    @dataclass
    class Counting(MemoryAccount):
        flying: int = 0
        most: int = 0

        def __call__(self, account: str, region: str) -> Counting:
            return self

        async def fetch(self, sid: str) -> LiveNumber:
            self.flying += 1
            self.most = max(self.most, self.flying)
            await asyncio.sleep(0)
            self.flying -= 1
            return await super().fetch(sid)

    declared = [wanted(f"+1415555{index:04}", "sales") for index in range(20)]
    account = Counting({desired.number: live(desired.number) for desired in declared})
    account.numbers = {number.sid: number for number in account.numbers.values()}
    plan = diff(declared, list(account.numbers.values()), POLICY, NOW)
    assert len(list(Run(account, journal).apply(plan, concurrency=3).of(Updated))) == 20
    assert account.most == 3


def test_detaching_blanks_only_what_the_plan_names(journal: Path) -> None:
    number = edited(applied(wanted()), voice_fallback_url="https://agency.example/")
    account = MemoryAccount.of(number)
    plan = diff([], [number], replace(POLICY, prune=True), NOW)
    assert kinds(Run(account, journal).apply(plan)) == [Updated]
    stored = account.numbers[number.sid].stored
    assert (stored.voice_url, stored.status_callback) == ("", "")
    assert stored.voice_fallback_url == "https://agency.example/"


def test_the_journal_holds_before_and_after_and_how_it_ended(journal: Path) -> None:
    plan, account = two_numbers()
    account.forgetful = frozenset({SALES})
    Run(account, journal).apply(plan, concurrency=1)
    run, *lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert (run["event"], run["run"]) == ("run", "run")
    assert [line["event"] for line in lines] == ["write", "outcome"] * 2
    write, outcome = lines[:2]
    assert write["before"]["voice_url"] == ""
    assert write["after"]["voice_url"].startswith("https://agents.example/voice/front-desk?tm=")
    assert (outcome["outcome"], outcome["request_id"]) == ("updated", "RQ0")
    assert lines[3]["outcome"] == "failed"
    assert {line["plan_id"] for line in lines} == {plan.plan_id}


def test_a_write_that_ends_in_an_error_leaves_a_journal_that_says_so(journal: Path) -> None:
    plan, account = two_numbers()
    account.errors[FRONT_DESK] = [ApiRefusedError("no", status=400)]
    Run(account, journal).apply(plan, concurrency=1)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line.get("outcome") for line in lines if line.get("number") == FRONT_DESK] == [None, "failed"]


def test_a_run_that_writes_nothing_leaves_no_journal(journal: Path) -> None:
    plan, account = two_numbers()
    account.edit(FRONT_DESK, voice_method="GET")
    account.edit(SALES, voice_method="GET")
    Run(account, journal).apply(plan)
    assert not journal.exists()


def test_without_a_journal_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    plan, account = two_numbers()
    report = Run(account, tmp_path / "file" / "run.jsonl").apply(plan)
    assert kinds(report) == [Failed, Failed]
    assert not account.writes
