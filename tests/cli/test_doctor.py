"""`tm doctor` as its user meets it: one document, an exit code, and never a traceback or a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.preflight.finding import Subject
from reconciler.preflight.telling import findings_text
from tests.cli.wire_world import WireWorld, wire_world
from tests.reconciler.fleets import FLEET
from tests.reconciler.wire import TOKEN

NOBODY = "http://127.0.0.1:9"
KEY = "sk-very-secret"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> WireWorld:
    """A fleet whose runtime, account and model are on a port where nobody listens."""
    world = wire_world(tmp_path, monkeypatch, capsys, ())
    for name, value in {
        "TM_PUBLIC_URL": NOBODY,
        "TM_TWILIO_API_URL": NOBODY,
        "OPENAI_BASE_URL": NOBODY,
        "OPENAI_API_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, value)
    return world


def test_a_fleet_without_a_network_is_examined_all_the_same(world: WireWorld) -> None:
    done = world.tm("doctor", "--format", "json")
    assert done.code == 1
    verdicts = {(each["group"], each["check"]): each["verdict"] for each in done.json()["findings"]}
    assert verdicts["public URL", "ready"] == "failed"
    assert verdicts["account main (us1)", "auth token"] == "ok"
    assert verdicts["account main (us1)", "credentials"] == "failed"
    assert verdicts["model", "key"] == "ok"
    assert verdicts["model", "server"] == "failed"
    assert done.json()["summary"]["failed"] == 3
    assert TOKEN not in done.out + done.err
    assert KEY not in done.out + done.err


def test_what_failed_says_what_to_do(world: WireWorld) -> None:
    done = world.tm("doctor")
    assert done.code == 1
    assert "✗ ready" in done.out
    assert "→ Is tm serve running" in done.out
    assert done.out.rstrip().endswith("3 failed")


def test_an_agent_that_does_not_exist_is_suggested(world: WireWorld) -> None:
    done = world.tm("doctor", "--agent", "front-dask")
    assert done.code == 1
    assert 'did you mean "front-desk"?' in done.err


def test_broken_declarations_end_in_one_document(world: WireWorld) -> None:
    world.declare(FLEET.replace("numbers:", "numbrs:"))
    done = world.tm("doctor", "--format", "json")
    assert done.code == 1
    assert done.json()["findings"] == []
    assert "2 errors" in done.json()["error"]
    assert "fleet.yaml" in done.err


def test_findings_stand_in_groups_and_columns() -> None:
    url, agent = Subject("public URL"), Subject("agent a")
    text = findings_text(
        [
            url.ok("host", "agents.example is 192.0.2.1"),
            url.warning("fallback", "same host", "Declare one."),
            agent.failed("signed call", "answers \x1b[31m502", "Look into the log."),
        ]
    )
    assert text.plain == (
        "public URL\n"
        "  ✓ host         agents.example is 192.0.2.1\n"
        "  ! fallback     same host\n"
        "                 → Declare one.\n"
        "\n"
        "agent a\n"
        "  ✗ signed call  answers \\x1b[31m502\n"
        "                 → Look into the log.\n"
        "\n"
        "1 ok, 1 warning, 1 failed\n"
    )
