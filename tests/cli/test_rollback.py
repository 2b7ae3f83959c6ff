"""`tm rollback`: what is shown, what is asked, and what the account has afterwards."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from tests.cli.wire_world import WireWorld, wire_world
from tests.reconciler.numbers import FRONT_DESK, SALES
from tests.reconciler.wire import record


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> WireWorld:
    return wire_world(tmp_path, monkeypatch, capsys, [record(FRONT_DESK), record(SALES)])


def journals(world: WireWorld) -> list[str]:
    """The journals that there are, the oldest first."""
    return sorted(map(str, (world.folder / "state" / "journal").glob("*.jsonl")))


def configured(world: WireWorld) -> list[dict[str, object]]:
    """What the account has, blank and null being the same."""
    return [
        {field: value or "" for field, value in one.items()} for one in copy.deepcopy(world.account.records)
    ]


def test_what_apply_wrote_is_put_back(world: WireWorld) -> None:
    before = configured(world)
    world.tm("apply", "--yes")
    done = world.tm("rollback", journals(world)[0], "--yes", "--format", "json")
    assert done.code == 0
    assert [item["number"] for item in done.json()["updated"]] == [FRONT_DESK, SALES]
    assert {item["cause"] for item in done.json()["updated"]} == {"rollback"}
    assert configured(world) == before
    assert len(journals(world)) == 2


def test_a_dry_run_shows_the_plan_with_the_journals_lines_and_writes_nothing(world: WireWorld) -> None:
    world.tm("apply", "--yes")
    written = len(world.account.writes)
    done = world.tm("rollback", journals(world)[0], "--dry-run")
    assert done.code == 0
    assert done.out.startswith("2 to detach\n")
    assert "put back as the run found it" in done.out
    assert f"{journals(world)[0]}:2" in done.out
    assert len(world.account.writes) == written


def test_without_a_terminal_it_asks_for_yes(world: WireWorld) -> None:
    world.tm("apply", "--yes")
    done = world.tm("rollback", journals(world)[0], "--format", "json")
    assert done.code == 1
    assert "--yes" in done.err
    assert done.json()["error"]


def test_what_was_changed_since_is_left_and_ends_with_4(world: WireWorld) -> None:
    world.tm("apply", "--yes")
    world.account.records[0]["voice_url"] = "https://hooks.agency.example/"
    done = world.tm("rollback", journals(world)[0], "--yes", "--format", "json")
    assert done.code == 4
    assert [(item["number"], item["reason"]) for item in done.json()["skipped"]] == [
        (FRONT_DESK, "changed_since")
    ]
    assert world.account.records[0]["voice_url"] == "https://hooks.agency.example/"
    assert world.account.records[1]["voice_url"] == ""


def test_limits_hold(world: WireWorld) -> None:
    numbers = [f"+1415555{index:04}" for index in range(1000, 1004)]
    world.account.records.extend(map(record, numbers))
    agent = f"---\nkind: Agent\nname: many\nnumbers: {numbers}\ninstructions: Sell.\n"
    world.declare((world.folder / "agents.d" / "fleet.yaml").read_text() + agent)
    world.tm("apply", "--yes")
    announced = world.tm("rollback", journals(world)[0], "--dry-run")
    assert "TM303" in announced.out
    assert "--allow detaches=6" in announced.out
    refused = world.tm("rollback", journals(world)[0], "--yes")
    assert refused.code == 5
    assert "--allow detaches=6" in refused.err
    assert world.tm("rollback", journals(world)[0], "--yes", "--allow", "detaches=6").code == 0


def test_a_file_that_is_no_journal_is_named(world: WireWorld) -> None:
    done = world.tm("rollback", "agents.d/fleet.yaml", "--yes", "--format", "json")
    assert done.code == 1
    assert "fleet.yaml" in done.json()["error"]
    assert not world.account.requests


def test_a_dry_run_that_fails_is_a_plans_document(world: WireWorld) -> None:
    done = world.tm("rollback", "agents.d/fleet.yaml", "--dry-run", "--format", "json")
    assert done.code == 1
    assert done.json()["changes"] == []
    assert "fleet.yaml" in done.json()["error"]
