"""Callers as JSON."""

from __future__ import annotations

import pytest

from sandbox import HangUp, Interrupt, Listen, Press, Say, Wait
from sandbox.network.scripts import SCRIPTS, ScriptError, read_caller


def test_steps_are_read_in_order() -> None:
    steps = [
        {"listen": {"until_quiet_ms": 500, "at_most_s": 2.5}},
        {"say": "caller-menu"},
        {"interrupt": {"spoken": "caller-yes", "after_ms": 700}},
        {"wait": 100},
        {"press": "1#"},
        {"hang_up": {}},
    ]
    assert read_caller(steps) == (
        Listen(500, 2.5),
        Say("caller-menu"),
        Interrupt("caller-yes", after_ms=700),
        Wait(100),
        Press("1#"),
        HangUp(),
    )


def test_a_script_has_a_name() -> None:
    assert read_caller("book-a-table") == SCRIPTS["book-a-table"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("nobody", "book-a-table"),
        ([{"sing": "song"}], "sing"),
        ([{"say": "no-such-clip"}], "no-such-clip"),
        ([{"say": 7}], "say"),
        ([{"wait": "long"}], "wait"),
        ([{"listen": {"until": 1}}], "until"),
        ([{"wait": 1, "press": "1"}], "one key"),
        ([7], "one key"),
        (7, "list of steps"),
    ],
)
def test_a_caller_that_cannot_be_understood_is_explained(given: object, named: str) -> None:
    with pytest.raises(ScriptError, match=named):
        read_caller(given)
