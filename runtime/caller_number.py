"""A caller's number in one form, whatever the networks made of it: before numbers are compared or kept.

It arrives in E.164 as a rule, sometimes in national form, sometimes withheld. A national number is read by
the numbering plan of the country that was called; where it cannot be a number there, by that of the country
that the carrier names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

ANONYMOUS: Final = "anonymous"

# What Twilio gives for a caller who withholds the number: words, and these words dialled on a keypad.
_WITHHELD: Final = frozenset(
    {
        "",
        "anonymous",
        "blocked",
        "private",
        "restricted",
        "unavailable",
        "unknown",
        "+266696687",  # ANONYMOUS
        "+2562533",  # BLOCKED
        "+7378742833",  # RESTRICTED
        "+8656696",  # UNKNOWN
        "+86282452253",  # UNAVAILABLE
    }
)
_PUNCTUATION: Final = re.compile(r"[\s().\-/]")
_LONGEST: Final = 40  # digits; nothing longer is a number in any form


def caller_number(caller: str, called: str, country: str | None = None) -> str:
    """Return the caller in E.164, `anonymous` when withheld, or as it came when it is no phone number.

    `called` is the number that was called, `country` the ISO code that the carrier gave for the caller.
    Addresses of other kinds (`client:anna`, `sip:+14155550123@example.com`) stay as they are: anybody can
    write a number into one.
    """
    text = caller.strip()
    compact = _PUNCTUATION.sub("", text.removeprefix("tel:"))
    if compact.lower() in _WITHHELD:
        return ANONYMOUS
    if re.fullmatch(r"\+[0-9]+", compact):
        return compact
    if not re.fullmatch(r"[0-9]+", compact) or len(compact) > _LONGEST:
        return text
    return _international(compact, list(_countries(called, country)))


def _countries(called: str, country: str | None) -> Iterator[str]:
    """Yield the ISO codes of the countries whose form the number may have, the likeliest first."""
    try:
        number = phonenumbers.parse(called)
    except NumberParseException:
        pass
    else:
        exact = phonenumbers.region_code_for_number(number)
        yield exact or phonenumbers.region_code_for_country_code(number.country_code or 0)
    if country is not None:
        yield country.upper()


def _international(digits: str, countries: list[str]) -> str:
    """Return bare digits in E.164, seen from the first country where they are a number.

    Digits that are none anywhere still get the form that they would have in the first country where their
    length is right; from nowhere they can only stay as they are.
    """
    readings = [number for country in countries if (number := _read(digits, country)) is not None]
    for fits in (phonenumbers.is_valid_number, phonenumbers.is_possible_number):
        for number in readings:
            if fits(number):
                return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _read(digits: str, country: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(digits, country)
    except NumberParseException:
        return None
