"""List pages, each with a token and no key beyond the known ones.

The 2010-04-01 API names its neighbours by relative URIs beside the list; v1 and v2 have absolute URLs
under `meta`, whose `key` names the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from sandbox.account.errors import ApiError, invalid_parameter

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000


class Listed(Protocol):
    """A record that can stand in a list."""

    @property
    def sid(self) -> str:
        """The record's SID."""

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it."""


@dataclass(frozen=True, slots=True)
class _Page:
    """The part of a list that one request asks for."""

    number: int
    size: int
    start: int
    shown: Sequence[Listed]
    more: bool
    filters: Mapping[str, str]

    def at(self, base: str, number: int, **extra: str) -> str:
        """Return the address of a page of the same list under `base`."""
        return f"{base}?{urlencode({**self.filters, 'PageSize': self.size, 'Page': number, **extra})}"

    def following(self, base: str) -> str | None:
        """Return the address of the next page; its token holds the place even when records come or go."""
        return self.at(base, self.number + 1, PageToken=f"PA{self.shown[-1].sid}") if self.more else None

    def previous(self, base: str) -> str | None:
        """Return the address of the page before."""
        return self.at(base, self.number - 1) if self.number else None


def page(key: str, path: str, records: Sequence[Listed], query: Mapping[str, str]) -> dict[str, object]:
    """Return one page of `records` as the 2010-04-01 API answers it.

    `key` names the list, `path` is the list's path, `query` the request's parameters: `PageSize`
    (1 to 1000, 50 by default), `Page` from 0, and `PageToken` from the previous page. Raises ApiError.
    """
    part = _part(records, query)
    return {
        key: [record.json() for record in part.shown],
        "page": part.number,
        "page_size": part.size,
        "start": part.start,
        "end": part.start + max(len(part.shown) - 1, 0),
        "uri": part.at(path, part.number),
        "first_page_uri": part.at(path, 0),
        "next_page_uri": part.following(path),
        "previous_page_uri": part.previous(path),
    }


def meta_page(key: str, url: str, records: Sequence[Listed], query: Mapping[str, str]) -> dict[str, object]:
    """Return one page of `records` as the v1 and v2 APIs answer it; `url` is the list's. Raises ApiError."""
    part = _part(records, query)
    return {
        key: [record.json() for record in part.shown],
        "meta": {
            "page": part.number,
            "page_size": part.size,
            "first_page_url": part.at(url, 0),
            "previous_page_url": part.previous(url),
            "url": part.at(url, part.number),
            "next_page_url": part.following(url),
            "key": key,
        },
    }


def _part(records: Sequence[Listed], query: Mapping[str, str]) -> _Page:
    size = _number(query, "PageSize", DEFAULT_PAGE_SIZE)
    number = _number(query, "Page", 0)
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise invalid_parameter("PageSize", f"must be between 1 and {MAX_PAGE_SIZE}")
    start = _start(records, query.get("PageToken"), number * size)
    filters = {name: value for name, value in query.items() if name not in {"Page", "PageSize", "PageToken"}}
    return _Page(number, size, start, records[start : start + size], start + size < len(records), filters)


def _start(records: Sequence[Listed], token: str | None, otherwise: int) -> int:
    if not token:
        return otherwise
    for index, record in enumerate(records):
        if token == f"PA{record.sid}":
            return index + 1
    raise ApiError(400, 20001, "Invalid PageToken")


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, "")
    if not value:
        return default
    if not (value.isascii() and value.isdigit()):
        raise invalid_parameter(name, "must be a number")
    return int(value)
