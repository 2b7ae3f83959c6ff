"""`tm validate` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import run

FLEET = """\
kind: Agent
name: desk
instructions: x
numbers: [+14155550123]
gretting: Hello
web: true
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty checkout with an `agents.d` and no environment of tm's."""
    monkeypatch.chdir(tmp_path)
    for name in ("TM_AGENTS_DIR", "TM_PUBLIC_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TM_PUBLIC_URL", "https://x.example")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "5ecret")
    (tmp_path / "agents.d").mkdir()
    return tmp_path


def test_text_has_a_line_for_each_finding_and_a_summary(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "agents.d" / "a.yaml").write_text(FLEET)
    assert run(["validate"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        'agents.d/a.yaml:5:1 TM020 unknown key "gretting"; did you mean "greeting"?',
        "agents.d/a.yaml:6:6 TM090 warning: web is declared, but this version does not act on it",
        "1 agent, 1 number: 1 error, 1 warning",
    ]
    assert captured.err == ""


def test_a_valid_fleet_ends_with_0(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "agents.d" / "a.yaml").write_text(FLEET.replace("gretting", "greeting"))
    assert run(["validate"]) == 0
    assert capsys.readouterr().out.endswith("1 agent, 1 number: no errors, 1 warning\n")


def test_an_empty_folder_is_valid(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate"]) == 0
    assert capsys.readouterr().out == "0 agents, 0 numbers: no errors\n"


def test_the_folder_is_named_by_option_or_environment(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "agents.d" / "a.yaml").write_text(FLEET)
    (checkout / "other").mkdir()
    assert run(["validate", "--agents-dir", "other"]) == 0
    monkeypatch.setenv("TM_AGENTS_DIR", "other")
    assert run(["validate"]) == 0
    assert capsys.readouterr().out.count("0 agents") == 2


def test_json_carries_findings_and_counts(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "agents.d" / "a.yaml").write_text(FLEET)
    assert run(["validate", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["format_version"] == "1.0"
    assert document["summary"] == {"errors": 1, "warnings": 1, "agents": 1, "numbers": 1}
    assert document["diagnostics"][0] == {
        "severity": "error",
        "code": "TM020",
        "message": 'unknown key "gretting"; did you mean "greeting"?',
        "file": "agents.d/a.yaml",
        "line": 5,
        "column": 1,
    }


@pytest.mark.parametrize("output_format", ["text", "json", "github", "sarif"])
def test_a_missing_folder_is_one_error_in_every_format(
    checkout: Path, capsys: pytest.CaptureFixture[str], output_format: str
) -> None:
    assert run(["validate", "--agents-dir", "nowhere", "--format", output_format]) == 1
    assert "TM006" in capsys.readouterr().out


def test_github_gets_annotations_that_no_message_can_break_out_of(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "agents.d" / "a,b:100%.yaml").write_text(FLEET.replace("gretting", '"a\\n::error::%"'))
    assert run(["validate", "--format", "github"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first == (
        '::error file=agents.d/a%2Cb%3A100%25.yaml,line=5,col=1,title=TM020::unknown key "a%0A::error::%25"'
    )
    assert second.startswith("::warning ")


def test_sarif_names_rules_and_places(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "agents.d" / "a.yaml").write_text(FLEET)
    assert run(["validate", "--format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    (only,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in only["tool"]["driver"]["rules"]] == ["TM020", "TM090"]
    assert [result["level"] for result in only["results"]] == ["error", "warning"]
    assert only["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "agents.d/a.yaml"},
        "region": {"startLine": 5, "startColumn": 1},
    }


def test_on_a_terminal_the_line_is_shown_with_a_caret(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "agents.d" / "a.yaml").write_text(FLEET)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    run(["validate"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[4:6] == ["    web: true", "         ^"]


@pytest.mark.parametrize(
    "line",
    [
        "auth_tokn: 5ecret",
        "api_key: [5ecret]",
        "auth_token: {a: 5ecret",
        "foo: 5ecret",
        "auth_token:\n  [5ecret]",
        "regions: {ie1: {auth_token: 5ecret, x: y}}",
    ],
)
def test_a_line_that_may_hold_a_secret_is_shown_without_it(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    (checkout / "agents.d" / "a.yaml").write_text(f"kind: Account\nname: a\naccount_sid: 5ecret\n{line}\n")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run(["validate"]) == 1
    assert "5ecret" not in capsys.readouterr().out


def test_a_message_cannot_speak_to_the_terminal(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "agents.d" / "a.yaml").write_text(FLEET.replace("gretting", '"\\e[31m\\nx"'))
    run(["validate"])
    assert "\\x1b[31m\\nx" in capsys.readouterr().out
