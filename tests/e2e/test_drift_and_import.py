"""Changes by hand: found, attributed, accepted, healed; and an account that had no files before."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

from cli.demo.processes import free_port
from sandbox import NumberSeed
from tests.e2e.world import FRONT_DESK, STOP_SECONDS, World, play, until

SALES = "+14155550124"
FOREIGN = "+14155550140"
ELSEWHERE = "https://elsewhere.example/voice"
FLEET = f"""\
# Who answers the house line.
kind: Agent
name: front-desk
heal: true
numbers:
  - {FRONT_DESK}
instructions: Take reservations.
---
kind: Agent
name: sales
numbers: [{{number: {SALES}, friendly_name: Sales}}]   # since May
instructions: Sell.
"""
ACCOUNT = (NumberSeed(FRONT_DESK), NumberSeed(SALES), NumberSeed(FOREIGN, voice_url=ELSEWHERE))


async def apply(world: World) -> None:
    done = await world.tm("apply", "--yes", "--skip-preflight")
    assert done.code == 0, done.err


def test_drift_is_named_with_its_author_and_nothing_is_written(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await apply(world)
        writes = len(world.box.account.writes)
        assert (await world.tm("drift", "--exit-code")).code == 0
        world.box.account.edit(SALES, voice_url=ELSEWHERE)
        done = await world.tm("drift", "--who", "--exit-code", "--format", "json")
        assert done.code == 2, done.err
        (change,) = done.json()["changes"]
        assert (change["number"], change["cause"]) == (SALES, "drift")
        (author,) = change["who"]
        assert author["actor_type"] == "user"
        assert author["source_ip"] == "203.0.113.77"
        assert author["previous"] == {"voice_url": f"{world.base}/voice/sales"}
        text = await world.tm("drift", "--who")
        assert text.out.startswith("1 drifted\n")
        assert "203.0.113.77" in text.out
        ignored = await world.tm("drift", "--exit-code", "--ignore", "voice_url")
        assert ignored.code == 0
        assert len(world.box.account.writes) == writes

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_what_is_only_pending_is_no_drift(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await apply(world)
        world.declare(fleet=FLEET.replace("friendly_name: Sales", "friendly_name: Sales team"))
        assert (await world.tm("plan", "--exit-code")).code == 2
        assert (await world.tm("drift", "--exit-code")).code == 0

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_accepted_drift_is_in_the_files_with_their_comments_and_the_plan_is_empty(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await apply(world)
        world.box.account.edit(SALES, friendly_name="Sales (Berlin)")
        refused = await world.tm("drift", "--accept")
        assert refused.code == 1
        assert "--yes" in refused.err
        done = await world.tm("drift", "--accept", "--yes", "--exit-code")
        assert done.code == 0, done.err
        assert "+numbers:" in done.err
        text = (world.folder / "agents.d" / "fleet.yaml").read_text()
        assert text == FLEET.replace("friendly_name: Sales", "friendly_name: Sales (Berlin)")
        assert (await world.tm("plan", "--exit-code")).code == 0

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_a_foreign_url_cannot_be_accepted_and_is_said(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await apply(world)
        world.box.account.edit(SALES, voice_url=ELSEWHERE)
        done = await world.tm("drift", "--accept", "--yes", "--exit-code")
        assert done.code == 2
        assert f"not accepted: {SALES} voice_url" in done.err
        assert (world.folder / "agents.d" / "fleet.yaml").read_text() == FLEET

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_an_account_is_imported_and_the_plan_is_empty(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await apply(world)
        writes = len(world.box.account.writes)
        shutil.rmtree(world.folder / "agents.d")
        preview = await world.tm("import", "--dry-run")
        assert preview.code == 0, preview.err
        assert "+++ " in preview.out
        assert not (world.folder / "agents.d").exists()
        done = await world.tm("import")
        assert done.code == 0, done.err
        plan = (await world.tm("plan", "--format", "json")).json()
        assert plan["changes"] == []
        assert {item["agent"] for item in plan["unchanged"]} == {"front-desk", "sales"}
        assert {item["number"] for item in plan["skipped"]} == {FOREIGN}
        assert (await world.tm("import")).out.startswith("Nothing to import")
        assert len(world.box.account.writes) == writes

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_a_watch_heals_whom_it_may_tells_once_and_ends_on_sigterm(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await apply(world)
        applied_url = world.box.account.number(FRONT_DESK).voice_url
        messages: list[dict[str, object]] = []
        hook = await asyncio.start_server(hook_into(messages), "127.0.0.1", 0)
        port, listen = hook.sockets[0].getsockname()[1], free_port()
        watch = await world.start_tm(
            "watch", "--interval", "1", "--listen", f"127.0.0.1:{listen}", "--webhook", f"http://127.0.0.1:{port}/"
        )  # fmt: skip

        async def metrics() -> str:
            try:
                async with httpx2.AsyncClient(timeout=5) as client:
                    return (await client.get(f"http://127.0.0.1:{listen}/metrics")).text
            except httpx2.TransportError:
                return ""

        async def checked() -> bool:
            return "tm_reconcile_checks_total 0" not in (text := await metrics()) and bool(text)

        async def healed() -> bool:
            return world.box.account.number(FRONT_DESK).voice_url == applied_url

        async def told() -> bool:
            return "tm_reconcile_drift 1" in await metrics()

        await until(checked, what="the first check", seconds=20)
        world.box.account.edit(FRONT_DESK, voice_url=f"{world.base}/voice/somebody")
        world.box.account.edit(SALES, voice_url=ELSEWHERE)
        await until(healed, what="the healing", seconds=20)
        await until(told, what="the gauge", seconds=10)
        watch.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(watch.communicate(), STOP_SECONDS)
        assert watch.returncode == 0, err.decode()
        assert "1 healed" in out.decode()
        assert world.box.account.number(SALES).voice_url == ELSEWHERE
        listed = [change for message in messages for change in _changes(message)]
        assert sorted(listed) == [FRONT_DESK, SALES]
        hook.close()

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def hook_into(
    messages: list[dict[str, object]],
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A webhook that keeps what it is sent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        messages.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    return serve


def _changes(message: dict[str, object]) -> list[str]:
    changes = message["changes"]
    assert isinstance(changes, list)
    return [change["number"] for change in changes]
