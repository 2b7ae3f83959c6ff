"""Why Twilio does not place a call, in words that say what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.outbound.orders import DialRefused
from runtime.outbound.outcome import ACCOUNT_TROUBLE, INVALID_NUMBER, NOT_ALLOWED

if TYPE_CHECKING:
    from runtime.twilio_api import TwilioApiError

UNVERIFIED: Final = 21219
"""Twilio: a trial account calls numbers that are verified, and no others."""
TOO_MANY_REQUESTS: Final = 429

_WORDS: Final = {
    UNVERIFIED: "the account is a trial, which may only call verified numbers: verify this one in the Twilio "
    "console (Phone Numbers, Verified Caller IDs), or upgrade the account",
    21210: "the account neither owns nor has verified the number that calls",
    21211: "Twilio says that this is no number that can be called",
    21212: "Twilio says that the number that calls is none",
    21214: "Twilio cannot reach this number",
    21215: "the account may not call this country: allow it in the Twilio console (Voice, Geo permissions)",
    21216: "Twilio does not let this number be called",
    21217: "Twilio says that this is no number that can be called",
    20003: "Twilio does not accept the account's credentials",
    20005: "the account is not active: look at its balance in the Twilio console",
    10001: "the account is not active: look at its balance in the Twilio console",
}


def refused(error: TwilioApiError) -> DialRefused:
    """Return what a request to place a call has come to."""
    known = INVALID_NUMBER | NOT_ALLOWED | ACCOUNT_TROUBLE
    answered = error.status is not None and 400 <= error.status < 500
    permanent = error.code in known or (answered and error.status != TOO_MANY_REQUESTS)
    words = _WORDS.get(error.code or 0)
    message = str(error) if words is None else f"{words} (Twilio's error {error.code})"
    return DialRefused(error.code, message, permanent=permanent)


def unverified() -> DialRefused:
    """Return the refusal of a number that a trial account may not call."""
    return DialRefused(UNVERIFIED, _WORDS[UNVERIFIED], permanent=True)
