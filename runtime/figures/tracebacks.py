"""Tracebacks for a log that content has no business in: where and what kind, not in which words.

An error's own words repeat what it met: a number that could not be parsed, the key that was missing in what a
caller said. Frames and types lead to a bug as well; local variables are never shown.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import TypeAlias

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

CAUSED: str = "\nwhich led to\n\n"


def where_it_broke(exc_info: ExcInfo) -> str:
    """Return frames and types of an error, its causes before it and those of a group behind it."""
    return _told(exc_info[1], set())


def in_its_words(exc_info: ExcInfo) -> str:
    """Return the traceback as Python prints it, for somebody who has asked to see everything."""
    return "".join(traceback.format_exception(exc_info[1])).rstrip("\n")


def _told(error: BaseException, seen: set[int]) -> str:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{_told(cause, seen)}{CAUSED}" if cause is not None and id(cause) not in seen else ""
    kind = type(error)
    lines = [*traceback.format_tb(error.__traceback__), f"{kind.__module__}.{kind.__qualname__}"]
    if isinstance(error, BaseExceptionGroup):
        inner = [each for each in error.exceptions if id(each) not in seen]
        lines += [f"\none of {len(error.exceptions)}:\n\n{_told(each, seen)}" for each in inner]
    return before + "".join(lines)
