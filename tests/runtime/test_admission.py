"""Who is let in, by the number as the networks made it."""

from __future__ import annotations

import pytest

from runtime.admission import Admitted, AgentLimits, Refused, caller_number, country_code, decide

US, UK, ITALY = "+14155550100", "+442079460100", "+390655501000"


@pytest.mark.parametrize(
    ("caller", "called", "number"),
    [
        ("+14155550123", US, "+14155550123"),
        (" +1 (415) 555-0123 ", US, "+14155550123"),
        ("4155550123", US, "+14155550123"),
        ("14155550123", US, "+14155550123"),
        ("011442079460123", US, "+442079460123"),
        ("00442079460123", US, "+442079460123"),
        ("02079460123", UK, "+442079460123"),
        ("020 7946 0123", UK, "+442079460123"),
        ("0014155550123", UK, "+14155550123"),
        ("0655501234", ITALY, "+390655501234"),
        ("tel:+14155550123", US, "+14155550123"),
        ("4155550123", "client:front", "4155550123"),
        ("client:anna", US, "client:anna"),
        ("sip:+14155550123@example.com", US, "sip:+14155550123@example.com"),
    ],
)
def test_numbers_are_brought_into_one_form(caller: str, called: str, number: str) -> None:
    assert caller_number(caller, called) == number


@pytest.mark.parametrize("caller", ["", " ", "anonymous", "Anonymous", "Restricted", "+266696687", "unknown"])
def test_a_withheld_number_is_anonymous(caller: str) -> None:
    assert caller_number(caller, US) == "anonymous"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (US, "1"),
        (UK, "44"),
        ("+79991234567", "7"),
        ("+353861234567", "353"),
        ("sip:x", None),
        ("", None),
        ("+", None),
    ],
)
def test_the_country_of_a_number(number: str, code: str | None) -> None:
    assert country_code(number) == code


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
    decision = decide(AgentLimits(allowed_callers=allowed), caller, US, 0)
    assert isinstance(decision, Admitted) is admitted
    if not admitted:
        assert decision == Refused("not_allowed", "busy")


def test_a_call_too_many_gets_what_the_agent_declares() -> None:
    assert decide(AgentLimits(max_concurrent_calls=2), "+14155550123", US, 1) == Admitted("+14155550123")
    assert decide(AgentLimits(max_concurrent_calls=2), "+14155550123", US, 2) == Refused(
        "concurrent_limit", "busy"
    )
    message = AgentLimits(max_concurrent_calls=0, when_full="message")
    assert decide(message, "+14155550123", US, 0) == Refused("concurrent_limit", "message")


def test_who_may_not_call_learns_nothing_about_how_busy_the_agent_is() -> None:
    limits = AgentLimits(allowed_callers=(), max_concurrent_calls=0, when_full="message")
    assert decide(limits, "+14155550123", US, 0) == Refused("not_allowed", "busy")
