"""The lease of an account: who gets it, how it is kept, and what happens when it is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.api.errors import ApiError, ApiUnavailableError
from reconciler.applying.lease import LOST_AFTER_SECONDS, RENEW_SECONDS, TTL_SECONDS, Found, Lease
from reconciler.applying.lock import Holder, LockedError, WaitInterruptedError

SID = "AC" + "1" * 32
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ALICE = Holder(actor="alice", host="build-7", pid=41, since="2026-11-20T12:00:00+00:00")
BOB = Holder(actor="bob", host="build-8", pid=42, since="2026-11-20T12:00:05+00:00")


@dataclass
class VirtualTime:
    """A clock that moves only when it is told to, and wakes the sleepers on its way."""

    seconds: float = 0.0
    sleepers: list[tuple[float, asyncio.Future[None]]] = field(default_factory=list)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.seconds + seconds, waking))
        await waking

    async def pass_by(self, seconds: float) -> None:
        until = self.seconds + seconds
        while True:
            for _ in range(5):
                await asyncio.sleep(0)
            due = sorted((at, waking) for at, waking in self.sleepers if at <= until and not waking.done())
            if not due:
                break
            self.seconds = due[0][0]
            due[0][1].set_result(None)
        self.seconds = until


@dataclass
class Document:
    """A Sync document that keeps its promises. `late` ones stay after their time to live is over.

    `errors` are raised by the next requests, before or (`stores_first`) after they had their effect.
    """

    time: VirtualTime
    found: Found | None = None
    late: bool = False
    errors: list[ApiError] = field(default_factory=list)
    stores_first: bool = False
    replaced: int = 0

    async def create(self, holder: Holder, ttl: int) -> str | None:
        self._expire()
        return None if self.found else self._store(holder, ttl)

    async def fetch(self) -> Found | None:
        self._expire()
        return self.found

    async def replace(self, revision: str, holder: Holder | None, ttl: int) -> str | None:
        self.replaced += 1
        if self.errors and not self.stores_first:
            raise self.errors.pop(0)
        self._expire()
        if self.found is None or self.found.revision != revision:
            return None
        stored = self._store(holder, ttl)
        if self.errors:
            raise self.errors.pop(0)
        return stored

    def _store(self, holder: Holder | None, ttl: int) -> str:
        revision = str(int(self.found.revision) + 1 if self.found else 0)
        self.found = Found(revision, holder, self.time.now() + timedelta(seconds=ttl))
        return revision

    def _expire(self) -> None:
        expired = self.found and self.found.expires and self.found.expires <= self.time.now()
        if expired and not self.late:
            self.found = None


@dataclass
class Stage:
    """One document, and leases on it."""

    time: VirtualTime = field(default_factory=VirtualTime)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    losses: int = 0
    document: Document = field(init=False)

    def __post_init__(self) -> None:
        self.document = Document(self.time)

    def lease(self, holder: Holder) -> Lease:
        def lost() -> None:
            self.losses += 1

        return Lease(
            self.document, SID, holder, self.stop, lost,
            clock=lambda: self.time.seconds, now=self.time.now, sleep=self.time.sleep,
        )  # fmt: skip


def test_the_holder_on_another_machine_is_named() -> None:
    async def story() -> None:
        stage = Stage()
        async with stage.lease(ALICE).held(0):
            with pytest.raises(LockedError, match=r"alice .* on build-7"):
                async with stage.lease(BOB).held(0):
                    pass

    asyncio.run(story())


def test_it_is_given_back_at_once() -> None:
    async def story() -> None:
        stage = Stage()
        async with stage.lease(ALICE).held(0):
            pass
        async with stage.lease(BOB).held(0):
            assert stage.document.found is not None
            assert stage.document.found.holder == BOB

    asyncio.run(story())


def test_it_is_renewed_for_as_long_as_the_run_lasts() -> None:
    async def story() -> None:
        stage = Stage()
        async with stage.lease(ALICE).held(0):
            await stage.time.pass_by(10 * TTL_SECONDS)
            assert stage.document.found is not None
            assert stage.document.found.holder == ALICE
        assert stage.losses == 0
        assert stage.document.replaced == 10 * TTL_SECONDS / RENEW_SECONDS + 1

    asyncio.run(story())


@pytest.mark.parametrize("late", [False, True])
def test_a_holder_that_died_is_in_the_way_for_its_time_to_live_only(late: bool) -> None:
    async def story() -> None:
        stage = Stage()
        await stage.document.create(ALICE, TTL_SECONDS)
        stage.document.late = late
        with pytest.raises(LockedError):
            async with stage.lease(BOB).held(0):
                pass
        waiting = asyncio.create_task(_hold(stage.lease(BOB), 300))
        await stage.time.pass_by(TTL_SECONDS + 35)
        await waiting

    asyncio.run(story())


async def _hold(lease: Lease, wait: float) -> None:
    async with lease.held(wait):
        pass


def test_an_interrupt_ends_the_waiting() -> None:
    async def story() -> None:
        stage = Stage()
        async with stage.lease(ALICE).held(0):
            waiting = asyncio.create_task(_hold(stage.lease(BOB), 300))
            await stage.time.pass_by(4)
            stage.stop.set()
            await stage.time.pass_by(4)
            with pytest.raises(WaitInterruptedError):
                await waiting

    asyncio.run(story())


def test_a_renewal_that_fails_now_and_then_loses_nothing() -> None:
    async def story() -> None:
        stage = Stage()
        async with stage.lease(ALICE).held(0):
            stage.document.errors = [ApiUnavailableError("503"), ApiUnavailableError("503")]
            await stage.time.pass_by(3 * TTL_SECONDS)
        assert stage.losses == 0

    asyncio.run(story())


def test_a_renewal_whose_answer_was_lost_loses_nothing() -> None:
    async def story() -> None:
        stage = Stage()
        async with stage.lease(ALICE).held(0):
            stage.document.stores_first = True
            stage.document.errors = [ApiUnavailableError("no answer")]
            await stage.time.pass_by(3 * TTL_SECONDS)
        assert stage.losses == 0

    asyncio.run(story())


def test_renewals_that_all_fail_lose_the_lease_before_it_ends() -> None:
    async def story() -> None:
        stage = Stage()
        async with stage.lease(ALICE).held(0):
            stage.document.errors = [ApiUnavailableError("503")] * 99
            await stage.time.pass_by(LOST_AFTER_SECONDS + RENEW_SECONDS)
            assert stage.losses == 1
            assert stage.time.seconds < TTL_SECONDS
            stage.document.errors.clear()

    asyncio.run(story())


def test_a_lease_that_somebody_took_is_lost_and_not_taken_back() -> None:
    async def story() -> None:
        stage = Stage()
        async with stage.lease(ALICE).held(0):
            stage.document.found = Found("77", BOB, None)
            await stage.time.pass_by(RENEW_SECONDS)
            assert stage.losses == 1
        assert stage.document.found == Found("77", BOB, None)

    asyncio.run(story())


def test_what_cannot_be_given_back_ends_by_itself() -> None:
    async def story() -> None:
        stage = Stage()
        async with stage.lease(ALICE).held(0):
            stage.document.errors = [ApiUnavailableError("503")]
        await stage.time.pass_by(TTL_SECONDS)
        await _hold(stage.lease(BOB), 0)

    asyncio.run(story())
