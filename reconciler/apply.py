"""The executor: makes the account what a plan says, one number at a time and several at once.

Each number is read again right before its write (changed since the plan: `stale`, not overwritten) and
right after it (not kept: `failed`, `not_stored`). What happens to one number stops no other.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from reconciler.account import NumberWriter, Receipt
from reconciler.errors import ApiError, ApiUnavailableError
from reconciler.http_client import Sleep
from reconciler.journal import Journal
from reconciler.plan import Change, Plan
from reconciler.report import (
    NOT_STORED,
    AlreadyDone,
    Failed,
    NotAttempted,
    Outcome,
    Report,
    Stale,
    Updated,
    key_of,
    report_of,
)
from reconciler.retry import RetryPolicy
from schemas.errors import TmError

DEFAULT_CONCURRENCY = 8

Writers = Callable[[str, str], NumberWriter]
"""Gives the numbers of an account (by name) in a region."""


@dataclass(frozen=True, slots=True)
class Executor:
    """Applies plans. `concurrency` bounds the numbers in flight per account, which is what Twilio limits.

    `on_outcome` is told of each number as it ends; `clock`, `sleep` and `jitter` are replaceable for tests.
    """

    writers: Writers
    journal: Journal
    concurrency: int = DEFAULT_CONCURRENCY
    on_outcome: Callable[[Outcome], None] = lambda outcome: None
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Sleep = asyncio.sleep
    jitter: Callable[[], float] = random.random

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
            return await self._apply(change, self.writers(change.account, change.region))
        except TmError as error:
            return _failed(change, error)

    async def _apply(self, change: Change, numbers: NumberWriter) -> Outcome:
        """Look whether the plan still holds for this number, then write it between two journal lines."""
        live = (await numbers.fetch(change.sid)).bare.masked_by(change.write)
        if live == change.wanted:
            return AlreadyDone(change)
        if live != change.expected:
            return Stale(change)
        await asyncio.to_thread(self.journal.intends, change, self.clock())
        outcome, request_id = await self._write(change, numbers)
        kind = type(outcome).__name__.lower()
        await asyncio.to_thread(self.journal.ended, change, kind, request_id, self.clock())
        return outcome

    async def _write(self, change: Change, numbers: NumberWriter) -> tuple[Outcome, str | None]:
        """Write and read back; return the outcome with Twilio's id of the request."""
        try:
            receipt = await self._store(change, numbers)
            if receipt is None:
                return Stale(change), None
            return await self._read_back(change, numbers), receipt.request_id
        except ApiError as error:
            return _failed(change, error), None

    async def _store(self, change: Change, numbers: NumberWriter) -> Receipt | None:
        """Write all fields in one request. None: somebody else wrote while it was being repeated.

        A request that got a 5xx or no answer may have been stored: it is repeated only after a read
        shows that it was not.
        """
        failures = 0
        while True:
            try:
                return await numbers.update(change.sid, change.write)
            except ApiUnavailableError:
                failures += 1
                await self.sleep(self.policy.wait(failures, self.jitter))
                live = await numbers.fetch(change.sid)
                if live.stored.masked_by(change.write) == change.write:
                    return Receipt(request_id=None)
                if live.bare.masked_by(change.write) != change.expected:
                    return None
                if failures >= self.policy.attempts:
                    raise

    async def _read_back(self, change: Change, numbers: NumberWriter) -> Updated | Failed:
        """Check that what was written is what is stored."""
        stored = (await numbers.fetch(change.sid)).stored
        lost = [field for field, value in change.write.managed() if stored.get(field) != value]
        if not lost:
            return Updated(change)
        return Failed(change, f"Twilio accepted the update but did not keep {', '.join(lost)}", NOT_STORED)


def _failed(change: Change, error: TmError) -> Failed:
    if isinstance(error, ApiError):
        return Failed(change, error.message, error.code, error.status, error.more_info)
    return Failed(change, error.message)


def _account(change: Change) -> str:
    return change.account
