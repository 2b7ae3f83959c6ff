"""Who started a run, and from what: the first line of its journal, and the name on its lock."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.output.documents import tool_version

GIT_SECONDS = 5.0
_LONGEST = 200

# The variables in which CI systems name the person whose push or click started the job.
_CI_USERS = (
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "BUILDKITE_BUILD_CREATOR",
    "BITBUCKET_STEP_TRIGGERER_UUID",
    "CIRCLE_USERNAME",
    "BUILD_REQUESTEDFOR",
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run comes from: `at` is its start in ISO 8601, `host` the machine.

    `git_revision` and `git_dirty` are those of the declarations; None outside of a repository.
    """

    at: str = ""
    actor: str = "unknown"
    host: str = "unknown"
    command: str = ""
    tool_version: str = ""
    git_revision: str | None = None
    git_dirty: bool | None = None


def origin_of(command: str, folder: Path, environ: Mapping[str, str], now: datetime) -> Origin:
    """Find out who runs `command` on the declarations in `folder`. Blocks for a moment: git is asked."""
    revision = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".") if revision else None
    return Origin(
        at=now.isoformat(),
        actor=_actor(folder, environ)[:_LONGEST],
        host=socket.gethostname()[:_LONGEST],
        command=command,
        tool_version=tool_version(),
        git_revision=revision,
        git_dirty=None if changes is None else bool(changes),
    )


def _actor(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the person: whom CI names, else git's user, else the login."""
    for variable in _CI_USERS:
        if name := environ.get(variable):
            return name
    if name := _git(folder, "config", "user.name"):
        email = _git(folder, "config", "user.email")
        return f"{name} <{email}>" if email else name
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name; KeyError until Python 3.13
        return "unknown"


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says, or None: no git, no repository, no such value, or no answer in time."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [git, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
