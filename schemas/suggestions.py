"""Spelling suggestions."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(written: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean "…"?` for the closest candidate, or nothing when none is close."""
    by_lower_case = {candidate.lower(): candidate for candidate in candidates}
    close = get_close_matches(written.lower(), by_lower_case, n=1, cutoff=0.6)
    return f'; did you mean "{by_lower_case[close[0]]}"?' if close else ""


def listed(names: Iterable[str], last: str = "or") -> str:
    """Return names as a person lists them: `a, b or c`."""
    *most, final = names
    return f"{', '.join(most)} {last} {final}" if most else final
