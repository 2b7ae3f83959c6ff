"""Who is let in: decided at the webhook, from values, before any connection is opened for the call.

A caller's number arrives as the networks made it: E.164 as a rule, sometimes national, sometimes withheld. It
is brought into one form before it is compared. The rule for national forms is a simple one: a number without
a plus belongs to the country of the number that was called. In the North American plan 10 digits are a
number, 11 digits that begin with 1 are one with its country code; elsewhere one leading 0 is the trunk prefix
and is dropped (kept in Italy, San Marino and the Vatican, where it is part of the number). `00`, and `011` in
North America, stand for the plus.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

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
_TWO_DIGIT_CODES: Final = frozenset(
    str(code)
    for code in (
        *(20, 27, 36, 39, 40, 41, 81, 82, 84, 86, 98),
        *(*range(30, 35), *range(43, 50), *range(51, 59), *range(60, 67), *range(90, 96)),
    )
)
_KEEPS_ZERO: Final = frozenset({"39", "378", "379"})


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """Who may call an agent, and how many at once; None does not limit.

    `allowed_callers` are E.164 numbers, prefixes that end in `*`, or `anonymous`. `when_full` says what a
    caller too many gets: a busy tone, or the agent's fallback message.
    """

    allowed_callers: tuple[str, ...] | None = None
    max_concurrent_calls: int | None = None
    when_full: Literal["busy", "message"] = "busy"


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call is taken. `caller` is the number in E.164, or `anonymous`."""

    caller: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The call is not taken: why, and what the caller gets for it."""

    reason: Literal["not_allowed", "concurrent_limit"]
    how: Literal["busy", "message"]


Decision: TypeAlias = Admitted | Refused


def decide(limits: AgentLimits, caller: str, called: str, active_calls: int) -> Decision:
    """Decide on a call from `caller` to `called`, both as Twilio gave them.

    `active_calls` are the agent's calls that are being held now, without this one.
    """
    number = caller_number(caller, called)
    if not is_allowed(number, limits.allowed_callers):
        return Refused("not_allowed", "busy")
    if limits.max_concurrent_calls is not None and active_calls >= limits.max_concurrent_calls:
        return Refused("concurrent_limit", limits.when_full)
    return Admitted(number)


def is_allowed(number: str, allowed: tuple[str, ...] | None) -> bool:
    """Tell whether a normalised number is one of those allowed, or begins with an allowed prefix."""
    if allowed is None:
        return True
    return any(number.startswith(entry[:-1]) if entry.endswith("*") else number == entry for entry in allowed)


def caller_number(caller: str, called: str) -> str:
    """Return the caller in E.164, `anonymous` when withheld, or as it came when it is no phone number.

    Addresses of other kinds (`client:anna`, `sip:+14155550123@example.com`) stay as they are: anybody can
    write a number into one.
    """
    text = caller.strip()
    compact = _PUNCTUATION.sub("", text.removeprefix("tel:"))
    if compact.lower() in _WITHHELD:
        return ANONYMOUS
    if re.fullmatch(r"\+\d+", compact):
        return compact
    if not re.fullmatch(r"\d+", compact):
        return text
    return _international(compact, country_code(called))


def country_code(number: str) -> str | None:
    """Return the country calling code of an E.164 number, None for anything else."""
    digits = number.strip().removeprefix("+")
    if not number.strip().startswith("+") or not digits.isdecimal():
        return None
    if digits[0] in "17":
        return digits[0]
    return digits[:2] if digits[:2] in _TWO_DIGIT_CODES else digits[:3]


def _international(digits: str, country: str | None) -> str:
    """Return bare digits in E.164, seen from a country; from nowhere they can only stay as they are."""
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    if country is None:
        return digits
    if country == "1":
        if digits.startswith("011"):
            return f"+{digits[3:]}"
        return f"+{digits}" if len(digits) == 11 and digits[0] == "1" else f"+1{digits}"
    national = digits if country in _KEEPS_ZERO else digits.removeprefix("0")
    return f"+{country}{national}"
