"""Sending in order on one socket, whether it is quick, slow, full or gone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from runtime.outbox import Outbox
from tests.runtime.virtual_time import run


class Socket:
    """Takes messages while it is `quick`; otherwise each takes a second, or, once it is `gone`, fails."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.quick = True
        self.gone = False

    def write(self, text: str) -> bool:
        if self.quick:
            self.taken.append(text)
        return self.quick

    async def send(self, text: str) -> None:
        await asyncio.sleep(1)
        if self.gone:
            raise ConnectionResetError
        self.taken.append(text)


class World:
    """An outbox with its socket, and the failures that it told of."""

    def __init__(self) -> None:
        self.socket = Socket()
        self.failures: list[OSError] = []
        self.outbox = Outbox(
            most_waiting=3,
            clock=lambda: asyncio.get_running_loop().time(),
            on_failure=self.failures.append,
        )

    async def live(self, story: Coroutine[object, object, None]) -> None:
        async with asyncio.TaskGroup() as tasks:
            self.outbox.open(self.socket, tasks)
            await story
            self.outbox.close()


def test_a_quick_socket_has_each_message_at_once_and_what_was_put_before_it_was_there() -> None:
    async def story(world: World) -> None:
        await world.outbox.sent()
        assert world.socket.taken == ["early"]
        assert world.outbox.put("now")
        assert world.socket.taken[1:] == ["now"]
        assert world.outbox.since is None

    world = World()
    world.outbox.put("early")
    run(world.live(story(world)))


def test_a_slow_socket_gets_everything_in_order_and_tells_since_when_it_is_waited_for() -> None:
    async def story(world: World) -> None:
        world.socket.quick = False
        assert world.outbox.put("one")
        await asyncio.sleep(0.5)
        world.socket.quick = True
        assert world.outbox.put("two")
        waited_for = asyncio.get_running_loop().time() - (world.outbox.since or 0)
        assert waited_for == 0.5
        await world.outbox.sent()
        assert world.socket.taken == ["one", "two"]
        assert world.outbox.since is None
        assert world.outbox.put("three")
        assert world.socket.taken[-1] == "three"

    world = World()
    run(world.live(story(world)))


def test_a_full_outbox_takes_nothing_more() -> None:
    async def story(world: World) -> None:
        world.socket.quick = False
        assert [world.outbox.put(text) for text in "abcd"] == [True, True, True, False]
        await world.outbox.sent()
        assert world.socket.taken == ["a", "b", "c"]

    world = World()
    run(world.live(story(world)))


def test_a_socket_that_fails_is_told_of_once_and_let_go() -> None:
    async def story(world: World) -> None:
        world.socket.quick, world.socket.gone = False, True
        world.outbox.put("one")
        world.outbox.put("two")
        await asyncio.sleep(5)
        assert len(world.failures) == 1
        world.socket.quick = True
        world.outbox.put("three")
        assert world.socket.taken == []

    world = World()
    run(world.live(story(world)))


def test_a_closed_outbox_waits_for_nobody() -> None:
    async def story(world: World) -> None:
        world.socket.quick = False
        world.outbox.put("one")
        await asyncio.sleep(0.5)
        world.outbox.close()
        began = asyncio.get_running_loop().time()
        await world.outbox.sent()
        assert asyncio.get_running_loop().time() == began
        assert not world.socket.taken
        assert not world.failures

    world = World()
    run(world.live(story(world)))
