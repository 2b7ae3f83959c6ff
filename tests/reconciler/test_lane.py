"""Who waits for room, who gets it, and what is counted."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from reconciler.api.lane import Gate, Lane, Traffic


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_no_more_are_let_in_than_the_limit_and_in_the_order_of_their_coming() -> None:
    entered: list[int] = []

    async def visitor(name: int, gate: Gate, leaving: asyncio.Event) -> None:
        async with gate:
            entered.append(name)
            await leaving.wait()

    async def story() -> None:
        gate, leaving = Gate(lambda: 2), asyncio.Event()
        async with asyncio.TaskGroup() as visitors:
            for name in range(5):
                visitors.create_task(visitor(name, gate, leaving))
            await settle()
            assert entered == [0, 1]
            leaving.set()
        assert entered == [0, 1, 2, 3, 4]
        assert (gate.inside, gate.highest) == (0, 2)

    asyncio.run(story())


def test_a_risen_limit_lets_the_waiting_in() -> None:
    async def story() -> None:
        limit = 1
        gate = Gate(lambda: limit)
        await gate.enter()
        waiting = asyncio.create_task(gate.enter())
        await settle()
        assert not waiting.done()
        limit = 2
        gate.admit()
        await waiting
        assert gate.inside == 2

    asyncio.run(story())


@pytest.mark.parametrize("admitted_meanwhile", [False, True])
def test_one_who_goes_away_while_waiting_takes_nobodys_room(admitted_meanwhile: bool) -> None:
    async def story() -> None:
        gate = Gate(lambda: 1)
        await gate.enter()
        waiting = asyncio.create_task(gate.enter())
        await settle()
        if admitted_meanwhile:
            gate.leave()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        if not admitted_meanwhile:
            gate.leave()
        assert gate.inside == 0
        await asyncio.wait_for(gate.enter(), 1)

    asyncio.run(story())


def test_refusals_slow_the_lane_down_and_everything_is_counted() -> None:
    async def story() -> None:
        now = 0.0
        lane = Lane(clock=lambda: now)
        statuses = iter([429, 200, 200])

        async def send() -> httpx2.Response:
            return httpx2.Response(next(statuses), headers={"Twilio-Concurrent-Requests": "1"})

        for _ in range(3):
            now += 1
            await lane.send(send)
        assert lane.traffic == Traffic(sent=3, refused=1, highest=1)

    asyncio.run(story())


def test_a_request_that_breaks_gives_its_room_back() -> None:
    async def story() -> None:
        lane = Lane(most=1)

        async def broken() -> httpx2.Response:
            raise httpx2.ConnectError("gone")

        async def answered() -> httpx2.Response:
            return httpx2.Response(200)

        with pytest.raises(httpx2.ConnectError):
            await lane.send(broken)
        assert (await asyncio.wait_for(lane.send(answered), 1)).status_code == 200

    asyncio.run(story())
