"""One change: the number is read again right before its write and right after it.

Changed since the plan: `stale`, not overwritten. Not kept by Twilio: `failed`, `not_stored`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reconciler.account import NumberWriter, Receipt
from reconciler.errors import ApiError, ApiUnavailableError
from reconciler.http_client import Sleep
from reconciler.journal import Journal
from reconciler.plan import Change
from reconciler.report import NOT_STORED, AlreadyDone, Failed, Outcome, Stale, Updated
from reconciler.retry import RetryPolicy
from schemas.errors import TmError


@dataclass(frozen=True, slots=True)
class ChangeWriter:
    """Writes single changes. `clock`, `sleep` and `jitter` are replaceable for tests."""

    journal: Journal
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Sleep = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def write(self, change: Change, numbers: NumberWriter) -> Outcome:
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
            return failed(change, error), None

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


def failed(change: Change, error: TmError) -> Failed:
    """Return the outcome for an error, with Twilio's words where it had some."""
    if isinstance(error, ApiError):
        return Failed(change, error.message, error.code, error.status, error.more_info)
    return Failed(change, error.message)
