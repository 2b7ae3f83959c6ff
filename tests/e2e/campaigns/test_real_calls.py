"""A campaign through real sockets: people of the sandbox who answer, are busy, have a machine, or hang up."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sandbox import NumberSeed, Phone, voicemail
from sandbox.network import HangUp, Listen, Say, Step
from tests.e2e.world import FRONT_DESK, World, play, until
from tests.postgres import PostgresServer

Story = Callable[[World], Awaitable[None]]

TALKS: tuple[Step, ...] = (Listen(), Say("caller-opening-hours"), Listen(), HangUp())
AGENT = f"""\
kind: Agent
name: caller
inbound: false
numbers: "{FRONT_DESK}"
greeting: Good evening, this is the {{{{ place }}}}. How can I help you?
instructions: Call from the {{{{ place }}}}.
variables: {{place: {{required: true}}}}
"""
CAMPAIGN = """\
kind: Campaign
name: spring
agent: caller
leads: leads.csv
hours: {mon-sun: 00:00-24:00}
max_retries: 1
cooldown: 1
calls_per_second: 5
ring_seconds: 5
"""
PHONES = {
    "+14155552001": Phone(caller=TALKS),
    "+14155552002": Phone(outcome="busy"),
    "+14155552003": Phone(outcome="failed"),
    "+14155552004": Phone(outcome="rejects"),
    "+14155552005": voicemail(),
    "+14155552006": Phone(caller=TALKS),
}
OUTCOMES = {
    "+14155552001": "completed",
    "+14155552002": "busy",
    "+14155552003": "failed",
    "+14155552004": "busy",
    "+14155552005": "voicemail",
    "+14155552006": "completed",
}


def prepare(world: World) -> None:
    """Give everybody a phone, and put them on the list."""
    world.box.network.phones.update(PHONES)
    rows = [f"{number},Harbour Bistro" for number in PHONES]
    (world.folder / "agents.d" / "leads.csv").write_text("\n".join(["number,place", *rows]) + "\n")


async def over(world: World, leads: int) -> dict[str, Any]:
    """How the campaign stands, once every lead is finished."""

    async def asked() -> dict[str, Any] | None:
        (campaign,) = (await world.get("/api/campaigns")).json()["campaigns"]
        return campaign if campaign["states"]["finished"] == leads else None

    return await until(asked, what="the end of the campaign", seconds=60)


def outcomes(path: Path) -> dict[str, str]:
    with path.open(newline="") as file:
        return {row["number"]: row["outcome"] for row in csv.DictReader(file)}


def check_calls(world: World) -> None:
    """Who was not reached was called twice, everybody else once."""
    calls = Counter(call.call.to for call in world.box.network.calls.values())
    assert calls == {number: 2 if end in ("busy", "failed") else 1 for number, end in OUTCOMES.items()}


def test_everybody_on_the_list_is_called_and_the_results_are_exported(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        prepare(world)
        async with world.serving():
            planned = await world.tm("campaign", "run", "spring", "--dry-run", "--format", "json")
            assert len(planned.json()["calls"]) == len(PHONES)
            done = await world.tm(
                "campaign", "run", "spring", "--csv", str(tmp_path / "results.csv"), "--format", "json"
            )
            assert done.code == 0, done.err
            assert done.json()["outcomes"] == Counter(OUTCOMES.values())
            async with httpx2.AsyncClient(base_url=world.base, timeout=5) as client:
                more = {"leads": [{"number": "+14155552001", "place": "x"}, {"number": "12", "place": "x"}]}
                added = await client.post("/api/campaigns/spring/leads", json=more)
                unknown = await client.post("/api/campaigns/autumn/leads", json=more)
        assert added.json()["known"] == 1
        assert added.json()["refused"] == [
            {"index": 1, "reason": "invalid", "detail": '"12" is no phone number'}
        ]
        assert unknown.status_code == httpx2.codes.NOT_FOUND

    play(tmp_path, _then(story), numbers=(NumberSeed(FRONT_DESK),), agent=AGENT, campaign=CAMPAIGN)
    assert outcomes(tmp_path / "results.csv") == OUTCOMES


def test_one_process_runs_the_campaign_and_another_answers_its_calls(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    async def story(world: World) -> None:
        prepare(world)
        other = World(world.box, world.folder, world.database)
        roles = {"TM_PUBLIC_URL": world.base}
        async with (
            world.serving(options=("--role", "voice")),
            other.serving(roles, options=("--role", "outbound")),
        ):
            await world.tm("campaign", "run", "spring", "--detach")
            campaign = await over(world, len(PHONES))
        assert campaign["outcomes"] == Counter(OUTCOMES.values())

    play(
        tmp_path, _then(story), database=postgres.new_database(), numbers=(NumberSeed(FRONT_DESK),),
        agent=AGENT, campaign=CAMPAIGN,
    )  # fmt: skip


@pytest.mark.parametrize("seconds", [0.7, 1.6])
def test_a_node_that_is_killed_in_the_middle_calls_nobody_twice(tmp_path: Path, seconds: float) -> None:
    async def story(world: World) -> None:
        prepare(world)
        async with world.serving() as process:
            await world.tm("campaign", "run", "spring", "--detach")
            await asyncio.sleep(seconds)
            process.kill()
            await process.wait()
        async with world.serving():
            await over(world, len(PHONES))
        calls = Counter(call.call.to for call in world.box.network.calls.values())
        assert all(count <= 2 for count in calls.values())

    play(tmp_path, story, numbers=(NumberSeed(FRONT_DESK),), agent=AGENT, campaign=CAMPAIGN)


def _then(story: Story) -> Story:
    async def checked(world: World) -> None:
        await story(world)
        check_calls(world)

    return checked
