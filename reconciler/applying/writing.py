"""One change: the number is read again right before its write and right after it.

Changed since the plan: `stale`, not overwritten. Not kept by Twilio: `failed`, `not_stored`. A number that
moves is written in two steps, the record in its new region before the route to it: whatever fails in
between, the old route works on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from reconciler.api.errors import ApiError, ApiUnavailableError
from reconciler.api.http_client import Sleep
from reconciler.api.ports import AccountReader, AccountWriter, Receipt
from reconciler.api.retry import RetryPolicy
from reconciler.applying.journal import Journal
from reconciler.applying.report import NOT_STORED, AlreadyDone, Failed, Outcome, Stale, Updated
from reconciler.planning.plan import Change
from reconciler.resource.live import LiveNumber
from reconciler.resource.settings import Settings
from schemas.errors import TmError


@dataclass(frozen=True, slots=True)
class ChangeWriter:
    """Writes single changes. `clock`, `sleep` and `jitter` are replaceable for tests."""

    journal: Journal
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Sleep = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def write(
        self, change: Change, account: AccountWriter, answering: AccountReader | None = None
    ) -> Outcome:
        """Look whether the plan still holds for this number, then write it between two journal lines.

        `answering` is the account in the region that answers a number which moves: whoever got hold of
        its calls there since the plan keeps them. A change that is half done, by a run that was cut off
        between its steps, is completed.
        """
        found = await read(change, account)
        live = found.bare
        pending = steps_to_do(change, live)
        if not pending:
            return AlreadyDone(change)
        if any(live.masked_by(step.write) != step.expected for step in pending):
            return Stale(change)
        if change.answering and answering and await _reached(change, answering) != change.reach_before:
            return Stale(change)
        await asyncio.to_thread(self.journal.intends, change, found.stored, self.clock())
        outcome, request_id = await self._write(change, pending, account)
        kind = type(outcome).__name__.lower()
        await asyncio.to_thread(self.journal.ended, change, kind, request_id, self.clock())
        return outcome

    async def _write(
        self, change: Change, steps: Sequence[Change], account: AccountWriter
    ) -> tuple[Outcome, str | None]:
        """Write and read back, step by step; return the outcome with Twilio's id of the last request."""
        request_id = None
        for done, step in enumerate(steps):
            outcome, request_id = await self._write_step(step, account)
            if not isinstance(outcome, Updated):
                return _told_of(change, outcome, steps[:done]), request_id
        return Updated(change), request_id

    async def _write_step(self, step: Change, account: AccountWriter) -> tuple[Outcome, str | None]:
        try:
            receipt = await self._store(step, account)
            if receipt is None:
                return Stale(step), None
            return await self._read_back(step, account), receipt.request_id
        except ApiUnavailableError as error:
            lost = failed(step, error)
            return replace(lost, message=f"{lost.message}; whether it was written, the next plan shows"), None
        except ApiError as error:
            return failed(step, error), None

    async def _store(self, step: Change, account: AccountWriter) -> Receipt | None:
        """Write all fields in one request. None: somebody else wrote while it was being repeated.

        A request that got a 5xx or no answer may have been stored: it is repeated only after a read
        shows that it was not.
        """
        failures = 0
        while True:
            try:
                return await _sent(step, account)
            except ApiUnavailableError:
                failures += 1
                await self.sleep(self.policy.wait(failures, self.jitter))
                live = await read(step, account)
                if live.stored.masked_by(step.write) == step.write:
                    return Receipt(request_id=None)
                if live.bare.masked_by(step.write) != step.expected:
                    return None
                if failures >= self.policy.attempts:
                    raise

    async def _read_back(self, step: Change, account: AccountWriter) -> Updated | Failed:
        """Check that what was written is what is stored."""
        stored = (await read(step, account)).stored
        lost = [field for field, value in step.write.managed() if stored.get(field) != value]
        if not lost:
            return Updated(step)
        return Failed(step, f"Twilio accepted the update but did not keep {', '.join(lost)}", NOT_STORED)


def steps_to_do(change: Change, live: Settings) -> list[Change]:
    """Return the steps of a change that `live` (without markers) does not have yet."""
    return [step for step in change.steps if live.masked_by(step.write) != step.wanted]


async def read(change: Change, account: AccountReader) -> LiveNumber:
    """Read what a change writes: the record, and the route where that is part of it."""
    live = await account.fetch(change.sid)
    return live if change.write.voice_region is None else live.routed(await account.route(change.number))


async def _reached(change: Change, answering: AccountReader) -> str:
    """Read what callers reach in the region that answers a number which moves."""
    there = await answering.fetch(change.sid)
    return replace(change, answering=there.bare).reach_before


async def _sent(step: Change, account: AccountWriter) -> Receipt:
    """Send the one request of a step."""
    if step.write.voice_region is not None:
        return await account.reroute(step.number, step.write.voice_region)
    return await account.update(step.sid, step.write)


def _told_of(change: Change, outcome: Outcome, done: Sequence[Change]) -> Outcome:
    """Return a step's outcome as that of its whole change, with what was done before it."""
    if not done:
        return replace(outcome, change=change)
    why = outcome if isinstance(outcome, Failed) else Failed(change, "somebody changed it meanwhile")
    told = " and ".join(_in_words(step) for step in done)
    return replace(why, change=change, message=f"{why.message}; {told} before that, the rest is not")


def _in_words(step: Change) -> str:
    region = step.write.voice_region
    return (
        f"its record in {step.region} was written" if region is None else f"its calls were routed to {region}"
    )


def failed(change: Change, error: TmError) -> Failed:
    """Return the outcome for an error, with Twilio's words where it had some."""
    if isinstance(error, ApiError):
        return Failed(change, error.message, error.code, error.status, error.more_info)
    return Failed(change, error.message)
