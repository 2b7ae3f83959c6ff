"""`tm explain` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import run

FLEET = """\
kind: Service
name: phones
public_url: https://phones.example.com
defaults:
  greeting: Good day
---
kind: Agent
name: desk
instructions: Be kind.
greeting: "Hello\\x1b[2J"
---
kind: Hold
name: moment
strategy: text
text: One moment.
"""


@pytest.fixture(autouse=True)
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("TM_AGENTS_DIR", "TM_PUBLIC_URL", "TM_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "agents.d" / "fleet.yaml"
    file.parent.mkdir()
    file.write_text(FLEET)
    return file.parent


def test_one_field_is_told_with_its_file_and_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "desk.greeting"]) == 0
    assert capsys.readouterr().out == (
        "desk.greeting: Hello\\x1b[2J\n"
        "  agents.d/fleet.yaml:10, over agents.d/fleet.yaml:5 (defaults of the Service)\n"
    )


def test_an_overlay_is_named_as_one(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fleet / "env").mkdir()
    (fleet / "env" / "prod.yaml").write_text("kind: Agent\nname: desk\ngreeting: null\n")
    assert run(["explain", "desk.greeting", "--env", "prod"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "desk.greeting: not set\n  agents.d/env/prod.yaml:3 (overlay), which undoes it, over "
    )


def test_a_whole_agent_is_a_line_for_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "desk"]) == 0
    heading, _, *lines = capsys.readouterr().out.splitlines()
    assert heading == "Agent desk  agents.d/fleet.yaml:8"
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert rows["max_call_seconds"].split() == ["600", "built-in", "default"]
    assert rows["instructions"].endswith("agents.d/fleet.yaml:9")


def test_other_documents_are_named_by_kind_and_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "hold/moment.text", "--format", "json"]) == 0
    (field,) = json.loads(capsys.readouterr().out)["fields"]
    assert (field["value"], field["from"], field["source"]["line"]) == ("One moment.", "document", 15)


def test_a_question_without_an_answer_is_an_error_and_one_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for what in ("dask", "desk.gretting", "Hold/mment", "Holds/x"):
        assert run(["explain", what, "--format", "json"]) == 1
        captured = capsys.readouterr()
        assert json.loads(captured.out)["error"] in captured.err
        assert captured.err.startswith("error: ")


def test_broken_declarations_are_an_error(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fleet / "more.yaml").write_text("kind: Agent\nname: x\n")
    assert run(["explain", "desk"]) == 1
    assert "agents.d/more.yaml" in capsys.readouterr().err
