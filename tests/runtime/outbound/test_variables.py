"""What an outbound call is told."""

from __future__ import annotations

import pytest

from runtime.outbound.variables import BadVariables, complete, filled_in
from schemas.variables import Variable

DECLARED = {"name": Variable(required=True), "date": Variable(default="soon")}


def test_what_is_not_given_is_the_default() -> None:
    assert complete(DECLARED, {"name": "Ana"}) == {"name": "Ana", "date": "soon"}
    assert complete(DECLARED, {"name": "Ana", "date": ""}) == {"name": "Ana", "date": "soon"}
    assert complete({}, {}) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "^name is needed"),
        ({"name": ""}, "^name is needed"),
        ({"name": "Ana", "dat": "x"}, 'no variable "dat"; did you mean "date"?'),
        ({"name": "Ana", "colour": "x"}, "there are name and date"),
        ({"name": "a" * 4001}, "name has 4001 characters; 4000 is the most"),
    ],
)
def test_a_call_without_what_its_agent_needs_is_refused_in_words(given: dict[str, str], message: str) -> None:
    with pytest.raises(BadVariables, match=message.replace("?", r"\?")):
        complete(DECLARED, given)


def test_an_agent_without_variables_takes_none() -> None:
    with pytest.raises(BadVariables, match="the agent declares none"):
        complete({}, {"name": "Ana"})


def test_what_stands_in_a_value_is_not_filled_in_again() -> None:
    variables = {"name": "{{ date }}", "date": "today"}
    assert filled_in("{{name}}, {{ date }}, {{ other }}", variables) == "{{ date }}, today, {{ other }}"
