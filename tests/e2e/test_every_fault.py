"""Whatever goes wrong with a stream or a model: one terminal record for each call, and no socket left open.

The lists of faults are the sandbox's own, so that none that it learns can be forgotten here.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import get_args

from sandbox.model import (
    Close,
    Complain,
    Drip,
    Drop,
    Duplicate,
    EchoPcm,
    Expire,
    Fault,
    LastOnly,
    Malformed,
    Refuse,
    SendPcm,
    Stall,
    UnknownEvent,
    When,
)
from sandbox.network import HangUp, Kind, PhoneCall, Say, Step, StreamFaults, Wait
from tests.e2e.test_model_faults import dial_into, sockets_closed
from tests.e2e.world import CALLER, FRONT_DESK, World, play, until

CALL_SECONDS = 60
CLOSED_SECONDS = 2
KEPT_ALIVE_SECONDS = 10  # more than webhooks' connections wait for the next one
MOMENT_MS = 2500  # of a fault: the agent has greeted, the caller speaks
ASKS: tuple[Step, ...] = (Wait(2000), Say("caller-opening-hours"), Wait(5000), HangUp())


def at(number: int) -> When:
    return When(ms=MOMENT_MS, connection=number)


def model_faults(number: int) -> Sequence[Fault]:
    """Return one of each kind for the model's connection of this number."""
    return (
        Drop(at(number)),
        Close(when=at(number)),
        Expire(at(number)),
        Complain(when=at(number)),
        Stall(at(number)),
        Drip(150, at(number)),
        Malformed(at(number)),
        UnknownEvent(at(number)),
        Duplicate(at(number)),
        EchoPcm(connection=number),
        SendPcm(connection=number),
        LastOnly(5, connection=number),
        Refuse(503, connections=number),
    )


# One of each, by the field that asks for it.
STREAM_FAULTS: Mapping[str, StreamFaults] = {
    "drop_after_ms": StreamFaults(drop_after_ms=MOMENT_MS),
    "freeze_after_ms": StreamFaults(freeze_after_ms=MOMENT_MS),
    "jitter_ms": StreamFaults(jitter_ms=60),
    "gap_ms": StreamFaults(gap_ms=(1000, MOMENT_MS)),
    "malformed_after_ms": StreamFaults(malformed_after_ms=1000),
    "close_after_ms": StreamFaults(close_after_ms=MOMENT_MS),
    "stop_after_ms": StreamFaults(stop_after_ms=MOMENT_MS),
    "read_delay_ms": StreamFaults(read_delay_ms=50),
    "loss": StreamFaults(loss=0.2),
    "duplicate_every": StreamFaults(duplicate_every=3),
    "reorder_every": StreamFaults(reorder_every=3),
    "garbage_every": StreamFaults(garbage_every=2),
    "flood": StreamFaults(flood=20),
    "mark_delay_ms": StreamFaults(mark_delay_ms=800),
    "lose_mark_every": StreamFaults(lose_mark_every=1),
}
ESTABLISHED = "01"
NO_FAULT = {"streams"}  # says only for how many streams the others are


def test_no_fault_of_the_sandbox_is_left_out() -> None:
    assert {type(fault) for fault in model_faults(1)} == set(get_args(Fault))
    assert set(STREAM_FAULTS) == {field.name for field in fields(StreamFaults)} - NO_FAULT


def connections(process: Process) -> int:
    """How many TCP connections of a process are open on both sides; Linux tells.

    What a pool keeps of connections that the other side has closed does not count.
    """
    descriptors = Path(f"/proc/{process.pid}/fd").iterdir()
    own = {descriptor.readlink().name for descriptor in descriptors}
    rows = [row.split() for row in Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == ESTABLISHED and f"socket:[{row[9]}]" in own for row in rows)


async def ended_in_one_record_each(world: World, process: Process, calls: Sequence[PhoneCall]) -> None:
    """Wait for the calls' ends; then for that of everything that they had open."""
    await asyncio.gather(*(call.ended(CALL_SECONDS) for call in calls))

    async def closed() -> bool:
        return all(
            len(call.happened(Kind.STREAM_OPENED)) <= len(call.happened(Kind.STREAM_CLOSED)) for call in calls
        )

    async def unconnected() -> bool:
        return connections(process) == 0

    await until(closed, what="the end of every stream", seconds=CLOSED_SECONDS)
    await sockets_closed(world)
    rows = await world.calls()
    assert sorted(row["call_sid"] for row in rows) == sorted(call.sid for call in calls)
    for call in calls:
        record = await world.record_of(call.sid, seconds=CLOSED_SECONDS)
        assert (record["end_reason"] is None) != (record["reject_reason"] is None), record
    if sys.platform == "linux":
        await until(unconnected, what="the end of every socket", seconds=KEPT_ALIVE_SECONDS)
    assert "ERROR" not in world.server_log()


def test_every_fault_of_the_model_ends_in_one_record_and_no_open_socket(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving() as process:
            # The first connections are refused, so this comes before the others.
            calls = [await dial_into(world, partial(model_fault, Refuse), ASKS)]
            await until(lambda: attempts(world, 2), what="the second attempt")
            calls += [
                await dial_into(world, partial(model_fault, kind), ASKS)
                for kind in get_args(Fault)
                if kind is not Refuse
            ]
            await ended_in_one_record_each(world, process, calls)

    play(tmp_path, story)


def model_fault(kind: type[Fault], number: int) -> Fault:
    """Return the fault of a kind for the connection of this number."""
    return next(fault for fault in model_faults(number) if isinstance(fault, kind))


async def attempts(world: World, count: int) -> bool:
    return world.box.model.attempts >= count


def test_every_fault_of_the_stream_ends_in_one_record_and_no_open_socket(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving() as process:
            calls = [
                world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=ASKS, faults=faults)
                for faults in STREAM_FAULTS.values()
            ]
            await ended_in_one_record_each(world, process, calls)

    play(tmp_path, story)
