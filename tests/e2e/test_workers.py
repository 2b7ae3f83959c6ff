"""Several workers behind one port: who has which call, and what is left of one that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2

from cli.demo.processes import free_port
from sandbox.network import Kind, Listen, PhoneCall, Step, Wait
from sandbox.network.media_files import spoken_words
from sandbox.speech import clip
from tests.e2e.test_calls import CALL_SECONDS, GREETING, ONE_QUESTION, said
from tests.e2e.world import CALLER, FRONT_DESK, FRONT_DESK_YAML, START_SECONDS, World, play, until

WORKERS = 2
TWO_WORKERS = ("--workers", str(WORKERS))
OWN_URLS = {"TM_NODE_URL": "http://127.0.0.1:{port}"}
ANSWER = clip("agent-hours")
SORRY = "Please call again later."
# Of so many calls all go to one worker once in two thousand times.
MANY = 12
# A caller who has been answered, and asks again after whatever happened meanwhile.
ASKS_TWICE: tuple[Step, ...] = (*ONE_QUESTION[:3], Wait(12_000), *ONE_QUESTION[1:])


@contextlib.asynccontextmanager
async def two_workers(world: World) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `tm serve` with two workers and wait until both answer; yields the parent."""
    world.port = free_ports(1 + WORKERS)
    assert (await world.tm("apply", "--yes")).code == 0
    async with world.serving(OWN_URLS, options=TWO_WORKERS) as parent:
        await until(lambda: started(world, WORKERS), what="both workers", seconds=START_SECONDS)
        yield parent


def free_ports(count: int) -> int:
    """Return the first of so many ports in a row that nothing listens on."""
    while True:
        first = free_port()
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


def events(world: World, name: str) -> list[Mapping[str, int]]:
    """The log lines of an event."""
    lines = [line for line in world.server_log().splitlines() if line.startswith("{")]
    return [entry for entry in map(json.loads, lines) if entry["event"] == name]


async def started(world: World, times: int) -> bool:
    return len(events(world, "worker_ready")) >= times


def pids(world: World) -> dict[int, int]:
    """The process of each worker, the one that was ready last."""
    return {entry["worker"]: entry["pid"] for entry in events(world, "worker_ready")}


def worker_of(world: World, call: PhoneCall) -> int:
    """Which worker had the call's last stream, by the port of its address."""
    port = httpx2.URL(call.happened(Kind.STREAM_OPENED)[-1].detail).port
    assert port is not None
    return port - world.port - 1


async def heard(call: PhoneCall, sound: bytes) -> bool:
    return sound in call.heard


async def greeted(call: PhoneCall) -> None:
    await until(lambda: heard(call, GREETING.ulaw), what="the greeting", seconds=30)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def dial(world: World, *steps: Step) -> PhoneCall:
    return world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=steps)


def test_calls_are_spread_over_the_workers_and_each_stream_reaches_the_one_that_has_its_call(
    tmp_path: Path,
) -> None:
    async def story(world: World) -> None:
        async with two_workers(world):
            calls = [dial(world, Listen(), Wait(60_000)) for _ in range(MANY)]
            for call in calls:
                await greeted(call)
            assert {worker_of(world, call) for call in calls} == {0, 1}
            for call in calls:
                call.hang_up()
                await call.ended(CALL_SECONDS)
                record = await world.record_of(call.sid)
                assert (record["end_reason"], said(record, "agent")) == ("caller_hangup", [GREETING.text])
        assert world.box.alerts == []

    play(tmp_path, story)


def test_calls_of_a_killed_worker_go_on_and_the_worker_is_back(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with two_workers(world):
            call = dial(world, *ASKS_TWICE)
            await until(lambda: heard(call, ANSWER.ulaw), what="the first answer", seconds=30)
            await asyncio.sleep(2.5)  # the checkpoint after it
            killed = worker_of(world, call)
            os.kill(pids(world)[killed], signal.SIGKILL)
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
            await until(lambda: started(world, WORKERS + 1), what="the worker again", seconds=START_SECONDS)
            (ended,) = events(world, "worker_ended")
            assert (ended["worker"], ended["exit_code"]) == (killed, -signal.SIGKILL)
            async with httpx2.AsyncClient() as client:
                again = await client.get(f"http://127.0.0.1:{world.port + 1 + killed}/readyz")
            assert again.status_code == httpx2.codes.OK
        assert said(record, "agent")[:2] == [GREETING.text, ANSWER.text]
        assert said(record, "caller") == [clip("caller-opening-hours").text] * 2
        assert record["end_reason"] == "caller_hangup"
        assert len(call.happened(Kind.STREAM_OPENED)) == 2

    play(tmp_path, story)


def test_a_sigterm_to_parent_and_workers_at_once_lets_live_calls_finish(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with two_workers(world) as parent:
            call = dial(world, Listen(), Wait(3_000), *ONE_QUESTION[1:])
            await greeted(call)
            for pid in (parent.pid, *pids(world).values()):
                os.kill(pid, signal.SIGTERM)
            await call.ended(CALL_SECONDS)
            assert await asyncio.wait_for(parent.wait(), 10) == 0
            assert ANSWER.ulaw in call.heard
            assert [alive(pid) for pid in pids(world).values()] == [False, False]
            assert events(world, "worker_ended") == []
        history = (await world.tm("calls", "--format", "json")).json()["calls"]
        assert [(row["call_sid"], row["end_reason"]) for row in history] == [(call.sid, "caller_hangup")]

    play(tmp_path, story)


def test_a_second_signal_ends_live_calls_with_a_word(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with two_workers(world) as parent:
            call = dial(world, Listen(), Wait(60_000))
            await greeted(call)
            parent.terminate()
            await until(lambda: drains(world), what="the first signal")
            parent.terminate()
            assert await asyncio.wait_for(parent.wait(), 15) == 0
            await call.ended(CALL_SECONDS)
            assert spoken_words(SORRY) in call.heard
        history = (await world.tm("calls", "--format", "json")).json()["calls"]
        assert [row["end_reason"] for row in history] == ["drained"]

    play(tmp_path, story, front_desk=FRONT_DESK_YAML + f"fallback_message: {SORRY}\n")


async def drains(world: World) -> bool:
    return len(events(world, "draining")) == WORKERS


def test_the_exit_code_tells_of_a_worker_that_crashed_while_calls_finished(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with two_workers(world) as parent:
            call = dial(world, Listen(), Wait(60_000))
            await greeted(call)
            parent.terminate()
            await until(lambda: drains(world), what="the signal")
            os.kill(pids(world)[worker_of(world, call)], signal.SIGKILL)
            assert await asyncio.wait_for(parent.wait(), 10) == 1
            assert [entry["exit_code"] for entry in events(world, "worker_ended")] == [-signal.SIGKILL]
            await call.ended(CALL_SECONDS)

    play(tmp_path, story)


def test_workers_whose_parent_was_killed_finish_their_calls_and_leave(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with two_workers(world) as parent:
            call = dial(world, Listen(), Wait(2_000), *ONE_QUESTION[1:])
            await greeted(call)
            parent.kill()
            await call.ended(CALL_SECONDS)
            assert ANSWER.ulaw in call.heard
            await until(lambda: gone(pids(world)), what="the end of the workers")

    play(tmp_path, story)


async def gone(workers: Mapping[int, int]) -> bool:
    return not any(alive(pid) for pid in workers.values())


def test_workers_without_urls_of_their_own_are_refused(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        done = await world.tm("serve", *TWO_WORKERS, "--port", "8080")
        assert (done.code, done.out) == (1, "")
        assert "TM_NODE_URL with {worker} or {port}" in done.err
        assert "worker 0 listens on 8081" in done.err

    play(tmp_path, story)


def test_workers_that_cannot_start_say_why_and_the_parent_gives_up(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        port = str(free_ports(1 + WORKERS))
        broken = {**OWN_URLS, "TM_DATABASE_URL": f"sqlite:///{world.folder}"}
        done = await world.tm("serve", *TWO_WORKERS, "--port", port, environment=broken)
        assert done.code == 1
        assert "as soon as it was started" in done.err
        assert str(world.folder) in done.err

    play(tmp_path, story)
