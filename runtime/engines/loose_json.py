"""JSON of servers that keep to a protocol in their own way: a field is read when it is needed, as what it is.

A field of another type than the one that is wanted counts as absent; it must not cost a caller the answer
that stands beside it.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

ABSENT: Final = msgspec.Raw(b"null")
"""What a field is that does not come."""
_Fields = TypeVar("_Fields", bound=msgspec.Struct)


def object_of(raw: msgspec.Raw, fields: type[_Fields]) -> _Fields:
    """Return the fields of an object, all of them absent where it is none."""
    try:
        return msgspec.json.decode(raw, type=fields)
    except (ValueError, RecursionError):
        return fields()


def list_of(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the entries of a list, none where it is none."""
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (ValueError, RecursionError):
        return []


def string_of(raw: msgspec.Raw) -> str:
    """Return a text, an empty one for anything else."""
    try:
        return msgspec.json.decode(raw, type=str)
    except (ValueError, RecursionError):
        return ""


def text_of(raw: msgspec.Raw) -> str:
    """Return a text, anything else but null as the JSON that it is."""
    written = bytes(raw).decode()
    return string_of(raw) or ("" if written in ("null", '""') else written)


def number_of(raw: msgspec.Raw) -> int | None:
    """Return a whole number, None for anything else."""
    try:
        return msgspec.json.decode(raw, type=int)
    except (ValueError, RecursionError):
        return None
