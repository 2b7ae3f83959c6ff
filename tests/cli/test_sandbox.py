"""`tm sandbox`: what it refuses, and how."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cli.main import run


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--numbers", "123"], "'123' is not a number in E.164"),
        (["--numbers", "14155550123"], "--numbers"),
        (["--fail-number", "+14155550123"], "LEFT=RIGHT"),
        (["--fail-number", "+14155550123=200"], "'200' is not an HTTP status of a failure"),
        (["--tunnel", "https://voice.example=localhost:8080"], "'localhost:8080' is not an origin"),
        (["--error-rate", "2"], "--error-rate"),
    ],
)
def test_a_wrong_option_is_named(
    arguments: list[str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sandbox", "--agents-dir", str(tmp_path / "none"), *arguments]) == 1
    captured = capsys.readouterr()
    assert named in captured.err
    assert captured.out == ""


def test_a_port_that_is_taken_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert run(["sandbox", "--agents-dir", str(tmp_path / "none"), "--port", port]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_broken_declarations_are_told_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.yaml").write_text("kind: Agent\nname: desk\nnumbers: 12\n", encoding="utf-8")
    assert run(["sandbox", "--agents-dir", str(tmp_path)]) == 1
    assert "broken.yaml:3" in capsys.readouterr().err
