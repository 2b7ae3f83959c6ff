"""Where a value stands in the declarations, and what is wrong with it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a YAML file: `file` as the user would type it, `line` and `column` from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding of the loader: `code` is stable (`TM001`…) and documented in docs/errors.md."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    place: Place | None

    def __str__(self) -> str:
        where = f"{self.place} " if self.place else ""
        return f"{where}{self.code} {self.message}"
