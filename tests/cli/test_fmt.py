"""`tm fmt` as it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.main import run

ROOT = Path(__file__).parents[2]
JUMBLED = "name: a\nkind: Hold\nstrategy: none\n"
TIDY = "kind: Hold\nname: a\nstrategy: none\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TM_AGENTS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    agents = tmp_path / "agents.d"
    (agents / "env").mkdir(parents=True)
    (agents / "a.yaml").write_text(JUMBLED)
    (agents / "b.yaml").write_text(TIDY)
    (agents / "env" / "prod.yaml").write_text(JUMBLED)
    return agents


def test_files_and_overlays_are_laid_out_and_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fmt"]) == 0
    assert capsys.readouterr().out == "formatted agents.d/a.yaml\nformatted agents.d/env/prod.yaml\n"
    assert (folder / "a.yaml").read_text() == (folder / "env" / "prod.yaml").read_text() == TIDY
    assert run(["fmt"]) == 0
    assert capsys.readouterr().out == "3 files: nothing to format\n"


def test_check_writes_nothing_and_ends_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fmt", "--check"]) == 1
    assert capsys.readouterr().out.startswith("not formatted: agents.d/a.yaml\n")
    assert (folder / "a.yaml").read_text() == JUMBLED


def test_a_file_that_cannot_be_laid_out_is_named_and_the_others_are_done(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.yaml").write_text("kind: [")
    (folder / "binary.yaml").write_bytes(b"\xff\xfe")
    assert run(["fmt"]) == 1
    captured = capsys.readouterr()
    assert "formatted agents.d/a.yaml" in captured.out
    assert "agents.d/broken.yaml:2:1: left as it is" in captured.err
    assert "agents.d/binary.yaml is not UTF-8 text" in captured.err
    assert (folder / "broken.yaml").read_text() == "kind: ["


def test_a_missing_folder_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fmt", "--agents-dir", "nowhere"]) == 1
    assert "there is no folder nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("folder_name", ["agents.d", "cli/first_fleet"])
def test_the_files_that_come_with_tm_are_laid_out(folder_name: str) -> None:
    assert run(["fmt", "--check", "--agents-dir", str(ROOT / folder_name)]) == 0
