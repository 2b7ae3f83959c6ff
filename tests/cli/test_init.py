"""`tm init` as it is called."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import run
from schemas import load_fleet

WRITTEN = {
    ".github/tm/action.yml",
    ".github/tm/apply.sh",
    ".github/tm/comment.sh",
    ".github/tm/drift.sh",
    ".github/tm/plan.sh",
    ".github/workflows/tm-drift.yml",
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


def step_of(job: dict[str, Any]) -> dict[str, str]:
    """What a job gives the action, the one step after the checkout."""
    _, step = job["steps"]
    assert step["uses"] == "./.github/tm"
    given: dict[str, str] = step["with"]
    return given


def test_the_workflows_plan_pull_requests_apply_main_and_look_for_drift(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    workflows = tmp_path / ".github" / "workflows"
    jobs = yaml.safe_load((workflows / "tm.yml").read_text())["jobs"]
    drift = yaml.safe_load((workflows / "tm-drift.yml").read_text())["jobs"]["drift"]
    assert jobs["plan"]["if"] == "github.event_name == 'pull_request'"
    assert "github.event_name == 'push'" in jobs["apply"]["if"]
    steps = [step_of(job) for job in (jobs["plan"], jobs["apply"], drift)]
    assert [step["run"] for step in steps] == ["plan", "apply", "drift"]
    inputs = yaml.safe_load((tmp_path / ".github" / "tm" / "action.yml").read_text())["inputs"]
    required = {name for name, told in inputs.items() if told.get("required")}
    assert all(required <= step.keys() <= inputs.keys() for step in steps)


def test_every_script_that_the_action_runs_is_written_beside_it(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    action = tmp_path / ".github" / "tm" / "action.yml"
    scripts = re.findall(r"\$GITHUB_ACTION_PATH/(\S+)\"", action.read_text())
    assert sorted(scripts) == ["apply.sh", "comment.sh", "drift.sh", "plan.sh"]
    assert all((action.parent / script).exists() for script in scripts)


def test_a_place_that_cannot_be_written_is_an_error_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "agents.d").write_text("")
    assert run(["init", str(tmp_path)]) == 1
    assert "cannot write" in capsys.readouterr().err
