"""Rules about an agent's variables, and about the places for them in what it is told and says."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from schemas import codes
from schemas.agent import Agent
from schemas.places import Diagnostic, Place
from schemas.source import SourceMap
from schemas.suggestions import did_you_mean, listed
from schemas.templates import names_in


def check_variables(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    """Yield what is wrong with the variables of an agent, and each place for one that it does not have."""
    for name, variable in agent.variables.items():
        if variable.required and variable.default:
            message = f"{name} is required, so its default is never used"
            place = source.place_of(("variables", name, "default"))
            yield Diagnostic("error", codes.BAD_VALUE, message, place)
    for field in ("instructions", "greeting"):
        yield from check_places(getattr(agent, field), agent.variables, source.place_of((field,)))


def check_places(text: str | None, variables: Collection[str], place: Place) -> Iterator[Diagnostic]:
    """Yield each `{{ name }}` in a text at `place` that stands for none of the variables.

    Where there are no variables at all, it may be braces that are meant: they are said as they stand.
    """
    for name in sorted(names_in(text) - set(variables)):
        if variables:
            hint = did_you_mean(name, variables) or f"; there are {listed(variables, 'and')}"
            message = f"{{{{ {name} }}}} stands for no variable{hint}"
            yield Diagnostic("error", codes.BAD_VALUE, message, place)
        else:
            message = f"{{{{ {name} }}}} is said as it stands; to have it filled in, declare it in variables"
            yield Diagnostic("warning", codes.BAD_VALUE, message, place)
