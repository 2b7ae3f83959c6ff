"""How a message of ours fares: Twilio's statuses in their order, and what its errors mean.

Statuses arrive in any order and more than once, so one counts only when it is further on than what is known.
"""

from __future__ import annotations

from typing import Final

WAITING: Final = "waiting"
"""It is to be sent."""
TRYING: Final = "trying"
"""Twilio has been asked, and has not answered yet."""
FAILED: Final = "failed"
READ: Final = "read"
DELIVERED: Final = "delivered"
UNDELIVERED: Final = "undelivered"
CANCELED: Final = "canceled"
"""It was taken back before it was sent."""

OPTED_OUT: Final = 21610
OUTSIDE_WINDOW: Final = 63016

_RANKS: Final = {
    WAITING: 0,
    TRYING: 1,
    "accepted": 2,
    "scheduled": 2,
    "queued": 3,
    "sending": 4,
    "sent": 5,
    CANCELED: 6,
    UNDELIVERED: 6,
    FAILED: 6,
    "partially_delivered": 7,
    DELIVERED: 8,
    READ: 9,
}
_LOST: Final = frozenset((FAILED, UNDELIVERED, CANCELED))

# Twilio's error dictionary, in words for people who run agents.
_REASONS: Final = {
    21211: "the number is not valid",
    21408: "the account may not send to this country: allow it in Twilio's geographic permissions",
    21606: "the number that it is sent from cannot send messages",
    21608: "a trial account sends to verified numbers only",
    21610: "the contact has opted out with STOP",
    21611: "too many messages of this number wait to be sent",
    21612: "the number cannot be reached from this sender",
    21614: "the number is not a mobile number",
    21617: "the message is too long",
    30003: "the phone is switched off or unreachable",
    30004: "the contact has blocked messages",
    30005: "the number does not exist or is not in use",
    30006: "it is a landline, or its carrier cannot be reached",
    30007: "the carrier has filtered the message",
    63003: "there is no WhatsApp account with this number",
    63005: "WhatsApp has refused the content",
    63007: "the account has no WhatsApp sender of this address",
    63015: "the contact has not joined the WhatsApp sandbox",
    63016: "it is more than 24 hours since the contact wrote: WhatsApp takes nothing but a template then",
    63018: "WhatsApp takes no more messages from this sender at the moment",
    63024: "the contact cannot get messages by WhatsApp",
}


def further(status: str, known: str) -> bool:
    """Tell whether a status tells more than the one that is known; one that nobody knows tells nothing."""
    return _RANKS.get(status, -1) > _RANKS.get(known, -1)


def is_lost(status: str) -> bool:
    """Tell whether the contact is not going to get the message."""
    return status in _LOST


def has_arrived(status: str) -> bool:
    """Tell whether the contact's phone has it."""
    return status in (DELIVERED, READ)


def reason_of(error_code: int | None) -> str:
    """Return why a message was not delivered, for people."""
    if error_code is None:
        return "Twilio does not say why"
    reason = _REASONS.get(error_code)
    return f"error {error_code}" if reason is None else f"{reason} (error {error_code})"
