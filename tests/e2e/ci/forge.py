"""A pipeline on this machine: the real scripts in real shells, before a forge that is a file."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[3]
SCRIPTS = PROJECT / "docs" / "ci"
COMMANDS = Path(__file__).with_name("commands.py")
SECONDS = 30
ENVIRONMENT = {
    "GITHUB_REPOSITORY": "owner/phones",
    "GITHUB_SHA": "merged",
    "CI_API_V4_URL": "https://gitlab.example/api/v4",
    "CI_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_IID": "12",
    "CI_COMMIT_SHA": "merged",
    "TM_GITLAB_TOKEN": "glpat-s3cr3t",
}


@dataclass(frozen=True)
class Ran:
    """A script that has ended."""

    code: int
    out: str


@dataclass
class Forge:
    """The forge's state, and the folder that the pipeline works in."""

    folder: Path

    @classmethod
    def start(cls, folder: Path, me: Mapping[str, object]) -> Forge:
        forge = cls(folder)
        (folder / "bin").mkdir()
        for name in ("gh", "curl", "tm", "pip"):
            program = folder / "bin" / name
            call = shlex.join([sys.executable, "-I", "-S", str(COMMANDS), name])
            program.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
            program.chmod(0o755)
        forge.set(lists={}, artifacts={}, failing=[], requests=[], tm=[], me=me, exit=0, says="### Plan\n")
        return forge

    @property
    def state(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return loaded

    def set(self, **values: object) -> None:
        """Change parts of the state."""
        file = self.folder / "state.json"
        state = self.state if file.exists() else {}
        file.write_text(json.dumps({**state, **values}))

    def put(self, path: str, *items: object) -> None:
        """Make a list of the API."""
        self.set(lists={**self.state["lists"], path: list(items)})

    def listed(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.state["lists"].get(path, [])
        return items

    def tm_ends(self, code: int, says: str = "### Plan\n") -> None:
        self.set(exit=code, says=says)

    def writes(self) -> list[list[object]]:
        """Method and path of each request that changed something."""
        return [[method, path] for method, path, _ in self.state["requests"] if method != "GET"]

    def run(self, script: str, *arguments: str, **environment: str) -> Ran:
        """Run a script as a pipeline does."""
        return self.shell([str(SCRIPTS / script), *arguments], environment)

    def shell(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Ran:
        """Run bash in the pipeline's folder and environment."""
        done = subprocess.run(
            ["bash", *arguments],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "FORGE_STATE": str(self.folder / "state.json"),
                **ENVIRONMENT,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ran(done.returncode, done.stdout)
