"""`tm plan`: one document, the right exit code, and no write."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.cli.wire_world import WireWorld, wire_world
from tests.reconciler.fleets import FLEET
from tests.reconciler.numbers import FRONT_DESK, SALES
from tests.reconciler.wire import ACCOUNT_SID, TOKEN, error_body, record


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> WireWorld:
    return wire_world(tmp_path, monkeypatch, capsys, [record(FRONT_DESK), record(SALES)])


def test_differences_exit_with_2_only_when_asked(world: WireWorld) -> None:
    assert world.tm("plan").code == 0
    assert world.tm("plan", "--exit-code").code == 2
    assert world.tm("plan", "--detailed-exitcode").code == 2
    world.declare(FLEET.split("---")[0])
    assert world.tm("plan", "--exit-code").code == 0


def test_text_names_file_and_line_and_writes_nothing(world: WireWorld) -> None:
    done = world.tm("plan")
    assert done.out.startswith("2 to adopt\n")
    assert "agents.d/fleet.yaml:7" in done.out
    assert "\x1b" not in done.out
    assert not world.account.writes


def test_wrong_credentials_are_one_document_without_the_credentials(world: WireWorld) -> None:
    world.account.answers.append(httpx2.Response(401, text=error_body(401, 20003, "Authenticate")))
    done = world.tm("plan", "--format", "json")
    assert done.code == 1
    assert ACCOUNT_SID in done.json()["error"]
    assert "Authenticate" in done.err
    assert TOKEN not in done.out + done.err


def test_broken_declarations_are_all_told_on_stderr_and_in_the_document(world: WireWorld) -> None:
    world.declare(FLEET.replace("instructions: Sell.", "instrucions: Sell.") + "greting: Hello\n")
    done = world.tm("plan", "--format", "json")
    assert done.code == 1
    document = done.json()
    assert document["error"]
    assert len(document["diagnostics"]) >= 2
    assert "agents.d/fleet.yaml" in done.err
    assert not world.account.requests


def test_a_missing_folder_is_an_error_and_still_a_document(world: WireWorld) -> None:
    done = world.tm("plan", "--format", "json", "--agents-dir", "nowhere")
    assert done.code == 1
    assert "nowhere" in done.json()["error"]


def test_a_target_and_an_adopted_number_reach_the_plan(world: WireWorld) -> None:
    world.account.records = [record(SALES, voice_url="https://hooks.agency.example/voice")]
    plan = world.tm("plan", "--format", "json", "--target", "sales").json()
    assert [item["reason"] for item in plan["skipped"]] == ["foreign_webhook"]
    plan = world.tm("plan", "--format", "json", "--target", "sales", "--adopt", SALES).json()
    assert [change["action"] for change in plan["changes"]] == ["adopt"]


def test_a_plan_that_cannot_be_saved_is_an_error(world: WireWorld) -> None:
    done = world.tm("plan", "--out", "no/such/folder/plan.json", "--format", "json")
    assert done.code == 1
    assert "no/such/folder" in done.json()["error"]


def test_a_ctrl_c_while_reading_is_still_one_document(world: WireWorld) -> None:
    def interrupted(request: httpx2.Request) -> httpx2.Response:
        raise KeyboardInterrupt

    world.account.handler = interrupted
    done = world.tm("plan", "--format", "json")
    assert done.code == 130
    assert "interrupted" in done.json()["error"]


def test_markdown_is_one_document_with_a_fold_for_each_agent(world: WireWorld) -> None:
    done = world.tm("plan", "--format", "markdown")
    assert done.out.startswith("### Plan: 2 to adopt\n")
    assert done.out.count("<details>") == 2


def test_github_gets_annotations_on_stdout_and_markdown_in_the_step_summary(
    world: WireWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = world.folder / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    lines = world.tm("plan", "--format", "github").out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["::notice file=agents.d/fleet.yaml"] * 2
    assert summary.read_text().startswith("### Plan: 2 to adopt\n")


def test_a_failed_plan_is_told_in_every_form(world: WireWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.declare(FLEET.replace("instructions: Sell.", "instrucions: Sell."))
    summary = world.folder / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = world.tm("plan", "--format", "github")
    assert done.code == 1
    assert "::error file=agents.d/fleet.yaml,line=" in done.out
    assert summary.read_text().startswith("### Plan failed\n")
    assert "`TM020`" in world.tm("plan", "--format", "markdown").out


def test_a_step_summary_that_cannot_be_written_is_a_warning(
    world: WireWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(world.folder))
    done = world.tm("plan", "--format", "github")
    assert done.code == 0
    assert "the step summary" in done.err


def test_an_environment_lays_its_overlay_over_plan_and_apply(
    world: WireWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = world.folder / "agents.d" / "env" / "prod.yaml"
    overlay.parent.mkdir()
    overlay.write_text("kind: Agent\nname: sales\nnumbers: [{number: '+14155550124', friendly_name: Prod}]\n")
    assert "→ Prod" not in world.tm("plan").out
    done = world.tm("plan", "--env", "prod")
    assert "→ Prod" in done.out
    assert "agents.d/env/prod.yaml:3" in done.out
    monkeypatch.setenv("TM_ENV", "prod")
    assert world.tm("plan").out == done.out
    assert world.tm("validate", "--env", "qa").code == 1
