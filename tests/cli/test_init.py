"""`tm init` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from cli.main import run
from schemas import load_fleet

WRITTEN = {
    ".github/workflows/tm.yml",
    ".gitignore",
    ".vscode/settings.json",
    "agents.d/.schema/agents.d.json",
    "agents.d/front-desk.yaml",
    "agents.d/service.yaml",
    "agents.d/team.yaml",
}


def test_a_first_fleet_is_written_and_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "new")]) == 0
    files = {
        str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*") if path.is_file()
    }
    assert files == WRITTEN
    loaded = load_fleet(tmp_path / "new" / "agents.d", {}, offline=True)
    assert loaded.fleet is not None
    assert [number.number for number in loaded.fleet.numbers()] == ["+14155550123"]
    assert "tm plan" in capsys.readouterr().out


def test_what_exists_is_left_and_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = tmp_path / "agents.d" / "service.yaml"
    service.parent.mkdir()
    service.write_text("# mine\n")
    assert run(["init", str(tmp_path)]) == 0
    assert service.read_text() == "# mine\n"
    output = capsys.readouterr().out
    assert f"left   {service} (exists)" in output
    assert output.count("wrote ") == len(WRITTEN) - 1


def test_the_first_line_of_each_file_leads_an_editor_to_the_schema(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    for file in (tmp_path / "agents.d").glob("*.yaml"):
        _, _, target = file.read_text().splitlines()[0].partition("$schema=")
        assert json.loads((file.parent / target).read_text())["title"]
    settings = json.loads((tmp_path / ".vscode" / "settings.json").read_text())
    (target,) = settings["yaml.schemas"]
    assert (tmp_path / target).exists()


def test_the_workflow_plans_pull_requests_and_applies_main(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    workflow = yaml.safe_load((tmp_path / ".github" / "workflows" / "tm.yml").read_text())
    plan, apply = workflow["jobs"]["plan"], workflow["jobs"]["apply"]
    assert (plan["if"], apply["if"]) == ("github.event_name == 'pull_request'", "github.event_name == 'push'")
    assert "tm plan" in [step.get("run") for step in plan["steps"]]
    assert "tm apply --yes" in [step.get("run") for step in apply["steps"]]


def test_a_place_that_cannot_be_written_is_an_error_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "agents.d").write_text("")
    assert run(["init", str(tmp_path)]) == 1
    assert "cannot write" in capsys.readouterr().err
