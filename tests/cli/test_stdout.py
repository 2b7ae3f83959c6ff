"""Stdout carries one document, of a command that never began as well."""

from __future__ import annotations

import importlib
import json
import os
import signal
from pathlib import Path
from types import ModuleType

import pytest

from tests.cli.wire_world import WireWorld, wire_world
from tests.reconciler.numbers import FRONT_DESK, SALES
from tests.reconciler.wire import record


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> WireWorld:
    return wire_world(tmp_path, monkeypatch, capsys, [record(FRONT_DESK), record(SALES)])


@pytest.mark.parametrize("command", ["plan", "apply", "drift", "rollback", "validate", "doctor", "explain"])
def test_a_usage_error_is_the_commands_document_too(world: WireWorld, command: str) -> None:
    done = world.tm(command, "--format", "json", "--no-such-option")
    assert done.code == 1
    assert "--no-such-option" in done.json()["error"]
    assert "--no-such-option" in done.err


def test_a_wrong_use_of_apply_is_a_report_with_empty_lists(world: WireWorld) -> None:
    done = world.tm("apply", "--allow", "everything", "--format=json")
    report = done.json()
    assert "everything" in report["error"]
    assert all(not report[name] for name in ("updated", "skipped", "failed", "stale", "unchanged"))


def test_a_usage_error_has_the_form_that_was_asked_for(world: WireWorld) -> None:
    assert world.tm("plan", "--nope", "--format", "markdown").out.startswith("### Plan failed\n")
    assert world.tm("drift", "--nope", "--format", "github").out.startswith("::error title=Drift failed::")
    run = json.loads(world.tm("validate", "--nope", "--format", "sarif").out)["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False


def test_a_ctrl_c_while_a_command_is_loaded_is_still_one_document(
    world: WireWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = importlib.import_module

    def interrupted_load(name: str) -> ModuleType:
        os.kill(os.getpid(), signal.SIGINT)
        return load(name)

    monkeypatch.setattr(importlib, "import_module", interrupted_load)
    done = world.tm("apply", "--yes", "--format", "json")
    assert done.code == 130
    assert done.json()["error"] == "interrupted"
    assert not world.account.requests
