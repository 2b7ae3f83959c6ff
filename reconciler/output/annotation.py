"""Workflow commands: remarks that GitHub shows at the lines of the files that they are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from schemas.places import Diagnostic, Place

Severity = Literal["error", "warning", "notice"]
_ORDER: tuple[Severity, ...] = ("error", "warning", "notice")


@dataclass(frozen=True, slots=True)
class Annotation:
    """One remark about a line of a file, or about the run when it has no place."""

    severity: Severity
    title: str
    message: str
    place: Place | None = None

    def command(self) -> str:
        """Return the workflow command, which is one line whatever the texts hold."""
        properties: list[tuple[str, object]] = []
        if self.place is not None:
            place = self.place
            properties = [("file", place.file), ("line", place.line), ("col", place.column)]
        listed = ",".join(
            f"{name}={_property(str(value))}" for name, value in [*properties, ("title", self.title)]
        )
        return f"::{self.severity} {listed}::{_data(self.message)}"


def annotation_of(diagnostic: Diagnostic) -> Annotation:
    """Return a finding of the loader or the planner as an annotation."""
    return Annotation(diagnostic.severity, diagnostic.code, diagnostic.message, diagnostic.place)


def workflow_commands(annotations: Iterable[Annotation]) -> str:
    """Return the commands, one in a line; GitHub shows ten of each severity, so what matters comes first."""
    ordered = sorted(annotations, key=lambda annotation: _ORDER.index(annotation.severity))
    return "\n".join(annotation.command() for annotation in ordered)


def _data(text: str) -> str:
    """Escape what ends a workflow command. GitHub: `%`, carriage return and newline."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape what ends a property of a workflow command as well. GitHub: also `:` and `,`."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
