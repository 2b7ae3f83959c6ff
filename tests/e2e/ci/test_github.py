"""GitHub: one comment, the reviewed plan and no other, one issue; no error is taken for a difference."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.ci.forge import Forge

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="the scripts need jq")

COMMENTS = "repos/owner/phones/issues/12/comments"
ISSUES = "repos/owner/phones/issues"
PULLS = "repos/owner/phones/commits/merged/pulls"
BOT = {"user": {"login": "github-actions[bot]"}}


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge.start(tmp_path, BOT)


def comment(forge: Forge, text: str) -> int:
    (forge.folder / "plan.md").write_text(text)
    return forge.run("github/comment.sh", "12", "plan.md").code


@pytest.mark.parametrize(("tm", "job"), [(0, 0), (2, 0), (1, 1), (5, 5), (130, 130)])
def test_differences_are_no_failure_and_failures_stay_failures(forge: Forge, tm: int, job: int) -> None:
    forge.tm_ends(tm, "### Plan: it said so\n")
    summary = forge.folder / "summary.md"
    ran = forge.run("github/plan.sh", "out", GITHUB_STEP_SUMMARY=str(summary))
    assert ran.code == job
    assert "::notice" in ran.out
    assert (forge.folder / "out" / "plan.md").read_text() == summary.read_text() == "### Plan: it said so\n"
    assert (forge.folder / "out" / "plan.json").exists()


def test_a_tm_that_does_not_start_is_told_in_the_comment(forge: Forge) -> None:
    (forge.folder / "bin" / "tm").write_text("#!/bin/sh\nexit 127\n")
    assert forge.run("github/plan.sh", "out").code == 127
    assert (forge.folder / "out" / "plan.md").read_text() == "### Plan failed: tm ended with 127\n"


def test_a_pull_request_has_one_comment_that_is_kept_up_to_date(forge: Forge) -> None:
    strangers = [{"id": number, "user": {"login": "somebody"}, "body": "nice"} for number in (1, 2, 3)]
    forge.put(COMMENTS, *strangers)
    assert comment(forge, "1 to adopt") == 0
    assert comment(forge, "2 to adopt") == 0
    *others, ours = forge.listed(COMMENTS)
    assert others == strangers
    assert ours["body"] == "<!-- tm plan -->\n2 to adopt"


def test_a_strangers_comment_with_our_marker_is_not_taken_for_ours(forge: Forge) -> None:
    stranger = {"id": 1, "user": {"login": "somebody"}, "body": "<!-- tm plan -->\nall fine"}
    forge.put(COMMENTS, stranger)
    assert comment(forge, "1 to adopt") == 0
    assert [item["body"] for item in forge.listed(COMMENTS)] == [
        stranger["body"],
        "<!-- tm plan -->\n1 to adopt",
    ]


def test_comments_that_cannot_be_read_are_a_failure_and_not_a_second_comment(forge: Forge) -> None:
    forge.set(failing=["comments"])
    assert comment(forge, "1 to adopt") != 0
    assert forge.writes() == []


def merged(forge: Forge) -> None:
    forge.put(
        PULLS, {"merged_at": None, "head": {"sha": "other"}}, {"merged_at": "now", "head": {"sha": "head"}}
    )
    forge.put("runs of head", {"databaseId": 77})
    forge.set(artifacts={"77": "exactly this"})


def test_exactly_the_reviewed_plan_is_applied(forge: Forge) -> None:
    merged(forge)
    assert forge.run("github/apply.sh").code == 0
    assert forge.state["applied"] == "exactly this"
    assert forge.state["tm"][0][2:] == ["--format", "github"]


def test_limits_are_lifted_by_name_only(forge: Forge) -> None:
    merged(forge)
    assert forge.run("github/apply.sh", TM_ALLOW="updates=42 hosts=1").code == 0
    assert forge.state["tm"][0][4:] == ["--allow", "updates=42", "--allow", "hosts=1"]


@pytest.mark.parametrize(
    ("code", "told"),
    [(3, "Some numbers failed"), (4, "Stale plan"), (5, "Over a safety limit"), (1, "Not applied")],
)
def test_an_apply_that_went_wrong_fails_the_job_and_says_what_to_do(
    forge: Forge, code: int, told: str
) -> None:
    merged(forge)
    forge.tm_ends(code)
    ran = forge.run("github/apply.sh")
    assert (ran.code, f"::error title={told}::" in ran.out) == (code, True)


@pytest.mark.parametrize("missing", [PULLS, "runs of head"])
def test_without_a_reviewed_plan_nothing_is_applied(forge: Forge, missing: str) -> None:
    merged(forge)
    forge.put(missing)
    ran = forge.run("github/apply.sh")
    assert (ran.code, forge.state["tm"]) == (1, [])
    assert "::error title=No reviewed plan::" in ran.out


def test_drift_opens_one_issue_updates_it_and_closes_it(forge: Forge) -> None:
    forge.put(ISSUES, *({"number": number, "user": {"login": "x"}, "body": None} for number in (1, 2, 3)))
    forge.tm_ends(2, "1 changed by hand")
    assert "opened an issue" in forge.run("github/drift.sh").out
    forge.tm_ends(2, "2 changed by hand")
    assert forge.run("github/drift.sh").code == 0
    (ours,) = forge.listed(ISSUES)[3:]
    assert ours["body"] == "<!-- tm drift -->\n2 changed by hand\n"
    assert ours["title"]
    forge.tm_ends(0)
    assert forge.run("github/drift.sh").code == 0
    assert forge.listed(ISSUES)[3]["state"] == "closed"


def test_a_failed_check_touches_no_issue_and_fails_the_job(forge: Forge) -> None:
    forge.tm_ends(1, "the account cannot be reached")
    ran = forge.run("github/drift.sh")
    assert (ran.code, forge.state["requests"]) == (1, [])
    assert "::error" in ran.out


def test_issues_that_cannot_be_read_are_a_failure_and_not_a_second_issue(forge: Forge) -> None:
    forge.tm_ends(2)
    forge.set(failing=["issues"])
    assert forge.run("github/drift.sh").code != 0
    assert forge.writes() == []
