"""Changes that can be made to declarations in place, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from schemas.errors import TmError

Values = Mapping[str, str | bool]
"""Fields of a number entry, such as `friendly_name`, with what they are to be."""


class CannotEdit(TmError):
    """The change cannot be made without changing something else as well; the text stays as it is."""


@dataclass(frozen=True, slots=True)
class SetValues:
    """Sets fields of one number entry of an agent; a shorthand entry is spelled out."""

    agent: str
    number: str
    values: Values


@dataclass(frozen=True, slots=True)
class AddNumbers:
    """Adds entries (each with its `number`) to an agent that has `known` numbers so far."""

    agent: str
    entries: Sequence[Values]
    known: int


Edit = SetValues | AddNumbers
EditT = TypeVar("EditT", bound=Edit)
