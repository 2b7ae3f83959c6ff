"""Who of an account sends and receives messages: numbers, WhatsApp senders, and the services they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.account.account import Account
    from sandbox.account.messaging import MessagingService


def sender_of(account: Account, sid: str) -> str | None:
    """Return the address of a service's member: `whatsapp:+1…` of a sender, `+1…` of a number."""
    sender = account.senders.get(sid)
    if sender is not None:
        return sender.sender_id
    number = account.find(sid)
    return number.phone_number if number is not None else None


def service_with(account: Account, address: str) -> MessagingService | None:
    """Return the Messaging Service that a number or sender is a member of."""
    for service in account.messaging_services.values():
        members = (*service.phone_numbers, *service.channel_senders)
        if any(sender_of(account, sid) == address for sid in members):
            return service
    return None
