"""The lease: two runs on different machines never write to one account at the same time.

With `lock: sync` on the Service, a run holds a Twilio Sync document of a fixed name while it writes. The
document says who holds it and ends by itself some time after its holder has died. It is renewed while the
run lasts; a run that cannot renew it, or finds somebody else in it, begins no number any more.

Twilio: a unique name exists once (409 for the second), an update with `If-Match` is refused when the
document has another revision by now (412), and an expired document may be deleted late.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from reconciler.api.errors import ApiError
from reconciler.api.http_client import Sleep
from reconciler.applying.interrupts import Halt
from reconciler.applying.lock import Holder, WaitInterruptedError, held_by

TTL_SECONDS = 60
"""How long a lease outlives its holder."""

RENEW_SECONDS = 15.0
LOST_AFTER_SECONDS = 40.0
"""Without a renewal for so long no number is begun any more; those in progress have the rest of the time."""

POLL_SECONDS = 2.0

_CLOCKS_APART = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Found:
    """The document as it is: `holder` is None where it was given back."""

    revision: str
    holder: Holder | None
    expires: datetime | None


class LeaseStore(Protocol):
    """The one document of an account. Raises ApiError."""

    async def create(self, holder: Holder, ttl: int) -> str | None:
        """Make the document and return its revision, or None when there is one."""
        ...

    async def fetch(self) -> Found | None:
        """Return the document, or None when there is none."""
        ...

    async def replace(self, revision: str, holder: Holder | None, ttl: int) -> str | None:
        """Write over this revision and return the next one, or None when it is not the last any more."""
        ...


@dataclass(slots=True)
class Lease:
    """The lease of one account, for one run. `on_lost` is called at most once, when it is lost.

    `clock` (seconds), `now` and `sleep` are replaceable for tests.
    """

    store: LeaseStore
    account_sid: str
    holder: Holder
    stop: Halt
    on_lost: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Sleep = asyncio.sleep
    _revision: str = ""

    @asynccontextmanager
    async def held(self, wait: float) -> AsyncIterator[None]:
        """Hold the lease, after waiting for it at most `wait` seconds.

        Raises LockedError, which names the holder, WaitInterruptedError, and ApiError.
        """
        await self._take(self.clock() + wait)
        renewing = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with suppress(ApiError):  # it then ends by itself
                await self._write(None, ttl=1)

    async def _take(self, until: float) -> None:
        while True:
            revision = await self.store.create(self.holder, TTL_SECONDS)
            found = None if revision else await self.store.fetch()
            if found is not None and self._is_free(found):
                revision = await self.store.replace(found.revision, self.holder, TTL_SECONDS)
            if revision is not None:
                self._revision = revision
                return
            if self.stop.is_set():
                raise WaitInterruptedError
            if self.clock() >= until:
                raise held_by(f"account {self.account_sid}", found.holder if found else None)
            await self.sleep(POLL_SECONDS)

    def _is_free(self, found: Found) -> bool:
        """Tell whether nobody holds the document, or somebody whose time is over."""
        if found.holder in (None, self.holder):
            return True
        return found.expires is not None and found.expires + _CLOCKS_APART < self.now()

    async def _keep(self) -> None:
        """Renew the lease until it is lost."""
        renewed = self.clock()
        while self.clock() - renewed < LOST_AFTER_SECONDS:
            await self.sleep(RENEW_SECONDS)
            try:
                revision = await self._write(self.holder, TTL_SECONDS)
            except ApiError:
                continue
            if revision is None:
                break
            self._revision, renewed = revision, self.clock()
        self.on_lost()

    async def _write(self, holder: Holder | None, ttl: int) -> str | None:
        """Write over the document and return its next revision; None when it is somebody else's.

        A write whose answer was lost has changed the revision: the document then still names this run.
        """
        revision = await self.store.replace(self._revision, holder, ttl)
        if revision is not None:
            return revision
        found = await self.store.fetch()
        if found is None or found.holder != self.holder:
            return None
        return await self.store.replace(found.revision, holder, ttl)
