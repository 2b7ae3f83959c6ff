"""Diagnostics as documents: text for people, JSON, GitHub annotations, SARIF for code scanning."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from reconciler.output.annotation import annotation_of
from schemas.codes import MEANINGS, UNKNOWN_KEY
from schemas.places import Diagnostic, Place

FORMAT_VERSION = "1.0"

# A line with one of these in it, or below it, is shown without its value: that may be a secret.
_CONFIDENTIAL = re.compile(r"tok|secret|key|auth|pass|cred|header|bearer|sid", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Check:
    """What a check of the declarations found: the findings, and how much was looked at."""

    diagnostics: Sequence[Diagnostic]
    agents: int
    numbers: int

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(diagnostic.severity == "error" for diagnostic in self.diagnostics)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return len(self.diagnostics) - self.errors


def as_text(check: Check, *, snippets: bool) -> str:
    """Return one line for each finding, and a summary; with `snippets` also the lines they are about."""
    lines: list[str] = []
    for diagnostic in check.diagnostics:
        warning = "warning: " if diagnostic.severity == "warning" else ""
        where = f"{diagnostic.place} " if diagnostic.place else ""
        lines.append(f"{where}{diagnostic.code} {warning}{_one_line(diagnostic.message)}")
        if snippets and diagnostic.place is not None:
            lines += _snippet(diagnostic.place, diagnostic.code)
    errors = _count(check.errors, "error") if check.errors else "no errors"
    warnings = f", {_count(check.warnings, 'warning')}" if check.warnings else ""
    found = f"{_count(check.agents, 'agent')}, {_count(check.numbers, 'number')}"
    return "\n".join([*lines, f"{found}: {errors}{warnings}"])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _one_line(text: str) -> str:
    """Return text that can neither break the line nor speak to the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _snippet(place: Place, code: str) -> list[str]:
    """Return the line and a caret under the place, or nothing when the file cannot be read any more."""
    try:
        lines = Path(place.file).read_text(encoding="utf-8-sig").split("\n")[: place.line]
        line = _one_line(lines[place.line - 1].replace("\t", " ").rstrip("\r"))
    except (OSError, ValueError, IndexError):
        return []
    if code == UNKNOWN_KEY or _CONFIDENTIAL.search("".join(lines[-2:])):
        key, colon, _ = line.partition(":")
        line = f"{key}: ***" if colon else "***"
    return [f"    {line}", f"    {' ' * (place.column - 1)}^"]


def as_json(check: Check, error: str | None = None) -> str:
    """Return the findings and their counts as one JSON document; `error` says why nothing was checked."""
    document = {
        "format_version": FORMAT_VERSION,
        "diagnostics": [diagnostic_as_json(diagnostic) for diagnostic in check.diagnostics],
        "summary": {
            "errors": check.errors,
            "warnings": check.warnings,
            "agents": check.agents,
            "numbers": check.numbers,
        },
        "error": error,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def diagnostic_as_json(diagnostic: Diagnostic) -> Mapping[str, object]:
    """Return `{severity, code, message, file, line, column}`; the place is null when there is none."""
    place = diagnostic.place
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }


def as_github(check: Check) -> str:
    """Return workflow commands, which GitHub shows as annotations of the changed lines."""
    return "\n".join(annotation_of(diagnostic).command() for diagnostic in check.diagnostics)


def as_sarif(check: Check, error: str | None = None) -> str:
    """Return a SARIF 2.1.0 log with one run; `error` says why nothing was checked."""
    used = sorted({diagnostic.code for diagnostic in check.diagnostics})
    driver = {
        "name": "tm",
        "version": version("tm-phone-agents"),
        "rules": [{"id": code, "shortDescription": {"text": MEANINGS[code]}} for code in used],
    }
    run: dict[str, object] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(diagnostic) for diagnostic in check.diagnostics],
    }
    if error is not None:
        failed = {"level": "error", "message": {"text": error}}
        run["invocations"] = [{"executionSuccessful": False, "toolExecutionNotifications": [failed]}]
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _sarif_result(diagnostic: Diagnostic) -> Mapping[str, object]:
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity,
        "message": {"text": diagnostic.message},
    }
    if diagnostic.place is not None:
        place = diagnostic.place
        region = {"startLine": place.line, "startColumn": place.column}
        artifact = {"uri": Path(place.file).as_posix()}
        result["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]
    return result
