"""Journals as they are found: of runs that ended, of runs that were killed, and files that are none."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.applying.journal import Journal, JournalError, journal_for
from reconciler.applying.origin import Origin
from reconciler.applying.recorded import UnreadableJournalError, read_journal
from reconciler.planning.diff import diff
from reconciler.planning.plan import Plan
from tests.reconciler.numbers import FRONT_DESK, NOW, POLICY, SALES, live, wanted

PLAN = diff([wanted(), wanted(SALES, "sales")], [live(FRONT_DESK), live(SALES)], POLICY, NOW)
ORIGIN = Origin(NOW.isoformat(), "alice", "build-7", "tm apply --yes", "0.2.0", "abc123", git_dirty=True)


def journal_of(plan: Plan, folder: Path) -> Path:
    """A run that wrote every number of the plan but did not live to see the end of the last."""
    with closing(journal_for(folder, plan.plan_id, NOW, ORIGIN, {"main": "AC1"})) as journal:
        for change in plan.changes:
            journal.intends(change, change.now, NOW)
            if change is not plan.changes[-1]:
                journal.ended(change, "updated", "RQ1", NOW)
    return journal.path


def test_the_first_line_says_who_ran_what_from_where(tmp_path: Path) -> None:
    first = json.loads(journal_of(PLAN, tmp_path).read_text().splitlines()[0])
    assert first == {
        "plan_id": PLAN.plan_id,
        "event": "run",
        "format_version": "1.0",
        "run": f"20261120T120000000000Z-{PLAN.plan_id}",
        "at": "2026-11-20T12:00:00+00:00",
        "actor": "alice",
        "host": "build-7",
        "command": "tm apply --yes",
        "tool_version": "0.2.0",
        "git_revision": "abc123",
        "git_dirty": True,
        "accounts": {"main": "AC1"},
    }


def test_a_journal_reads_back_what_was_found_and_what_was_written(tmp_path: Path) -> None:
    recorded = read_journal(journal_of(PLAN, tmp_path))
    assert recorded.accounts == {"main": "AC1"}
    assert [(one.number, one.line) for one in recorded.written] == [(FRONT_DESK, 2), (SALES, 4)]
    for written, change in zip(recorded.written, PLAN.changes, strict=True):
        assert written.before == change.expected
        assert written.after == change.write


def test_a_write_that_outlives_its_run_opens_no_file_that_nobody_closes(tmp_path: Path) -> None:
    journal = journal_for(tmp_path, PLAN.plan_id, NOW, ORIGIN, {"main": "AC1"})
    journal.close()
    with pytest.raises(JournalError):
        journal.intends(PLAN.changes[0], PLAN.changes[0].now, NOW)
    assert not journal.path.exists()


def test_a_journal_cut_off_anywhere_reads_back_what_was_on_the_disk(tmp_path: Path) -> None:
    whole = journal_of(PLAN, tmp_path).read_bytes()
    all_written = read_journal(journal_of(PLAN, tmp_path)).written
    cut = tmp_path / "cut.jsonl"
    first_line = whole.index(b"\n") + 1
    for length in range(first_line, len(whole) + 1):
        cut.write_bytes(whole[:length])
        announced = whole[:length].count(b'"event": "write"') - (not whole[:length].endswith(b"\n"))
        written = read_journal(cut).written
        assert written == all_written[: len(written)]
        assert len(written) >= announced


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "its first line"),
        ('{"event": "run"', "its first line"),
        ('{"event": "outcome"}\n', "its first line"),
        ("kind: Agent\n", ":1 is not a line"),
        ('{"event": "run", "format_version": "2.0", "run": "r", "accounts": {}}\n', "format 2.0"),
        ('{"event": "run", "format_version": "1.0", "run": "r", "accounts": {}}\n{}\n', ":2 is not a line"),
    ],
)
def test_a_file_that_is_no_journal_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(text)
    with pytest.raises(UnreadableJournalError, match=told):
        read_journal(path)


def test_a_field_that_nothing_has_is_told(tmp_path: Path) -> None:
    path = journal_of(PLAN, tmp_path)
    path.write_text(path.read_text().replace('"voice_url"', '"sid"', 1))
    with pytest.raises(UnreadableJournalError, match=":2 names a field that nothing has: sid"):
        read_journal(path)


def test_lines_that_wait_for_the_disk_together_are_all_kept(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    journal = Journal(tmp_path / "run.jsonl", PLAN.plan_id)
    change = PLAN.changes[0]
    with closing(journal), ThreadPoolExecutor(8) as threads:
        for number in range(200):
            threads.submit(journal.ended, change, f"outcome {number}", None, NOW)
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert lines[0]["event"] == "run"
    assert {line["outcome"] for line in lines[1:]} == {f"outcome {number}" for number in range(200)}
    assert len(lines) == 201
