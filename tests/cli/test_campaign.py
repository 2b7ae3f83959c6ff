"""`tm campaign` as it is called, on a database that nobody calls from."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.main import run
from runtime.outbound.lead_store import LeadStore
from runtime.outbound.leads import lead_id
from runtime.outbound.opt_outs import never_again
from runtime.store.database import open_engine

DECLARATIONS = """\
kind: Agent
name: reminders
instructions: You call {{ name }}.
numbers: [+14155550100]
variables: {name: {required: true}}
---
kind: Campaign
name: spring
agent: reminders
leads: leads.csv
do_not_call: never.csv
"""
LEADS = """\
id,number,name
=1+1,+14155550123,Ana
c-2,(212) 555-0124,Bo
c-3,12,Cy
c-4,+14155550125,Di
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a campaign; neither secrets nor a public URL are there, nor needed."""
    for name in ("TM_PUBLIC_URL", "TM_DATABASE_URL", "TM_STATE_DIR", "TWILIO_ACCOUNT_SID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "agents.d"
    folder.mkdir()
    (folder / "fleet.yaml").write_text(DECLARATIONS)
    (folder / "leads.csv").write_text(LEADS)
    (folder / "never.csv").write_text("number\n+14155550125\n")
    return tmp_path


def test_a_dry_run_shows_who_would_be_called_when_and_leaves_nothing_behind(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["campaign", "run", "spring", "--dry-run", "--format", "json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert {call["number"] for call in planned["calls"]} == {"+14155550123", "+12125550124"}
    assert planned["refused"] == [
        {"line": 4, "reason": "invalid", "detail": '"12" is no phone number'},
        {"line": 5, "reason": "do_not_call", "detail": "+14155550125 is never to be called"},
    ]
    assert run(["campaign", "run", "spring", "--dry-run"]) == 0
    assert "America/New_York  +12125550124  line 3" in capsys.readouterr().out
    assert not (checkout / ".tm").exists()


def test_a_campaign_is_run_paused_resumed_and_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    states = []
    for action in (["run", "spring", "--detach"], ["pause", "spring"], ["resume", "spring"]):
        assert run(["campaign", *action, "--format", "json"]) == 0
        states.append(json.loads(capsys.readouterr().out)["state"])
    assert states == ["running", "paused", "running"]
    assert run(["campaign", "cancel", "spring"]) == 0
    told = capsys.readouterr().out
    assert told == ("spring  over\n4 of 4 finished: 2 cancelled, 1 do not call, 1 invalid; 0 calls/min\n")


def test_the_results_are_a_table_that_no_spreadsheet_takes_for_formulas(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["campaign", "run", "spring", "--detach", "--csv", "out.csv"]) == 0
    assert "2 added, 0 known before, 2 not to be called" in capsys.readouterr().err
    with (checkout / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["line"], row["id"], row["state"], row["outcome"]) for row in rows] == [
        ("2", "'=1+1", "backlog", ""),
        ("3", "c-2", "backlog", ""),
        ("4", "c-3", "finished", "invalid"),
        ("5", "c-4", "finished", "do_not_call"),
    ]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["run", "sprig"], 'there is no Campaign "sprig"; did you mean "spring"?'),
        (["status", "spring"], '"spring" was never run'),
        (["run", "spring", "--csv", "no/where.csv", "--detach"], "cannot write no/where.csv"),
    ],
)
def test_a_mistake_is_told_in_words(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["campaign", *arguments]) == 1
    assert error in capsys.readouterr().err


def test_nobody_is_added_while_the_numbers_that_are_never_called_cannot_be_read(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "agents.d" / "never.csv").unlink()
    assert run(["campaign", "run", "spring", "--detach"]) == 1
    assert "there is no file" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["run", "sprig"], ["status", "spring"], ["pause", "spring"]])
def test_a_failure_in_json_is_a_document_as_well(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["campaign", *arguments, "--format", "json"]) == 1
    assert "spri" in json.loads(capsys.readouterr().out)["error"]


def interrupt(_seconds: float) -> None:
    raise KeyboardInterrupt


def pause_for_the_account(_seconds: float) -> None:
    engine = open_engine("sqlite:///.tm/calls.sqlite3")
    LeadStore(engine, time.time).pause("spring", "Twilio refuses calls of the account")
    engine.dispose()


def cancel(_seconds: float) -> None:
    assert run(["campaign", "cancel", "spring"]) == 0


@pytest.mark.parametrize(
    ("meanwhile", "code", "told"),
    [
        (interrupt, 130, "spring  running"),
        (pause_for_the_account, 1, "spring  paused: Twilio refuses calls of the account"),
        (cancel, 0, "spring  over"),
    ],
)
def test_the_exit_code_of_a_run_tells_whether_everybody_is_done_with(
    meanwhile: Callable[[float], None],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("cli.campaign_progress.time.sleep", meanwhile)
    assert run(["campaign", "run", "spring"]) == code
    written = capsys.readouterr()
    assert told in written.out
    assert "2 of 4 finished" in written.err  # there is no terminal, and no bar


def test_a_dry_run_knows_whom_nobody_calls_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["campaign", "run", "spring", "--detach"]) == 0
    engine = open_engine("sqlite:///.tm/calls.sqlite3")
    LeadStore(engine, time.time).finish("spring", lead_id("spring", "+14155550123"), "completed", "")
    with engine.begin() as connection:
        never_again(connection, "+12125550124", 0)
    engine.dispose()
    capsys.readouterr()
    assert run(["campaign", "run", "spring", "--dry-run", "--format", "json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["calls"] == []
    assert [(each["line"], each["detail"]) for each in planned["refused"][:2]] == [
        (2, "+14155550123 is finished already: completed"),
        (3, "+12125550124 asked not to be called again"),
    ]
