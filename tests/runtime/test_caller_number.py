"""A caller's number as the networks made it, brought into one form."""

from __future__ import annotations

import pytest

from runtime.caller_number import caller_number

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
    ("caller", "called", "country", "number"),
    [
        ("02079460123", US, "GB", "+442079460123"),  # no number in the country that was called
        ("4155550123", US, "GB", "+14155550123"),  # one in both: the called number's country comes first
        ("020 7946 0123", "client:front", "gb", "+442079460123"),
        ("4155550123", "client:front", "XX", "4155550123"),
        ("3912345678", ITALY, None, "+393912345678"),
        ("12", US, "US", "12"),
        ("9" * 200, US, "US", "9" * 200),
    ],
)
def test_a_national_number_belongs_to_the_called_country_then_to_the_callers(
    caller: str, called: str, country: str | None, number: str
) -> None:
    assert caller_number(caller, called, country) == number
