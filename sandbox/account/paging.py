"""List pages of the 2010-04-01 API: relative URIs, a page token, and no key beyond the known ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def page(key: str, path: str, records: Sequence[Listed], query: Mapping[str, str]) -> dict[str, object]:
    """Return one page of `records` as the API answers it.

    `key` names the list, `path` is the list's path, `query` the request's parameters: `PageSize`
    (1 to 1000, 50 by default), `Page` from 0, and `PageToken` from the previous page's
    `next_page_uri`, which holds the place even when records come or go. Raises ApiError.
    """
    size = _number(query, "PageSize", DEFAULT_PAGE_SIZE)
    number = _number(query, "Page", 0)
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise invalid_parameter("PageSize", f"must be between 1 and {MAX_PAGE_SIZE}")
    start = _start(records, query.get("PageToken"), number * size)
    shown = records[start : start + size]
    more = start + size < len(records)
    filters = {name: value for name, value in query.items() if name not in {"Page", "PageSize", "PageToken"}}

    def uri(at: int, **extra: str) -> str:
        return f"{path}?{urlencode({**filters, 'PageSize': size, 'Page': at, **extra})}"

    return {
        key: [record.json() for record in shown],
        "page": number,
        "page_size": size,
        "start": start,
        "end": start + max(len(shown) - 1, 0),
        "uri": uri(number),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1, PageToken=f"PA{shown[-1].sid}") if more else None,
        "previous_page_uri": uri(number - 1) if number else None,
    }


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
