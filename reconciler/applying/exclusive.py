"""Alone on the accounts of a plan: the local lock always, and the lease that the Service asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.applying.interrupts import Halt
from reconciler.applying.lease import Lease, LeaseStore
from reconciler.applying.lock import FileLock, Holder


@dataclass(frozen=True, slots=True)
class Exclusion:
    """How the accounts (names and SIDs) are kept from other runs.

    `leases` gives the lease's document of an account by its name; None leaves it at the local lock.
    Nobody waits on once `stop` is set; `on_lost` is called when a lease is lost while it is held.
    """

    folder: Path
    accounts: Mapping[str, str]
    leases: Callable[[str], LeaseStore] | None
    stop: Halt
    on_lost: Callable[[], None]

    @asynccontextmanager
    async def held(self, holder: Holder, wait: float) -> AsyncIterator[None]:
        """Hold everything, after waiting for each account at most `wait` seconds.

        Raises LockedError, which names the holder, WaitInterruptedError, and TmError.
        """
        lock = FileLock(self.folder, self.stop)
        async with AsyncExitStack() as held:
            await held.enter_async_context(lock.held(self.accounts.values(), holder, wait))
            if self.leases is not None:
                for name, sid in sorted(self.accounts.items()):
                    lease = Lease(self.leases(name), sid, holder, self.stop, self.on_lost)
                    await held.enter_async_context(lease.held(wait))
            yield
