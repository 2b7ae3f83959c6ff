"""Messaging Services: where the messages to their senders are sent.

Twilio: a service without `inbound_request_url` drops what comes in.
"""

from __future__ import annotations

from reconciler.api.library import MOST_RECORDS, PAGE_SIZE, Session, settings_of
from reconciler.api.ports import Receipt
from reconciler.api.retry import header
from reconciler.resource.live import LiveNumber, live_number
from reconciler.resource.settings import Settings

_WHAT = "Messaging Service"
_FIELDS = ("inbound_request_url", "inbound_method", "status_callback")


class MessagingServices:
    """Reads and updates services that exist. Raises ApiError."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._services = session.client.messaging.v1.services

    async def list(self) -> list[LiveNumber]:
        """Return every service."""
        records = self._services.list_async(limit=MOST_RECORDS, page_size=PAGE_SIZE)
        return [self._live(record) for record in await self._session.listed(records, _WHAT)]

    async def fetch(self, sid: str) -> LiveNumber:
        """Return one service as it is now."""
        return self._live(await self._services(sid).fetch_async())

    async def update(self, sid: str, settings: Settings) -> Receipt:
        """Store all managed fields in one request."""
        answer = await self._services(sid).update_with_http_info_async(**dict(settings.managed()))
        return Receipt(header(answer.headers, "Twilio-Request-Id"))

    def _live(self, record: object) -> LiveNumber:
        """Take over a record of the library, checked, with unset values as ""."""
        sid = self._session.required(record, "sid", _WHAT)
        return live_number(
            account=self._session.account,
            region=self._session.region,
            sid=sid,
            number=sid,
            stored=settings_of(record, _FIELDS),
        )
