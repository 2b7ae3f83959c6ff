"""A Twilio account in one region, through the `twilio` library: its ports, put together.

Phone numbers, Messaging Services and WhatsApp senders each have a reader and writer of their own; the SID
says which one is meant.
"""

from __future__ import annotations

from reconciler.api.http_client import NumbersTransport
from reconciler.api.library import Credentials, session_for
from reconciler.api.messaging import MessagingServices
from reconciler.api.phone_numbers import PhoneNumbers
from reconciler.api.ports import Receipt, ResourceWriter
from reconciler.api.routes import Routes
from reconciler.api.senders import WhatsAppSenders
from reconciler.resource.kinds import Resource, resource_of
from reconciler.resource.live import LiveNumber
from reconciler.resource.settings import Settings


class ReadableAccount:
    """What one account has in one region, read only. Raises ApiError."""

    def __init__(self, credentials: Credentials, transport: NumbersTransport) -> None:
        session = session_for(credentials, transport)
        self._numbers = PhoneNumbers(session)
        self._services = MessagingServices(session)
        self._senders = WhatsAppSenders(session)
        self._routes = Routes(session)

    async def list_numbers(self) -> list[LiveNumber]:
        """Return every number, in pages of 1000."""
        return await self._numbers.list()

    async def list_messaging(self) -> list[LiveNumber]:
        """Return every Messaging Service and every WhatsApp sender."""
        return [*await self._services.list(), *await self._senders.list()]

    async def fetch(self, sid: str) -> LiveNumber:
        """Return what a SID names, as it is now."""
        return await self._resource(sid).fetch(sid)

    async def route(self, number: str) -> str:
        """Return the region that the calls of a number (E.164) are routed to."""
        return await self._routes.fetch(number)

    def _resource(self, sid: str) -> ResourceWriter:
        match resource_of(sid):
            case Resource.INCOMING_PHONE_NUMBER:
                return self._numbers
            case Resource.MESSAGING_SERVICE:
                return self._services
            case Resource.WHATSAPP_SENDER:
                return self._senders


class WritableAccount(ReadableAccount):
    """The same, and what exists can be updated and routed."""

    async def update(self, sid: str, settings: Settings) -> Receipt:
        """Store all managed fields of `settings` in one request; `""` clears a field."""
        return await self._resource(sid).update(sid, settings)

    async def reroute(self, number: str, region: str) -> Receipt:
        """Have the calls of a number (E.164) processed in a region."""
        return await self._routes.update(number, region)
