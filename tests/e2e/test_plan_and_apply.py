"""From files to an account: what a platform engineer sees in a pull request and after a merge."""

from __future__ import annotations

from pathlib import Path

from sandbox import NumberSeed
from tests.e2e.world import FRONT_DESK, World, play

SECOND = "+14155550124"
FOREIGN = "+14155550140"
MISSING = "+14155550199"

FLEET = f"""\
kind: Agent
name: front-desk
numbers: [{FRONT_DESK}, {{number: {SECOND}, friendly_name: Second line}}]
instructions: Take reservations.
---
kind: Agent
name: catering
numbers: [{FOREIGN}, {MISSING}]
instructions: Take requests.
"""
ACCOUNT = (
    NumberSeed(FRONT_DESK),
    NumberSeed(SECOND, voice_url="https://demo.twilio.com/welcome/voice/"),
    NumberSeed(FOREIGN, voice_url="https://hooks.agency.example/voice"),
)


def test_after_an_apply_the_plan_is_empty_and_a_second_apply_writes_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        plan = await world.tm("plan", "--format", "json", "--exit-code")
        assert plan.code == 2
        assert plan.json()["summary"]["adopt"] == 2
        assert {item["reason"] for item in plan.json()["skipped"]} == {
            "foreign_webhook",
            "no_matching_number",
        }
        assert not world.box.account.writes

        applied = await world.tm("apply", "--yes", "--format", "json")
        assert applied.code == 0, applied.err
        assert [item["number"] for item in applied.json()["updated"]] == [FRONT_DESK, SECOND]
        record = world.box.account.number(FRONT_DESK)
        assert record.voice_url is not None
        assert record.voice_url.startswith(f"{world.base}/voice/front-desk?tm=")
        assert world.box.account.number(SECOND).friendly_name == "Second line"
        assert world.box.account.number(FOREIGN).voice_url == "https://hooks.agency.example/voice"

        again = await world.tm("plan", "--format", "json", "--exit-code")
        assert again.code == 0, again.out
        assert again.json()["changes"] == []
        writes = len(world.box.account.writes)
        assert (await world.tm("apply", "--yes")).code == 0
        assert len(world.box.account.writes) == writes == 2

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_one_number_that_fails_stops_no_other(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.box.account.faults.failing_numbers[FRONT_DESK] = 400
        applied = await world.tm("apply", "--yes", "--format", "json")
        assert applied.code == 3
        report = applied.json()
        assert [item["number"] for item in report["failed"]] == [FRONT_DESK]
        assert report["failed"][0]["status"] == 400
        assert [item["number"] for item in report["updated"]] == [SECOND]

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_an_overloaded_account_is_asked_again_until_everything_is_written(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.box.account.faults.answer_next(2, 429)
        world.box.account.faults.answer_next(1, 503, method="POST")
        applied = await world.tm("apply", "--yes", "--format", "json")
        assert applied.code == 0, applied.out
        assert len(applied.json()["updated"]) == 2
        assert (await world.tm("plan", "--exit-code")).code == 0

    play(tmp_path, story, numbers=ACCOUNT, fleet=FLEET)


def test_a_write_whose_answer_was_lost_is_not_written_twice(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.box.account.faults.drop_next(1, number=FRONT_DESK, method="POST", applied=True)
        applied = await world.tm("apply", "--yes", "--format", "json")
        assert applied.code == 0, applied.out
        to_the_number = [
            request
            for request in world.box.account.writes
            if world.box.account.number(FRONT_DESK).sid in request.path
        ]
        assert len(to_the_number) == 1

    play(tmp_path, story)


def test_what_somebody_changed_by_hand_is_drift_and_git_wins(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        world.box.account.edit(FRONT_DESK, voice_url="https://elsewhere.example/voice")
        plan = (await world.tm("plan", "--format", "json")).json()
        assert [(change["action"], change["cause"]) for change in plan["changes"]] == [("update", "drift")]
        assert (await world.tm("apply", "--yes")).code == 0
        assert (await world.tm("plan", "--exit-code")).code == 0

    play(tmp_path, story)


def test_wrong_credentials_are_named_in_one_document_and_nothing_is_written(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        done = await world.tm(
            "apply", "--yes", "--format", "json", environment={"TWILIO_AUTH_TOKEN": "0" * 32}
        )
        assert done.code == 1
        report = done.json()
        assert world.box.account_sid in report["error"]
        assert report["updated"] == report["failed"] == []
        assert not world.box.account.writes
        assert "0" * 32 not in done.out + done.err

    play(tmp_path, story)


def test_an_unreachable_api_is_named_by_its_address(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        nowhere = {"TM_TWILIO_API_URL": "http://127.0.0.1:9"}
        done = await world.tm("plan", "--format", "json", environment=nowhere)
        assert done.code == 1
        assert "127.0.0.1:9" in done.json()["error"]

    play(tmp_path, story)


def test_a_missing_variable_is_an_error_that_names_it(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        done = await world.tm("plan", environment={"TWILIO_AUTH_TOKEN": None})
        assert done.code == 1
        assert "TWILIO_AUTH_TOKEN" in done.out + done.err

    play(tmp_path, story)


def test_apply_without_a_terminal_asks_for_yes(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        done = await world.tm("apply")
        assert done.code == 1
        assert "--yes" in done.err
        assert not world.box.account.writes

    play(tmp_path, story)
