"""The document of a command that did not come to write one: a wrong option, an early Ctrl-C.

The command itself may never have run, so its form is looked up in what was typed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from cli.diagnostics import Check, as_json, as_sarif
from cli.outputs import Form, write_missing_plan, write_missing_report
from cli.provenance import error_as_json
from cli.reconciling import RunFailedError
from cli.terminal import write_document
from reconciler.output.documents import to_json
from reconciler.output.github import error_annotations
from reconciler.preflight.telling import findings_document
from schemas.errors import TmError

_FORMS: dict[str, Form] = {"json": "json", "markdown": "markdown", "github": "github"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be told of a command line without understanding it: the command, the form, `--dry-run`."""

    command: str | None
    form: str
    dry_run: bool

    @classmethod
    def of(cls, arguments: Sequence[str]) -> Self:
        """Look through the arguments; of several forms the last one counts, as it does for the command."""
        options = arguments[: arguments.index("--")] if "--" in arguments else arguments
        form = "text"
        for option, following in zip(options, (*options[1:], ""), strict=True):
            if option == "--format":
                form = following
            elif option.startswith("--format="):
                form = option.partition("=")[2]
        command = next((word for word in arguments if not word.startswith("-")), None)
        return cls(command, form, "--dry-run" in options)


def write_failure(arguments: Sequence[str], error: TmError) -> None:
    """Write the document of the command that was typed to stdout, if it has one; stderr has been told."""
    asked = Asked.of(arguments)
    match asked.command:
        case "plan" | "drift" | "apply" | "rollback":
            _write_run_failure(asked, asked.command, error)
        case "validate":
            _write_unchecked(asked.form, error)
        case "doctor":
            is_json = asked.form == "json"
            write_document(
                to_json(findings_document((), error.message)) if is_json else "Nothing was checked."
            )
        case "explain" if asked.form == "json":
            write_document(error_as_json(error.message))
        case "call" | "calls" | "campaign" | "message" if asked.form == "json":
            write_document(json.dumps({"error": error.message}, indent=2))


def _write_run_failure(asked: Asked, command: str, error: TmError) -> None:
    failure = RunFailedError(error)
    form = _FORMS.get(asked.form, "text")
    plans = command in ("plan", "drift") or (command == "rollback" and asked.dry_run)
    if plans:
        write_missing_plan(failure, form, datetime.now(UTC), title=command.title())
    else:
        write_missing_report(failure, form, title=command.title())


def _write_unchecked(form: str, error: TmError) -> None:
    nothing = Check((), agents=0, numbers=0)
    if form == "json":
        write_document(as_json(nothing, error.message))
    elif form == "sarif":
        write_document(as_sarif(nothing, error.message))
    elif form == "github":
        write_document(error_annotations(error, title="Validate"))
    else:
        write_document("Nothing was checked.")
