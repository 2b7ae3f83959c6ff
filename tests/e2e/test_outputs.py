"""What comes out of real runs: an environment's plan, applied for its environment only, told to GitHub."""

from __future__ import annotations

from pathlib import Path

from sandbox import NumberSeed
from tests.e2e.world import FRONT_DESK, FRONT_DESK_YAML, World, play

PROD = (
    "kind: Agent\nname: front-desk\nnumbers: [{number: +14155550123, friendly_name: 'Bistro `@all` <b>'}]\n"
)


def test_a_plan_is_applied_for_the_environment_that_it_was_made_with_and_told_to_github(
    tmp_path: Path,
) -> None:
    async def story(world: World) -> None:
        (world.folder / "agents.d" / "env").mkdir()
        (world.folder / "agents.d" / "env" / "prod.yaml").write_text(PROD)
        planned = await world.tm("plan", "--env", "prod", "--format", "markdown", "--out", "plan.json")
        assert planned.code == 0
        assert "+ friendly_name       Bistro `@all` <b>\n" in planned.out

        async with world.serving():
            assert (await world.tm("apply", "plan.json", "--format", "json")).code == 4
            summary = world.folder / "summary.md"
            environment = {"TM_ENV": "prod", "GITHUB_STEP_SUMMARY": str(summary)}
            applied = await world.tm("apply", "plan.json", "--format", "github", environment=environment)
        assert (applied.code, applied.out.strip()) == (0, "")
        assert summary.read_text().startswith("### Apply: 1 updated\n")
        explained = await world.tm("explain", "front-desk.numbers", "--env", "prod")
        assert "env/prod.yaml:3 (overlay), over " in explained.out

    play(tmp_path, story, numbers=(NumberSeed(FRONT_DESK),), front_desk=FRONT_DESK_YAML)
