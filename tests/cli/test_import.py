"""`tm import`: what it writes, and what it says about it."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx2
import pytest

from tests.cli.wire_world import WireWorld, wire_world
from tests.reconciler.numbers import FRONT_DESK, SALES
from tests.reconciler.wire import error_body, record

FOREIGN = "https://hooks.agency.example/voice"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> WireWorld:
    return wire_world(tmp_path, monkeypatch, capsys, [record(FRONT_DESK), record(SALES)])


def test_an_applied_fleet_can_be_written_down_again(world: WireWorld) -> None:
    assert world.tm("apply", "--yes").code == 0
    writes = len(world.account.writes)
    shutil.rmtree(world.folder / "agents.d")
    done = world.tm("import")
    assert done.code == 0, done.err
    assert done.out.startswith("3 files written\n")
    names = {path.name for path in (world.folder / "agents.d").iterdir()}
    assert names == {"front-desk.yaml", "sales.yaml", "service.yaml"}
    assert world.tm("plan", "--exit-code").code == 0
    assert world.tm("import").out == "Nothing to import: the files declare every number.\n"
    assert len(world.account.writes) == writes


def test_a_dry_run_prints_the_difference_and_writes_nothing(world: WireWorld) -> None:
    world.account.records.append(record("+14155550140", voice_url=FOREIGN))
    done = world.tm("import", "--dry-run")
    assert done.code == 0
    assert "+++ agents.d/hooks-agency-example-voice.yaml" in done.out
    assert "+inbound: false" in done.out
    assert [path.name for path in (world.folder / "agents.d").iterdir()] == ["fleet.yaml"]


def test_one_list_page_is_read_for_an_account_of_1000_numbers(world: WireWorld) -> None:
    world.account.records = [record(f"+1415666{index:04}", voice_url=FOREIGN) for index in range(1000)]
    assert world.tm("import").code == 0
    assert len(world.account.requests) == 1
    assert world.tm("plan", "--exit-code", "--target", "hooks-agency-example-voice").code == 0


def test_an_account_that_cannot_be_read_leaves_no_file(world: WireWorld) -> None:
    world.account.answers.append(httpx2.Response(401, text=error_body(401, 20003, "Authenticate")))
    done = world.tm("import", "--agents-dir", "elsewhere")
    assert done.code == 1
    assert "Authenticate" in done.err or "TM_PUBLIC_URL" in done.err
    assert not (world.folder / "elsewhere").exists()


def test_declarations_with_errors_are_not_added_to(world: WireWorld) -> None:
    world.declare("kind: Agent\nname: x\ngreting: hello\n")
    done = world.tm("import")
    assert done.code == 1
    assert "greting" in done.err
    assert not world.account.requests
