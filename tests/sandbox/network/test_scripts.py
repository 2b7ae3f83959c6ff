"""Callers as JSON."""

from __future__ import annotations

import pytest

from sandbox import HangUp, Interrupt, Listen, Press, Say, Wait
from sandbox.network.phones import Phone, voicemail
from sandbox.network.scripts import SCRIPTS, ScriptError, read_caller, read_faults, read_phone
from sandbox.network.stream_faults import StreamFaults


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


def test_stream_faults_and_phones_are_read_by_their_fields() -> None:
    assert read_faults({"gap_ms": [100, 200], "loss": 0.1}) == StreamFaults(gap_ms=(100, 200), loss=0.1)
    phone = read_phone({"outcome": "busy", "ring_ms": 10, "who": "fax"})
    assert phone == Phone(outcome="busy", ring_ms=10, who="fax")
    assert read_phone({"caller": [{"press": "1"}]}).caller == (Press("1"),)
    assert read_phone({"voicemail": "agent-hello"}) == voicemail("agent-hello")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"outcome": "sings"}, "sings"),
        ({"ring": 1}, "ring"),
        ({"caller": "nobody"}, "book-a-table"),
        ({"voicemail": "no-such-clip"}, "no-such-clip"),
        (7, "object"),
    ],
)
def test_a_phone_that_cannot_be_understood_is_explained(given: object, named: str) -> None:
    with pytest.raises(ScriptError, match=named):
        read_phone(given)


def test_faults_that_cannot_be_understood_are_explained() -> None:
    with pytest.raises(ScriptError, match="jitter"):
        read_faults({"jitter": 1})
    with pytest.raises(ScriptError, match="loss"):
        read_faults({"loss": "much"})
