"""Reading an API's server events in one pass, by the structure that holds the fields of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")


class _Head(msgspec.Struct):
    type: str


_HEAD: Final = msgspec.json.Decoder(_Head)


def reader_of(structure: type[T]) -> Callable[[str | bytes, frozenset[str]], T | None]:
    """Return what reads a message as this structure, given the types of events that matter.

    It returns None for an event whose fields have another form and whose type does not matter. It raises
    ValueError for what is not JSON, has no type, or is an event that matters, of the wrong form.
    """
    decode = msgspec.json.Decoder(structure).decode

    def read(message: str | bytes, known: frozenset[str]) -> T | None:
        try:
            return decode(message)
        except msgspec.ValidationError:
            if _HEAD.decode(message).type in known:
                raise
            return None

    return read
