"""Before the first call: the doctor, and the preflight of apply, against the real runtime."""

from __future__ import annotations

from pathlib import Path

from sandbox import NumberSeed
from tests.e2e.world import FRONT_DESK, FRONT_DESK_YAML, World, play

SALES = "+14155550124"
SALES_YAML = f"""\
kind: Agent
name: sales
numbers: {SALES}
instructions: Sell.
"""
BOTH = (NumberSeed(FRONT_DESK), NumberSeed(SALES))


def test_a_fleet_in_order_passes_and_the_doctor_leaves_no_trace(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            done = await world.tm("doctor", "--format", "json")
            assert done.code == 0, done.out
            found = done.json()["findings"]
            assert {each["check"] for each in found if each["verdict"] == "warning"} == {"fallback"}
            assert {"signed call", "signed URL", "forged call", "websocket"} <= {
                each["check"] for each in found if each["verdict"] == "ok"
            }
            assert await world.calls() == []
            assert not world.box.model.sessions
            assert not world.box.account.writes
            for secret in (world.box.auth_token, world.box.openai_key):
                assert secret not in done.out + done.err

    play(tmp_path, story)


def test_a_runtime_with_another_token_is_found_out(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving({"TWILIO_AUTH_TOKEN": "f" * 32}):
            done = await world.tm("doctor")
            assert done.code == 1
            assert "refuses the account's signature" in done.out
            assert "TM_PUBLIC_URL" in done.out

    play(tmp_path, story)


def test_no_number_is_pointed_to_where_nobody_answers(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        applied = await world.tm("apply", "--yes", "--format", "json", preflight=True)
        assert applied.code == 0, applied.err
        (skipped,) = applied.json()["skipped"]
        assert skipped["reason"] == "preflight_failed"
        assert "no connection" in skipped["detail"]
        assert not world.box.account.writes

        async with world.serving():
            applied = await world.tm("apply", "--yes", "--format", "json", preflight=True)
            assert [each["number"] for each in applied.json()["updated"]] == [FRONT_DESK]

    play(tmp_path, story)


def test_an_agent_that_the_runtime_does_not_have_yet_holds_back_only_itself(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            world.declare(sales=SALES_YAML)
            planned = await world.tm("plan", "--out", "saved.json", "--format", "json")
            applied = await world.tm("apply", "saved.json", "--format", "json", preflight=True)
            assert applied.code == 0, applied.err
            report = applied.json()
            assert [each["number"] for each in report["updated"]] == [FRONT_DESK]
            (skipped,) = report["skipped"]
            assert (skipped["number"], skipped["reason"]) == (SALES, "preflight_failed")
            assert "does not know the agent" in skipped["detail"]
            assert report["plan_id"] == planned.json()["plan_id"]
            assert not world.box.account.number(SALES).voice_url

    play(tmp_path, story, numbers=BOTH, front_desk=FRONT_DESK_YAML)


def test_numbers_that_are_served_already_are_written_without_a_preflight(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        renamed = FRONT_DESK_YAML.replace(
            f"numbers: {FRONT_DESK}", f"numbers: {{number: {FRONT_DESK}, friendly_name: Desk}}"
        )
        world.declare(front_desk=renamed)
        applied = await world.tm("apply", "--yes", "--format", "json", preflight=True)
        assert [each["number"] for each in applied.json()["updated"]] == [FRONT_DESK], applied.out

    play(tmp_path, story)
