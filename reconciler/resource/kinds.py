"""The kinds of things in an account that are configured, told apart by the first letters of their SID."""

from __future__ import annotations

from enum import StrEnum


class Resource(StrEnum):
    """A kind of resource, named as in plans and reports."""

    INCOMING_PHONE_NUMBER = "incoming_phone_number"
    MESSAGING_SERVICE = "messaging_service"
    WHATSAPP_SENDER = "whatsapp_sender"


_BY_PREFIX = {
    "PN": Resource.INCOMING_PHONE_NUMBER,
    "MG": Resource.MESSAGING_SERVICE,
    "XE": Resource.WHATSAPP_SENDER,
}


def resource_of(sid: str) -> Resource:
    """Return what a SID names. Twilio: the first two letters of a SID tell its kind."""
    return _BY_PREFIX[sid[:2]]
