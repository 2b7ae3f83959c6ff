"""`tm schema` as it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.main import run


def test_schemas_are_written_and_then_current(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "json")
    assert run(["schema", "--out", out, "--check"]) == 1
    assert not (tmp_path / "json").exists()
    assert run(["schema", "--out", out]) == 0
    assert (tmp_path / "json" / "Agent.json").exists()
    assert run(["schema", "--out", out, "--check"]) == 0
    assert capsys.readouterr().out.endswith("all current\n")


def test_a_stale_schema_is_named_and_rewritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["schema", "--out", str(tmp_path)])
    (tmp_path / "Hold.json").write_text("{}")
    capsys.readouterr()
    assert run(["schema", "--out", str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().out == f"not current: {tmp_path / 'Hold.json'}\n"
    assert run(["schema", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'Hold.json'}\n"


def test_a_folder_that_cannot_be_written_is_an_error_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(["schema", "--out", str(tmp_path / "file")]) == 1
    assert "cannot write to" in capsys.readouterr().err
