"""One loading of a fleet: what references are resolved with, and everything found on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic_core import PydanticCustomError

from schemas.places import Diagnostic
from schemas.references import Resolved, Unresolved, UnresolvedReference, problems, resolve
from schemas.source import Reference


def problem(code: str, message: str) -> PydanticCustomError:
    """Return the error for a validator to raise: a diagnostic's code and its finished sentence."""
    return PydanticCustomError(code, "{text}", {"text": message})


def shown(value: object) -> str:
    """Return a value as messages name it: short, and without what came out of a reference."""
    if isinstance(value, Resolved):
        return f"the value of {value.origin}"
    if isinstance(value, str):
        return f'text "{value if len(value) <= 40 else value[:39] + "…"}"'
    if isinstance(value, Reference):
        return "a reference"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return "nothing" if value is None else str(value)


@dataclass(slots=True)
class Reading:
    """One loading of a fleet: what references are resolved with, and everything found on the way.

    With `offline` a reference that points to nothing is a warning, and its text stays in place of
    the value; else it is an error.
    """

    environ: Mapping[str, str]
    offline: bool
    findings: list[Diagnostic] = field(default_factory=list)

    def text(self, reference: Reference) -> Resolved | Unresolved:
        """Return what the reference yields, or its own text after reporting that it yields nothing."""
        try:
            return Resolved.of(resolve(reference, self.environ), reference.text)
        except UnresolvedReference:
            self.findings += problems(reference, self.environ, missing_is_error=not self.offline)
            return Unresolved(reference.text)

    def note_secret(self, reference: Reference) -> None:
        """Warn of a secret that is not at hand; it becomes an error only when it is needed."""
        if self.offline and not reference.announced:
            self.findings += problems(reference, self.environ, missing_is_error=False)
