"""The executor: makes the account what a plan says, several numbers at once.

What happens to one number stops no other; how one is written is `writing.py`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from reconciler.account import NumberWriter
from reconciler.plan import Change, Plan
from reconciler.report import NotAttempted, Outcome, Report, key_of, report_of
from reconciler.writing import ChangeWriter, failed
from schemas.errors import TmError

DEFAULT_CONCURRENCY = 8

Writers = Callable[[str, str], NumberWriter]
"""Gives the numbers of an account (by name) in a region."""


@dataclass(frozen=True, slots=True)
class Executor:
    """Applies plans. `concurrency` bounds the numbers in flight per account, which is what Twilio limits.

    `on_outcome` is told of each number as it ends.
    """

    writers: Writers
    writer: ChangeWriter
    concurrency: int = DEFAULT_CONCURRENCY
    on_outcome: Callable[[Outcome], None] = lambda outcome: None

    async def apply(self, plan: Plan, stop: asyncio.Event) -> Report:
        """Apply every change and report. Once `stop` is set no new number is begun; running ones end."""
        outcomes: dict[str, Outcome] = {}
        async with asyncio.TaskGroup() as workers:
            for _, changes in groupby(sorted(plan.changes, key=_account), key=_account):
                waiting = list(changes)
                shared = iter(waiting)
                for _ in range(min(self.concurrency, len(waiting))):
                    workers.create_task(self._work(shared, stop, outcomes))
        return report_of(plan, outcomes, interrupted=stop.is_set())

    async def _work(
        self, changes: Iterator[Change], stop: asyncio.Event, outcomes: dict[str, Outcome]
    ) -> None:
        """Take changes off the shared iterator until there is none left."""
        for change in changes:
            if stop.is_set():
                outcomes[key_of(change)] = NotAttempted(change)
                continue
            outcome = await self._outcome(change)
            outcomes[key_of(change)] = outcome
            self.on_outcome(outcome)

    async def _outcome(self, change: Change) -> Outcome:
        """Apply one change; what goes wrong with it is its outcome."""
        try:
            return await self.writer.write(change, self.writers(change.account, change.region))
        except TmError as error:
            return failed(change, error)


def _account(change: Change) -> str:
    return change.account
