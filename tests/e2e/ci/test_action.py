"""The GitHub Action: what each `run` does with what it is given, step by step."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.ci.composite import Composite
from tests.e2e.ci.forge import SCRIPTS, Forge

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="the scripts need jq")

COMMENTS = "repos/owner/phones/issues/12/comments"
BOT = {"user": {"login": "github-actions[bot]"}}
PULL_REQUEST = {
    "github.event.number": "12",
    "github.repository": "owner/phones",
    "github.event.pull_request.head.repo.full_name": "owner/phones",
    "github.token": "ghs-t0ken",
}


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge.start(tmp_path, BOT)


def action(forge: Forge, **known: str) -> Composite:
    return Composite(SCRIPTS / "github", forge, {**PULL_REQUEST, **known})


def test_plan_installs_validates_plans_and_comments(forge: Forge) -> None:
    forge.tm_ends(0, "### Plan: 1 to adopt\n")
    done = action(forge).run(run="plan", package="tm.whl")
    assert list(done) == ["check", "install", "validate", "plan", "comment"]
    assert [ran.code for ran in done.values()] == [0] * 5
    assert forge.state["installed"] == "tm.whl"
    assert [arguments[0] for arguments in forge.state["tm"]] == ["validate", "plan"]
    assert "1 to adopt" in forge.listed(COMMENTS)[0]["body"]


def test_a_plan_that_failed_fails_the_step_and_is_still_in_the_comment(forge: Forge) -> None:
    (forge.folder / "bin" / "tm").write_text('#!/bin/sh\n[ "$1" = validate ] || exit 1\n')
    done = action(forge).run(run="plan", package="tm.whl")
    assert (done["plan"].code, done["comment"].code) == (1, 0)
    assert "Plan failed" in forge.listed(COMMENTS)[0]["body"]


def test_a_pull_request_of_a_fork_is_validated_and_nothing_else(forge: Forge) -> None:
    fork = {"github.event.pull_request.head.repo.full_name": "somebody/phones"}
    done = action(forge, **fork).run(run="plan", package="tm.whl")
    assert list(done) == ["check", "install", "validate"]
    assert forge.state["requests"] == []


def test_declarations_with_errors_are_not_planned(forge: Forge) -> None:
    forge.tm_ends(1)
    done = action(forge).run(run="plan", package="tm.whl")
    assert list(done) == ["check", "install", "validate"]
    assert done["validate"].code == 1


def test_apply_lifts_the_limits_that_it_is_given_and_only_applies(forge: Forge) -> None:
    forge.put("repos/owner/phones/commits/merged/pulls", {"merged_at": "now", "head": {"sha": "head"}})
    forge.put("runs of head", {"databaseId": 77})
    forge.set(artifacts={"77": "exactly this"})
    done = action(forge).run(run="apply", package="tm.whl", allow="updates=42")
    assert list(done) == ["check", "install", "apply"]
    assert forge.state["applied"] == "exactly this"
    assert forge.state["tm"][0][4:] == ["--allow", "updates=42"]


def test_drift_keeps_its_issue(forge: Forge) -> None:
    forge.tm_ends(2, "1 changed by hand")
    done = action(forge).run(run="drift", package="tm.whl")
    assert list(done) == ["check", "install", "drift"]
    assert "opened an issue" in done["drift"].out


def test_anything_else_to_run_is_an_error_and_nothing_is_installed(forge: Forge) -> None:
    done = action(forge).run(run="aply", package="tm.whl")
    assert list(done) == ["check"]
    assert (done["check"].code, "installed" in forge.state) == (1, False)
    assert "aply" in done["check"].out


def test_inputs_win_over_the_jobs_environment_which_fills_in_for_them(forge: Forge) -> None:
    told = forge.folder / "told"
    (forge.folder / "bin" / "tm").write_text(f'#!/bin/sh\necho "$TM_ENV $TWILIO_ACCOUNT_SID" >>{told}\n')
    job = {"env.TM_ENV": "prod", "env.TWILIO_ACCOUNT_SID": "ACjob"}
    action(forge, **job).run(run="drift", package="tm.whl", account_sid="ACinput")
    assert told.read_text() == "prod ACinput\n"
