"""`tm calls` as it is called: history and transcripts from the database."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.main import run
from runtime.call_record import Caller, CallRecord, JsonValue, Latency, TranscriptEntry, TurnLatency
from runtime.store import CallStore

TALK = CallRecord(
    id="0a1b",
    agent="front-desk",
    direction="inbound",
    status="completed",
    end_reason="caller_hangup",
    started_at=1_795_000_000_000,
    duration_seconds=11.06,
    call_sid="CA1",
    caller=Caller("+14155550190", "US"),
    model="gpt-realtime-2.1",
    latency=Latency(400, (TurnLatency(frame_ms=900), TurnLatency(frame_ms=2500), TurnLatency(frame_ms=600))),
    cost={"amount": 0.01234, "currency": "USD", "prices_as_of": "2026-11-20", "unpriced": []},
    transcript=(
        TranscriptEntry("agent", "Good evening.", at_ms=258, heard_ms=900, interrupted=False),
        TranscriptEntry("caller", "What is\x1b[2J on the menu?", at_ms=61_234),
        TranscriptEntry("agent", "We have the catch", at_ms=None, heard_ms=2_460, interrupted=True),
    ),
)
REFUSED = CallRecord(
    id="0c2d",
    agent="staff-line",
    direction="inbound",
    status="rejected",
    reject_reason="not_allowed",
    started_at=1_795_000_060_000,
    call_sid="CA2",
    caller=Caller("anonymous"),
)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty checkout whose database is the default one."""
    monkeypatch.chdir(tmp_path)
    for name in ("TM_DATABASE_URL", "TM_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    return tmp_path


def store(*records: CallRecord) -> None:
    """Put records where `tm calls` looks for them."""

    async def save() -> None:
        calls = CallStore("sqlite:///.tm/calls.sqlite3", node="test")
        await calls.open()
        for record in records:
            calls.save(record)
        await calls.close()

    asyncio.run(save())


def test_the_newest_calls_come_first_with_how_they_ended(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(TALK, REFUSED)
    assert run(["calls"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["time", "agent", "caller", "seconds", "id", "status"]
    assert [line.split()[2:] for line in lines] == [
        ["staff-line", "anonymous", "–", "0c2d", "rejected", "(not_allowed)"],
        ["front-desk", "+14155550190", "11.1", "0a1b", "completed", "(caller_hangup)"],
    ]


def test_one_call_is_shown_with_its_transcript_cut_where_the_caller_stopped_hearing(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(TALK)
    for name in ("0a1b", "CA1"):
        assert run(["calls", name]) == 0
        shown = capsys.readouterr().out
        assert "completed (caller_hangup)" in shown
        assert "first word  0.40 s\n" in shown
        assert "turns       0.90 s usual, 2.50 s longest, of 3\n" in shown
        assert "cost        0.0123 USD (list of 2026-11-20)\n" in shown
        assert "  0:00.2  agent   Good evening.\n" in shown
        assert "  1:01.2  caller  What is [2J on the menu?\n" in shown
        assert "       –  agent   We have the catch… (interrupted, 2.5 s heard)\n" in shown


def test_what_has_no_price_is_named_beside_what_has_one(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts: dict[str, JsonValue] = {"gpt-realtime-2.1": 0.0123, "gpt-transcribe": None}
    unpriced: dict[str, JsonValue] = {"amount": None, "parts": parts, "unpriced": ["gpt-transcribe"]}
    cost = {**(TALK.cost or {}), **unpriced}
    store(replace(TALK, cost=cost))
    assert run(["calls", "0a1b"]) == 0
    shown = capsys.readouterr().out
    assert "cost        0.0123 USD and gpt-transcribe, which has no price (list of 2026-11-20)\n" in shown


def test_json_is_one_document(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(TALK, REFUSED)
    assert run(["calls", "--format", "json", "--limit", "1"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in page["calls"]] == ["0c2d"]
    assert page["next"]
    assert run(["calls", "0a1b", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(TALK.to_json()))


def test_calls_of_one_agent_alone(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(TALK, REFUSED)
    assert run(["calls", "--agent", "front-desk"]) == 0
    assert "staff-line" not in capsys.readouterr().out


def test_no_database_means_no_calls_yet(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calls"]) == 0
    assert capsys.readouterr().out == "No calls yet.\n"
    assert not (checkout / ".tm").exists()


def test_an_unknown_call_is_an_error(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(TALK)
    assert run(["calls", "nope"]) == 1
    assert "There is no call nope." in capsys.readouterr().err
