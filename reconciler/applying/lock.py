"""The local lock: two runs on this machine never write to one account at the same time.

One file per account SID in the state folder, locked with `flock`. The kernel gives the lock back when its
holder ends, however it ends, so that a killed run is in nobody's way. The file says who holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.api.http_client import Sleep
from reconciler.applying.interrupts import Halt
from reconciler.applying.origin import Origin
from schemas.errors import TmError

POLL_SECONDS = 0.2


class LockedError(TmError):
    """Another run holds the lock."""


class WaitInterruptedError(Exception):
    """The run was interrupted while it waited for the lock."""


class Holder(BaseModel):
    """Who holds a lock: `pid` on `host`, `since` in ISO 8601."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    actor: str
    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        return f"{self.actor} (process {self.pid} on {self.host}) since {self.since}"

    @classmethod
    def of_this_process(cls, origin: Origin) -> Holder:
        """Return the holder that the run of this process is."""
        return cls(actor=origin.actor, host=origin.host, pid=os.getpid(), since=origin.at)


def held_by(what: str, holder: Holder | None) -> LockedError:
    """Return the error for a lock that somebody else has."""
    return LockedError(
        f"another run is writing to {what}: {holder or 'it does not say who'}",
        hint="Wait for it with --lock-timeout SECONDS.",
    )


@dataclass(frozen=True, slots=True)
class FileLock:
    """The locks of this machine, in `folder`. Nobody waits on once `stop` is set.

    `clock` (seconds) and `sleep` are replaceable for tests.
    """

    folder: Path
    stop: Halt
    clock: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep

    @asynccontextmanager
    async def held(self, account_sids: Collection[str], holder: Holder, wait: float) -> AsyncIterator[None]:
        """Hold the locks of these accounts, waiting for all of them together at most `wait` seconds.

        Raises LockedError, which names the holder, TmError where the folder cannot be written, and
        WaitInterruptedError.
        """
        until = self.clock() + wait
        with contextlib.ExitStack() as locks:
            for sid in sorted(set(account_sids)):  # one order for all, so that no two wait for each other
                path = self.folder / f"{sid}.lock"
                descriptor = _opened(path)
                locks.callback(os.close, descriptor)
                while not _taken(descriptor):
                    if self.stop.is_set():
                        raise WaitInterruptedError
                    if self.clock() >= until:
                        raise held_by(f"account {sid}", _holder_in(path))
                    await self.sleep(POLL_SECONDS)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, holder.model_dump_json().encode(), 0)
                locks.callback(os.ftruncate, descriptor, 0)
            yield


def _opened(path: Path) -> int:
    """Open or make the file, for this user only. It stays when the lock is given back."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise TmError(
            f"the lock {path} cannot be made: {error.strerror}",
            hint="TM_STATE_DIR names another folder for it.",
        ) from error


def _taken(descriptor: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_in(path: Path) -> Holder | None:
    """Return who the file says has the lock; None in the moment before it is written."""
    try:
        return Holder.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
