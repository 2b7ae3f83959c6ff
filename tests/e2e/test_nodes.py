"""Nodes and their database: two on one, one that hangs, and one whose database goes away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2

from sandbox import NumberSeed
from sandbox.network import HangUp, Kind, Listen, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import CALL_SECONDS, GREETING, ONE_QUESTION, said
from tests.e2e.world import CALLER, FRONT_DESK, FRONT_DESK_YAML, World, play, until
from tests.postgres import PostgresServer

ANSWER = clip("agent-hours")
SECOND = "+14155550124"
ONE_CALL_AT_A_TIME = (
    FRONT_DESK_YAML.replace(f"numbers: {FRONT_DESK}", f"numbers: [{FRONT_DESK}, {SECOND}]")
    + "max_concurrent_calls: 1\n"
)


def test_a_limit_holds_for_all_nodes_and_each_of_them_knows_all_calls(tmp_path: Path, database: str) -> None:
    async def story(world: World) -> None:
        other = World(world.box, world.folder, database)
        done = await world.tm("apply", "--yes")
        assert done.code == 0, done.err
        world.box.account.edit(SECOND, voice_url=f"{other.base}/voice/front-desk")
        nodes = {
            each.base: {"TM_PUBLIC_URL": world.base, "TM_NODE_URL": each.base} for each in (world, other)
        }
        async with world.serving(nodes[world.base]), other.serving(nodes[other.base]):
            network = world.box.network
            first = network.dial(from_=CALLER, to=FRONT_DESK, caller=(Listen(), Wait(60_000)))
            await until(lambda: opened(world), what="the first call")
            refused = network.dial(from_=CALLER, to=SECOND, caller=(Wait(60_000),))
            await refused.ended(CALL_SECONDS)
            assert not refused.happened(Kind.STREAM_OPENED)
            (live,) = [row for row in await other.calls() if row["status"] == "active"]
            assert live["call_sid"] == first.sid
            first.hang_up()
            await first.ended(CALL_SECONDS)
            await world.record_of(first.sid)
            second = network.dial(from_=CALLER, to=SECOND, caller=(Listen(), HangUp()))
            await second.ended(CALL_SECONDS)
            record = await world.record_of(second.sid)
        assert said(record, "agent") == [GREETING.text]
        history = (await world.tm("calls", "--format", "json")).json()["calls"]
        assert [(row["call_sid"], row["reject_reason"]) for row in history] == [
            (second.sid, None),
            (refused.sid, "concurrent_limit"),
            (first.sid, None),
        ]

    numbers = (NumberSeed(FRONT_DESK), NumberSeed(SECOND))
    play(tmp_path, story, numbers=numbers, database=database, front_desk=ONE_CALL_AT_A_TIME)


@contextlib.asynccontextmanager
async def two_nodes(world: World) -> AsyncIterator[tuple[World, asyncio.subprocess.Process]]:
    """Serve with two nodes; yields the one that gets no calls, and the process of the one that does."""
    other = World(world.box, world.folder, world.database)
    assert (await world.tm("apply", "--yes")).code == 0
    nodes = [{"TM_PUBLIC_URL": world.base, "TM_NODE_URL": each.base} for each in (world, other)]
    async with world.serving(nodes[0]) as process, other.serving(nodes[1]):
        yield other, process


async def hang_up(world: World, call_sid: str) -> dict[str, Any]:
    async with httpx2.AsyncClient(base_url=world.base, timeout=20) as client:
        answer = await client.post(f"/api/calls/{call_sid}/hangup")
    assert answer.status_code == 200, answer.text
    record: dict[str, Any] = answer.json()
    return record


def test_a_call_is_hung_up_by_whichever_node_is_asked(tmp_path: Path, database: str) -> None:
    async def story(world: World) -> None:
        async with two_nodes(world) as (other, _process):
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=(Listen(), Wait(60_000)))
            await until(lambda: opened(world), what="the call")
            record = await hang_up(other, call.sid)
            assert (record["status"], record["end_reason"]) == ("completed", "cancelled")
            await call.ended(CALL_SECONDS)
            again = await hang_up(world, call.sid)
            assert again["end_reason"] == "cancelled"
        assert "ended_in_its_place" not in world.server_log()
        assert world.box.alerts == []

    play(tmp_path, story, database=database)


def test_the_call_of_a_node_that_hangs_is_ended_in_its_place_and_stays_so(
    tmp_path: Path, database: str
) -> None:
    async def story(world: World) -> None:
        async with two_nodes(world) as (other, process):
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=(Listen(), Wait(60_000)))
            await until(lambda: opened(world), what="the call")
            os.kill(process.pid, signal.SIGSTOP)
            try:
                record = await hang_up(other, call.sid)
            finally:
                os.kill(process.pid, signal.SIGCONT)
            assert (record["status"], record["end_reason"]) == ("completed", "cancelled")
            await call.ended(CALL_SECONDS)
            await until(lambda: noticed(world), what="the end in the eyes of its own node")
            assert (await world.record_of(call.sid))["end_reason"] == "cancelled"
        assert "ended_in_its_place" in world.server_log()

    play(tmp_path, story, database=database)


def test_calls_begin_go_on_and_end_while_postgresql_is_away_and_their_records_follow(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            network = world.box.network
            first = network.dial(from_=CALLER, to=FRONT_DESK, caller=ONE_QUESTION)
            await until(lambda: opened(world), what="the first call")
            with postgres.away():
                second = network.dial(from_=CALLER, to=FRONT_DESK, caller=ONE_QUESTION)
                for call in (first, second):
                    await call.ended(CALL_SECONDS)
                    assert ANSWER.ulaw in call.heard
            for call in (first, second):
                record = await world.record_of(call.sid)
                assert record["end_reason"] == "caller_hangup"
                assert said(record, "agent") == [GREETING.text, ANSWER.text]
            assert "record_lost" not in world.server_log()

    play(tmp_path, story, database=postgres.new_database())


async def opened(world: World) -> bool:
    return any(row["status"] == "active" for row in await world.calls())


async def noticed(world: World) -> bool:
    return '"call_ended"' in world.server_log()
