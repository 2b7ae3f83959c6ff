"""An event loop whose clock jumps to the next timer as soon as nothing else is to be done.

Work in threads (the call store's) is waited for in real time, during which the clock stands still.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at 1,000 s; `time()` moves by jumps only."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._in_threads = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        self._in_threads += 1
        future.add_done_callback(self._back)
        return future

    def _back(self, _future: asyncio.Future[T]) -> None:
        self._in_threads -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self._in_threads += 1  # it waits for its threads in one more
        await super().shutdown_default_executor()
        self._in_threads -= 1

    @property
    def timers(self) -> int:
        """How many timers are set and not cancelled."""
        timers: list[asyncio.TimerHandle] = vars(self)["_scheduled"]
        return sum(not timer.cancelled() for timer in timers)

    @property
    def in_threads(self) -> bool:
        return self._in_threads > 0


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._loop.in_threads:
            return super().select(0.05)
        assert timeout is not None, "everything waits, and nothing is going to happen"
        self._loop.now += timeout
        return []


def run(story: Coroutine[object, object, T]) -> T:
    """Run a story in virtual time. Tasks that it leaves behind are an error."""

    async def checked() -> T:
        result = await story
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left
        return result

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(checked())
