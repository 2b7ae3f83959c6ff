"""When a campaign may call: days of the week such as `mon-fri`, windows such as `09:00-18:00`, time zones."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Final, TypeAlias

from pydantic import WithJsonSchema

from schemas import codes
from schemas.fields import text_check
from schemas.reading import problem, shown
from schemas.suggestions import did_you_mean

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MINUTES_OF_DAY: Final = 24 * 60

Minutes: TypeAlias = tuple[int, int]
"""A window of a day: minutes since its midnight, the second one exclusive."""
Week: TypeAlias = tuple[tuple[Minutes, ...], ...]
"""The windows of each day from Monday on, in order and apart from each other."""

_DAY = f"({'|'.join(DAYS)})"
_DAYS_PATTERN = f"^{_DAY}(-{_DAY})?$"
_TIME = r"([01]?\d|2[0-3]):([0-5]\d)"
_WINDOW_PATTERN = rf"^{_TIME}-({_TIME}|24:00)$"

_DAYS = re.compile(_DAYS_PATTERN.replace("$", r"\Z"), re.ASCII)
_WINDOW = re.compile(_WINDOW_PATTERN.replace("$", r"\Z"), re.ASCII)


def _days(text: str) -> str:
    if not _DAYS.match(text):
        hint = did_you_mean(text, DAYS)
        raise problem(codes.BAD_VALUE, f"expected days such as mon-fri or sat, got {shown(text)}{hint}")
    return text


def _window(text: str) -> str:
    if not _WINDOW.match(text):
        raise problem(codes.BAD_VALUE, f"expected a window such as 09:00-18:00, got {shown(text)}")
    start, end = minutes(text)
    if start >= end:
        message = f"a window ends after its beginning, on the same day; got {shown(text)}"
        raise problem(codes.BAD_VALUE, message)
    return text


def _time_zone(text: str) -> str:
    if not is_time_zone(text):
        hint = did_you_mean(text, _time_zones())
        raise problem(codes.BAD_VALUE, f"expected a time zone such as Europe/Berlin, got {shown(text)}{hint}")
    return text


DayRange = Annotated[str, text_check(_days), WithJsonSchema({"type": "string", "pattern": _DAYS_PATTERN})]
Window = Annotated[str, text_check(_window), WithJsonSchema({"type": "string", "pattern": _WINDOW_PATTERN})]
TimeZone = Annotated[str, text_check(_time_zone), WithJsonSchema({"type": "string", "minLength": 1})]


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def is_time_zone(name: str) -> bool:
    """Tell whether there is a time zone of that name."""
    return name in _time_zones()


def minutes(window: str) -> Minutes:
    """Return a window's beginning and end in minutes since midnight."""
    (start_hour, start_minute), (end_hour, end_minute) = (time.split(":") for time in window.split("-"))
    return int(start_hour) * 60 + int(start_minute), int(end_hour) * 60 + int(end_minute)


def by_day(hours: Mapping[str, Iterable[str]]) -> Week:
    """Return the windows of each day; a day that is named twice has the windows of both."""
    windows: list[list[Minutes]] = [[] for _ in DAYS]
    for days, texts in hours.items():
        for day in _weekdays(days):
            windows[day] += map(minutes, texts)
    return tuple(_joined(each) for each in windows)


def _weekdays(days: str) -> list[int]:
    first, _, last = days.partition("-")
    start = DAYS.index(first)
    count = (DAYS.index(last) - start) % len(DAYS) if last else 0
    return [(start + offset) % len(DAYS) for offset in range(count + 1)]


def _joined(windows: Iterable[Minutes]) -> tuple[Minutes, ...]:
    """Return windows in order; those that touch or overlap have become one."""
    joined: list[Minutes] = []
    for start, end in sorted(windows):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
