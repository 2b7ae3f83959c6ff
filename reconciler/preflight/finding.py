"""A finding: what one check came to, in words for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended. A warning is something to know; a failure is something that calls will notice."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of the check `check` of the subject `group`; `advice` says what to do unless it is ok."""

    group: str
    check: str
    verdict: Verdict
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined, such as `agent front-desk`: makes its findings."""

    name: str

    def ok(self, check: str, found: str) -> Finding:
        """Return a finding that needs nothing done."""
        return Finding(self.name, check, Verdict.OK, found)

    def warning(self, check: str, found: str, advice: str) -> Finding:
        """Return a finding that does not keep calls from being answered."""
        return Finding(self.name, check, Verdict.WARNING, found, advice)

    def failed(self, check: str, found: str, advice: str) -> Finding:
        """Return a finding that keeps calls from being answered."""
        return Finding(self.name, check, Verdict.FAILED, found, advice)


def first_failure(findings: Iterable[Finding]) -> Finding | None:
    """Return the first failed finding, or None."""
    return next((finding for finding in findings if finding.verdict is Verdict.FAILED), None)
