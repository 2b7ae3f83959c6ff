"""GitLab: one note, the reviewed plan and no other, one issue; no error is taken for a difference."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.ci.forge import Forge

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="the scripts need jq")

NOTES = "projects/7/merge_requests/12/notes"
ISSUES = "projects/7/issues"
REQUESTS = "projects/7/repository/commits/merged/merge_requests"
PIPELINES = "projects/7/merge_requests/12/pipelines"
JOBS = "projects/7/pipelines/5/jobs"
ARTIFACT = "projects/7/jobs/9/artifacts/plan.json"


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    forge = Forge.start(tmp_path, {"author": {"id": 3}})
    forge.set(lists={"user": {"id": 3}})
    return forge


@pytest.mark.parametrize(("tm", "job"), [(0, 0), (2, 0), (1, 1), (130, 130)])
def test_differences_are_no_failure_and_failures_stay_failures_told_in_the_note(
    forge: Forge, tm: int, job: int
) -> None:
    forge.tm_ends(tm, "it said so")
    assert forge.run("gitlab/plan.sh").code == job
    assert [note["body"] for note in forge.listed(NOTES)] == ["<!-- tm plan -->\nit said so\n"]
    assert (forge.folder / "plan.json").exists()


def test_a_merge_request_has_one_note_that_is_kept_up_to_date(forge: Forge) -> None:
    stranger = {"id": 1, "author": {"id": 4}, "body": "<!-- tm plan -->\nall fine"}
    forge.put(NOTES, stranger, {**stranger, "id": 2}, {**stranger, "id": 3})
    for text in ("1 to adopt", "2 to adopt"):
        forge.tm_ends(2, text)
        assert forge.run("gitlab/plan.sh").code == 0
    *others, ours = forge.listed(NOTES)
    assert [note["body"] for note in others] == [stranger["body"]] * 3
    assert ours["body"] == "<!-- tm plan -->\n2 to adopt\n"


@pytest.mark.parametrize("failing", ["notes", "user"])
def test_an_api_that_fails_is_a_failure_and_not_a_second_note(forge: Forge, failing: str) -> None:
    forge.set(failing=[failing])
    assert forge.run("gitlab/plan.sh").code != 0
    assert forge.writes() == []


def merged(forge: Forge) -> None:
    forge.put(REQUESTS, {"iid": 11, "state": "closed"}, {"iid": 12, "state": "merged"})
    forge.put(PIPELINES, {"id": 6, "status": "failed"}, {"id": 5, "status": "success"})
    forge.put(JOBS, {"id": 8, "name": "tm-validate"}, {"id": 9, "name": "tm-plan"})
    forge.set(lists={**forge.state["lists"], ARTIFACT: "exactly this"})


def test_exactly_the_reviewed_plan_is_applied(forge: Forge) -> None:
    merged(forge)
    assert forge.run("gitlab/apply.sh", TM_ALLOW="updates=42").code == 0
    assert forge.state["applied"] == "exactly this"
    assert forge.state["tm"] == [["apply", "plan.json", "--allow", "updates=42"]]


@pytest.mark.parametrize("missing", [REQUESTS, PIPELINES, JOBS])
def test_without_a_reviewed_plan_nothing_is_applied(forge: Forge, missing: str) -> None:
    merged(forge)
    forge.put(missing)
    ran = forge.run("gitlab/apply.sh")
    assert (ran.code, forge.state["tm"]) == (1, [])
    assert "run tm apply by hand" in ran.out


@pytest.mark.parametrize(("code", "told"), [(3, "failed"), (4, "stale"), (5, "limit"), (1, "not applied")])
def test_an_apply_that_went_wrong_fails_the_job_and_says_what_to_do(
    forge: Forge, code: int, told: str
) -> None:
    merged(forge)
    forge.tm_ends(code)
    ran = forge.run("gitlab/apply.sh")
    assert (ran.code, told in ran.out) == (code, True)


def test_drift_opens_one_issue_updates_it_and_closes_it(forge: Forge) -> None:
    forge.put(
        ISSUES, *({"id": 50, "iid": iid, "author": {"id": 4}, "description": None} for iid in (1, 2, 3))
    )
    forge.tm_ends(2, "1 changed by hand")
    assert "opened an issue" in forge.run("gitlab/drift.sh").out
    forge.tm_ends(2, "2 changed by hand")
    assert forge.run("gitlab/drift.sh").code == 0
    (ours,) = forge.listed(ISSUES)[3:]
    assert ours["description"] == "<!-- tm drift -->\n2 changed by hand\n"
    forge.tm_ends(0)
    assert forge.run("gitlab/drift.sh").code == 0
    assert forge.listed(ISSUES)[3]["state_event"] == "close"


def test_a_failed_check_touches_no_issue_and_fails_the_job(forge: Forge) -> None:
    forge.tm_ends(1, "the account cannot be reached")
    assert forge.run("gitlab/drift.sh").code == 1
    assert forge.state["requests"] == []


def test_the_token_is_in_no_output(forge: Forge) -> None:
    assert "glpat" not in forge.run("gitlab/plan.sh").out + forge.run("gitlab/drift.sh").out
