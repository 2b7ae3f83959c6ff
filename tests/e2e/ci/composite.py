"""A composite action as GitHub runs it: its conditions, its expressions, its shell steps before the forge.

Of GitHub's expressions it knows what the action has: names, texts, `==`, `&&`, `||` and `always()`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.ci.forge import Forge, Ran

_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


class Composite:
    """One use of the action in `folder`. `known` are the values of names such as `github.event.number`."""

    def __init__(self, folder: Path, forge: Forge, known: Mapping[str, str]) -> None:
        self._action: dict[str, Any] = yaml.safe_load((folder / "action.yml").read_text())
        self._folder = folder
        self._forge = forge
        self._known = dict(known)

    def run(self, **inputs: str) -> dict[str, Ran]:
        """Run the steps that are due, and return what became of the shell ones by their ids."""
        for name, declared in self._action["inputs"].items():
            self._known[f"inputs.{name}"] = inputs.get(name.replace("-", "_"), declared.get("default", ""))
        done: dict[str, Ran] = {}
        failed = False
        for step in self._action["runs"]["steps"]:
            condition = step.get("if", "")
            goes_on = not failed or "always()" in condition
            if "run" in step and goes_on and self._holds(condition):
                ran = done[step["id"]] = self._shell(step)
                failed = failed or ran.code != 0
                outcome = "failure" if ran.code else "success"
                self._known[f"steps.{step['id']}.outcome"] = outcome
        return done

    def _shell(self, step: Mapping[str, Any]) -> Ran:
        assert step["shell"] == "bash", "GitHub demands a shell of every step of a composite action"
        given = {
            name: _EXPRESSION.sub(lambda found: self._value(found[1]), text)
            for name, text in step.get("env", {}).items()
        }
        places = {"GITHUB_ACTION_PATH": str(self._folder), "RUNNER_TEMP": str(self._forge.folder)}
        return self._forge.shell(["-e", "-o", "pipefail", "-c", step["run"]], {**places, **given})

    def _holds(self, condition: str) -> bool:
        """Tell whether every part joined by `&&` holds; each may be a list of others joined by `||`."""
        parts = [part.strip("()") for part in condition.split(" && ") if part not in ("", "always()")]
        return all(any(map(self._is_true, part.split(" || "))) for part in parts)

    def _is_true(self, part: str) -> bool:
        left, equals, right = part.partition(" == ")
        return self._value(left) == self._value(right) if equals else bool(self._value(left))

    def _value(self, expression: str) -> str:
        """Return the first of the values that is not empty."""
        for part in expression.split(" || "):
            text = part.strip()
            if value := text[1:-1] if text.startswith("'") else self._known.get(text, ""):
                return value
        return ""
