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


def scripts_of(job: dict[str, Any]) -> list[str]:
    """The scripts that a job runs; all of them are there."""
    return re.findall(r"bash (\S+)", "\n".join(step.get("run", "") for step in job["steps"]))


def test_the_workflows_plan_pull_requests_apply_main_and_look_for_drift(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    workflows = tmp_path / ".github" / "workflows"
    jobs = yaml.safe_load((workflows / "tm.yml").read_text())["jobs"]
    assert jobs["plan"]["if"] == "github.event_name == 'pull_request'"
    assert scripts_of(jobs["plan"]) == [".github/tm/plan.sh", ".github/tm/comment.sh"]
    assert "github.event_name == 'push'" in jobs["apply"]["if"]
    assert scripts_of(jobs["apply"]) == [".github/tm/apply.sh"]
    drift = yaml.safe_load((workflows / "tm-drift.yml").read_text())["jobs"]["drift"]
    assert scripts_of(drift) == [".github/tm/drift.sh"]


def test_a_place_that_cannot_be_written_is_an_error_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "agents.d").write_text("")
    assert run(["init", str(tmp_path)]) == 1
    assert "cannot write" in capsys.readouterr().err
