"""What a worker makes of signals and of what its parent passes on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from runtime.workers.parent import STOP
from runtime.workers.worker import READY, ParentLine


def on_the_line(story: Callable[[socket.socket, ParentLine], Awaitable[None]]) -> None:
    """Play a story between the parent's end of a line and a worker that is ready."""

    async def play() -> None:
        parents, workers = socket.socketpair()
        with parents, workers:
            line = ParentLine(workers)
            line.ready()
            assert parents.recv(1) == READY
            await story(parents, line)
            asyncio.get_running_loop().remove_reader(workers)

    asyncio.run(play())


async def heard() -> None:
    """Let the event loop look at its sockets once."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def test_the_parents_first_word_lets_calls_finish_and_its_second_ends_them() -> None:
    async def story(parent: socket.socket, line: ParentLine) -> None:
        assert line.asked == 0
        for asked in (1, 2):
            parent.send(STOP)
            await heard()
            assert line.asked == asked

    on_the_line(story)


def test_signals_that_everybody_got_count_once_beside_the_parents_word() -> None:
    async def story(parent: socket.socket, line: ParentLine) -> None:
        line.signalled()
        line.signalled()
        assert line.asked == 1
        parent.send(STOP)
        await heard()
        assert line.asked == 1
        parent.send(STOP)
        await heard()
        assert line.asked == 2

    on_the_line(story)


def test_without_a_parent_a_worker_lets_its_calls_finish() -> None:
    async def story(parent: socket.socket, line: ParentLine) -> None:
        parent.close()
        await heard()
        assert line.asked == 1

    on_the_line(story)


def test_what_the_parent_said_before_the_worker_was_ready_is_heard() -> None:
    async def play() -> None:
        parent, workers = socket.socketpair()
        with parent, workers:
            line = ParentLine(workers)
            parent.send(STOP * 2)
            line.ready()
            await heard()
            assert line.asked == 2
            asyncio.get_running_loop().remove_reader(workers)

    asyncio.run(play())
