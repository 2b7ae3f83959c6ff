"""Who is let in."""

from __future__ import annotations

import pytest

from runtime.admission import Admitted, AgentLimits, Refused, decide
from runtime.caller_number import caller_number

US = "+14155550100"


@pytest.mark.parametrize(
    ("allowed", "caller", "admitted"),
    [
        (None, "+14155550123", True),
        (None, "", True),
        ((), "+14155550123", False),
        (("+14155550123",), "4155550123", True),
        (("+14155550123",), "+14155550124", False),
        (("+1415*",), "+14155559999", True),
        (("+1415*",), "+14165559999", False),
        (("+1415*",), "anonymous", False),
        (("anonymous",), "", True),
        (("+1415*", "+442079460123"), "+442079460123", True),
    ],
)
def test_the_whitelist(allowed: tuple[str, ...] | None, caller: str, admitted: bool) -> None:
    decision = decide(AgentLimits(allowed_callers=allowed), caller_number(caller, US), 0)
    assert isinstance(decision, Admitted) is admitted
    if not admitted:
        assert decision == Refused("not_allowed", "busy")


def test_a_call_too_many_gets_what_the_agent_declares() -> None:
    assert decide(AgentLimits(max_concurrent_calls=2), "+14155550123", 1) == Admitted()
    assert decide(AgentLimits(max_concurrent_calls=2), "+14155550123", 2) == Refused(
        "concurrent_limit", "busy"
    )
    message = AgentLimits(max_concurrent_calls=0, when_full="message")
    assert decide(message, "+14155550123", 0) == Refused("concurrent_limit", "message")


def test_who_may_not_call_learns_nothing_about_how_busy_the_agent_is() -> None:
    limits = AgentLimits(allowed_callers=(), max_concurrent_calls=0, when_full="message")
    assert decide(limits, "+14155550123", 0) == Refused("not_allowed", "busy")
