"""Two runs at once: who waits, who is told what, and what a dead run leaves behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.applying.lock import FileLock, Holder, LockedError, WaitInterruptedError
from reconciler.applying.origin import Origin
from schemas.errors import TmError

FIRST, SECOND = "AC" + "1" * 32, "AC" + "2" * 32
ALICE = Holder(actor="alice", host="build-7", pid=41, since="2026-11-20T12:00:00+00:00")
BOB = Holder(actor="bob", host="build-8", pid=42, since="2026-11-20T12:00:05+00:00")


@dataclass
class Waiting:
    """Virtual time: a wait passes at once, and something may happen in it."""

    folder: Path
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    now: float = 0.0
    meanwhile: Callable[[], Awaitable[None]] | None = None

    def lock(self) -> FileLock:
        async def sleep(seconds: float) -> None:
            self.now += seconds
            if self.meanwhile is not None:
                await self.meanwhile()

        return FileLock(self.folder, self.stop, lambda: self.now, sleep)


def test_the_holder_is_named_to_the_one_who_comes_second(tmp_path: Path) -> None:
    async def story() -> None:
        lock = Waiting(tmp_path).lock()
        async with lock.held([FIRST], ALICE, 0):
            with pytest.raises(LockedError, match=r"alice \(process 41 on build-7\) since 2026") as refused:
                async with lock.held([FIRST], BOB, 0):
                    pass
            assert "--lock-timeout" in str(refused.value.hint)

    asyncio.run(story())


def test_the_second_waits_as_long_as_it_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        waiting = Waiting(tmp_path)
        async with waiting.lock().held([FIRST], ALICE, 0):
            with pytest.raises(LockedError):
                async with waiting.lock().held([FIRST], BOB, 30):
                    pass
        assert 30 <= waiting.now < 31

    asyncio.run(story())


def test_the_second_goes_on_when_the_first_is_done(tmp_path: Path) -> None:
    async def story() -> None:
        waiting, first = Waiting(tmp_path), AsyncExitStack()
        await first.enter_async_context(waiting.lock().held([FIRST], ALICE, 0))
        waiting.meanwhile = first.aclose
        async with waiting.lock().held([FIRST], BOB, 30):
            with pytest.raises(LockedError, match="bob"):
                async with waiting.lock().held([FIRST], ALICE, 0):
                    pass

    asyncio.run(story())


def test_different_accounts_are_in_nobodys_way(tmp_path: Path) -> None:
    async def story() -> None:
        lock = Waiting(tmp_path).lock()
        async with lock.held([FIRST], ALICE, 0), lock.held([SECOND], BOB, 0):
            pass

    asyncio.run(story())


def test_who_does_not_get_all_locks_keeps_none(tmp_path: Path) -> None:
    async def story() -> None:
        lock = Waiting(tmp_path).lock()
        async with lock.held([SECOND], ALICE, 0):
            with pytest.raises(LockedError):
                async with lock.held([FIRST, SECOND], BOB, 0):
                    pass
            async with lock.held([FIRST], ALICE, 0):
                pass

    asyncio.run(story())


def test_a_run_that_was_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f"{FIRST}.lock").write_text(ALICE.model_dump_json())

    async def story() -> None:
        async with Waiting(tmp_path).lock().held([FIRST], BOB, 0):
            assert Holder.model_validate_json((tmp_path / f"{FIRST}.lock").read_bytes()) == BOB

    asyncio.run(story())


def test_an_interrupt_ends_the_waiting(tmp_path: Path) -> None:
    async def story() -> None:
        waiting = Waiting(tmp_path)

        async def interrupt() -> None:
            waiting.stop.set()

        waiting.meanwhile = interrupt
        async with waiting.lock().held([FIRST], ALICE, 0):
            with pytest.raises(WaitInterruptedError):
                async with waiting.lock().held([FIRST], BOB, 3600):
                    pass
        assert waiting.now < 1

    asyncio.run(story())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    async def story() -> None:
        async with Waiting(tmp_path / "file").lock().held([FIRST], ALICE, 0):
            pass

    with pytest.raises(TmError, match="cannot be made") as error:
        asyncio.run(story())
    assert "TM_STATE_DIR" in str(error.value.hint)


def test_this_process_says_who_it_is() -> None:
    holder = Holder.of_this_process(Origin(at="2026-11-20", actor="alice", host="build-7"))
    assert (holder.actor, holder.host, holder.pid) == ("alice", "build-7", os.getpid())
