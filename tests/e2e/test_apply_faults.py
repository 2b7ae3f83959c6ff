"""Applies that meet trouble, as processes: interrupts, a kill, another run, an account that is busy."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from sandbox import NumberSeed
from tests.e2e.world import SERVICE, Done, World, play, until

NUMBERS = tuple(f"+1415555{index:04}" for index in range(14))
FLEET = f"""\
kind: Agent
name: front-desk
numbers: {list(NUMBERS)}
instructions: Take reservations.
"""
ACCOUNT = tuple(NumberSeed(number) for number in NUMBERS)


def written(world: World) -> list[str]:
    """The numbers that the account has as declared."""
    urls = {number: world.box.account.number(number).voice_url or "" for number in NUMBERS}
    return [number for number, url in urls.items() if "/voice/front-desk" in url]


def journals(world: World) -> list[Path]:
    return sorted((world.folder / ".tm" / "journal").glob("*.jsonl"))


async def ended(process: asyncio.subprocess.Process) -> Done:
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    assert b"Traceback" not in err, err
    return Done(process.returncode, out.decode(), err.decode())


async def slow_apply(world: World, *arguments: str, latency_ms: float = 60) -> asyncio.subprocess.Process:
    """Start an apply, and return when it has written a few of its numbers."""
    world.box.account.faults.latency_ms = latency_ms
    process = await world.start_tm("apply", "--yes", "--format", "json", *arguments)

    async def under_way() -> bool:
        return len(written(world)) >= 2

    await until(under_way, what="the first numbers", seconds=20)
    return process


def numbers_of(report: dict[str, Any], outcome: str) -> set[str]:
    return {item["number"] for item in report[outcome]}


def test_an_interrupted_apply_ends_with_a_true_report_and_the_next_one_does_the_rest(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        process = await slow_apply(world, "--max-concurrency", "2")
        process.send_signal(signal.SIGINT)
        done = await ended(process)
        assert done.code == 130
        report = done.json()
        assert numbers_of(report, "updated") == set(written(world))
        assert numbers_of(report, "not_attempted") == set(NUMBERS) - set(written(world))
        assert report["not_attempted"]
        world.box.account.faults.latency_ms = 0
        (world.folder / "report.json").write_text(done.out)
        rest = await world.tm("apply", "--yes", "--only-failed", "report.json", "--format", "json")
        assert numbers_of(rest.json(), "updated") == numbers_of(report, "not_attempted")
        assert (await world.tm("plan", "--exit-code")).code == 0

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_a_killed_apply_is_in_nobodys_way_and_can_be_taken_back(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        before = [world.box.account.number(number) for number in NUMBERS]
        process = await slow_apply(world, "--max-concurrency", "4")
        process.kill()
        await process.wait()
        world.box.account.faults.latency_ms = 0
        assert written(world)
        (journal,) = journals(world)
        dry = await world.tm("rollback", str(journal), "--dry-run", "--format", "json")
        allowed = f"detaches={dry.json()['summary']['detach']}"
        back = await world.tm("rollback", str(journal), "--yes", "--allow", allowed)
        assert back.code == 0, back.err
        for number, former in zip(NUMBERS, before, strict=True):
            now = world.box.account.number(number)
            assert (now.voice_url or "", now.status_callback or "") == (
                former.voice_url or "",
                former.status_callback or "",
            )
        assert (await world.tm("apply", "--yes")).code == 0
        assert len(written(world)) == len(NUMBERS)

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


@pytest.mark.parametrize("lock", ["file", "sync"])
def test_two_applies_do_not_interleave_and_the_second_names_the_first(tmp_path: Path, lock: str) -> None:
    async def story(world: World) -> None:
        world.declare(service=f"{SERVICE}lock: {lock}\n")
        first = await slow_apply(world, "--max-concurrency", "2", latency_ms=200)
        # Another machine shares nothing but the account.
        elsewhere = {"TM_STATE_DIR": str(world.folder / "elsewhere")} if lock == "sync" else {}
        second = await world.tm("apply", "--yes", "--format", "json", environment=elsewhere)
        assert second.code == 1, second.out
        assert f"process {first.pid} on" in second.json()["error"]
        assert "--lock-timeout" in second.err
        third = await world.tm(
            "apply", "--yes", "--format", "json", "--lock-timeout", "30", environment=elsewhere
        )
        assert third.code == 0, third.out
        assert (await ended(first)).code == 0
        assert len(third.json()["unchanged"]) == len(NUMBERS)
        assert len(number_writes(world)) == len(NUMBERS)

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def number_writes(world: World) -> list[str]:
    return [one.path for one in world.box.account.writes if "IncomingPhoneNumbers" in one.path]


def test_a_busy_account_is_written_to_as_fast_as_it_lets_and_no_number_is_lost(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.box.account.faults.latency_ms = 20
        world.box.account.faults.max_concurrency = 5
        done = await world.tm("apply", "--yes")
        assert done.code == 0, done.out
        assert written(world) == list(NUMBERS)
        assert "requests" in done.out.splitlines()[-1]

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_the_journal_says_who_ran_what(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        environment = {"GITHUB_ACTOR": "octocat"}
        assert (await world.tm("apply", "--yes", environment=environment)).code == 0
        first = json.loads(journals(world)[0].read_text().splitlines()[0])
        assert first["actor"] == "octocat"
        assert first["command"] == "tm apply --yes --skip-preflight"
        assert first["accounts"] == {"main": world.box.account_sid}
        assert world.box.auth_token not in journals(world)[0].read_text()

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)
