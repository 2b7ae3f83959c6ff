"""Findings for people and for programs, and the progress of an examination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from reconciler.output.documents import FORMAT_VERSION, tool_version
from reconciler.output.printable import printable
from reconciler.preflight.finding import Finding, Verdict

_SIGNS = {Verdict.OK: ("✓", "green"), Verdict.WARNING: ("!", "yellow"), Verdict.FAILED: ("✗", "red")}


def findings_text(findings: Sequence[Finding]) -> Text:
    """Return findings by group, aligned, what to do below each that is not ok; a summary ends them."""
    text = Text()
    width = max((len(finding.check) for finding in findings), default=0)
    for group, members in groupby(findings, key=lambda finding: finding.group):
        text.append(printable(group), "bold").append("\n")
        for finding in members:
            _finding_lines(text, finding, width)
        text.append("\n")
    return text.append(summary_line(findings), "bold").append("\n")


def summary_line(findings: Sequence[Finding]) -> str:
    """Say how many checks ended how."""
    counts = Counter(finding.verdict for finding in findings)
    warnings = "1 warning" if counts[Verdict.WARNING] == 1 else f"{counts[Verdict.WARNING]} warnings"
    return f"{counts[Verdict.OK]} ok, {warnings}, {counts[Verdict.FAILED]} failed"


def findings_document(findings: Sequence[Finding], error: str | None = None) -> dict[str, object]:
    """Return the JSON document; `error` says why nothing could be examined."""
    counts = Counter(finding.verdict for finding in findings)
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version(),
        "findings": [
            {
                "group": finding.group,
                "check": finding.check,
                "verdict": finding.verdict.value,
                "found": finding.found,
                "advice": finding.advice or None,
            }
            for finding in findings
        ],
        "summary": {verdict.value: counts[verdict] for verdict in Verdict},
        "error": error,
    }


def _finding_lines(text: Text, finding: Finding, width: int) -> None:
    sign, style = _SIGNS[finding.verdict]
    text.append(f"  {sign} ", style).append(finding.check.ljust(width))
    text.append(f"  {printable(finding.found)}\n")
    if finding.advice:
        text.append(f"{' ' * (width + 6)}→ {printable(finding.advice)}\n", "dim")
