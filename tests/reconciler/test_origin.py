"""Who a run says it was started by, and from what."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.applying.origin import origin_of
from tests.reconciler.numbers import NOW


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of declarations under git, committed by Alice, with no configuration but its own."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    (tmp_path / "fleet.yaml").write_text("kind: Service\n")
    for arguments in (
        ["init", "-q"],
        ["config", "user.name", "Alice"],
        ["config", "user.email", "alice@bistro.example"],
        ["add", "."],
        ["commit", "-q", "-m", "Declare"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    return tmp_path


def test_in_a_repository_it_is_gits_user_and_its_revision(repository: Path) -> None:
    origin = origin_of("tm apply", repository, {}, NOW)
    assert origin.actor == "Alice <alice@bistro.example>"
    assert (origin.command, origin.at) == ("tm apply", NOW.isoformat())
    assert origin.git_revision is not None
    assert len(origin.git_revision) == 40
    assert origin.git_dirty is False


def test_what_is_not_committed_is_said(repository: Path) -> None:
    (repository / "fleet.yaml").write_text("kind: Agent\n")
    assert origin_of("tm apply", repository, {}, NOW).git_dirty is True


@pytest.mark.parametrize("variable", ["GITHUB_ACTOR", "GITLAB_USER_LOGIN"])
def test_in_ci_it_is_whom_ci_names(repository: Path, variable: str) -> None:
    assert origin_of("tm apply", repository, {variable: "octocat"}, NOW).actor == "octocat"


def test_outside_of_a_repository_it_is_the_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.setenv("LOGNAME", "bob")
    origin = origin_of("tm apply", tmp_path, {}, NOW)
    assert origin.actor == "bob"
    assert (origin.git_revision, origin.git_dirty) == (None, None)


def test_without_git_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "bob")
    assert origin_of("tm apply", tmp_path, {}, NOW).actor == "bob"
