"""The executor: makes the account what a plan says, several numbers at once.

What happens to one number stops no other, unless that was asked for; how one is written is `writing.py`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from reconciler.api.congestion import FIRST_LIMIT
from reconciler.api.lane import Gate
from reconciler.api.ports import AccountReader, AccountWriter
from reconciler.applying.interrupts import Halt
from reconciler.applying.report import Failed, NotAttempted, Outcome, Report, key_of, report_of
from reconciler.applying.writing import ChangeWriter, failed
from reconciler.planning.plan import Change, Plan
from schemas.errors import TmError

NUMBER_SECONDS = 300.0
"""The longest that a number may take, its repeated requests and their waits included."""

OUT_OF_TIME = "out_of_time"
"""The code of a number that was given up: it may be written or not."""

Writers = Callable[[str, str], AccountWriter]
"""Gives an account (by name) in a region."""

Gates = Callable[[str], Gate]
"""Gives what bounds the numbers in flight of an account (by name)."""


def _steady(account: str) -> Gate:
    return Gate(lambda: FIRST_LIMIT)


@dataclass(frozen=True, slots=True)
class Executor:
    """Applies plans. `gates` bound the numbers in flight per account, which is what Twilio limits.

    `on_outcome` is told of each number as it ends. With `fail_fast` the first one that fails is the last
    that is begun. `seconds` bounds the time of each number.
    """

    writers: Writers
    writer: ChangeWriter
    gates: Gates = _steady
    on_outcome: Callable[[Outcome], None] = lambda outcome: None
    fail_fast: bool = False
    seconds: float = NUMBER_SECONDS

    async def apply(self, plan: Plan, stop: Halt) -> Report:
        """Apply every change and report. Once `stop` is set no new number is begun; running ones end."""
        course = _Course()
        async with asyncio.TaskGroup() as accounts:
            for account, changes in groupby(sorted(plan.changes, key=_account), key=_account):
                accounts.create_task(self._begin(tuple(changes), self.gates(account), stop, course))
        return report_of(plan, course.outcomes, interrupted=stop.is_set())

    async def _begin(self, changes: Sequence[Change], gate: Gate, stop: Halt, course: _Course) -> None:
        """Begin one number after the other, each as soon as the account has room for it."""
        async with asyncio.TaskGroup() as numbers:
            for change in changes:
                await gate.enter()
                if stop.is_set() or (self.fail_fast and course.failed):
                    gate.leave()
                    course.ended(NotAttempted(change))
                else:
                    numbers.create_task(self._finish(change, gate, course))

    async def _finish(self, change: Change, gate: Gate, course: _Course) -> None:
        try:
            outcome = await self._outcome(change)
        finally:
            gate.leave()
        course.ended(outcome)
        self.on_outcome(outcome)

    def _answering(self, change: Change) -> AccountReader | None:
        """Return the account in the region that answers now, where the plan looked at it."""
        region = change.now.voice_region
        return self.writers(change.account, region) if change.answering and region else None

    async def _outcome(self, change: Change) -> Outcome:
        """Apply one change; what goes wrong with it is its outcome."""
        try:
            async with asyncio.timeout(self.seconds):
                account = self.writers(change.account, change.region)
                return await self.writer.write(change, account, self._answering(change))
        except TmError as error:
            return failed(change, error)
        except TimeoutError:
            told = f"given up after {self.seconds:.0f} s; whether it was written, the next plan shows"
            return Failed(change, told, OUT_OF_TIME)


@dataclass(slots=True)
class _Course:
    """How far a run has come."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failed: bool = False

    def ended(self, outcome: Outcome) -> None:
        self.outcomes[key_of(outcome.change)] = outcome
        self.failed = self.failed or isinstance(outcome, Failed)


def _account(change: Change) -> str:
    return change.account
