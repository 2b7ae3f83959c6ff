"""The variables of an outbound call: what it was told, against what its agent declares."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.suggestions import did_you_mean, listed
from schemas.templates import PLACE
from schemas.variables import Variable

MOST_CHARACTERS = 4000


class BadVariables(ValueError):
    """Variables with which no call is placed; the message says which, for people."""


def complete(declared: Mapping[str, Variable], given: Mapping[str, str]) -> dict[str, str]:
    """Return every declared variable: as it was given, else its default.

    An empty text counts as not given. Raises `BadVariables`.
    """
    unknown = [name for name in given if name not in declared]
    if unknown:
        hint = did_you_mean(unknown[0], declared) or (
            f"; there are {listed(declared, 'and')}" if declared else "; the agent declares none"
        )
        raise BadVariables(f'there is no variable "{unknown[0]}"{hint}')
    missing = [name for name, each in declared.items() if each.required and not given.get(name)]
    if missing:
        raise BadVariables(f"{listed(missing, 'and')} {'are' if len(missing) > 1 else 'is'} needed")
    for name, value in given.items():
        if len(value) > MOST_CHARACTERS:
            raise BadVariables(f"{name} has {len(value)} characters; {MOST_CHARACTERS} is the most")
    return {name: given.get(name) or each.default for name, each in declared.items()}


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with each `{{ name }}` replaced that stands for a variable; others stay as they are."""
    return PLACE.sub(lambda place: variables.get(place[1], place[0]), text)
