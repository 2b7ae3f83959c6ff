"""WhatsApp senders: JSON in and out, and updates that settle some time after they were accepted.

Twilio: an update is answered with 202; until the sender's status is no longer `ONLINE:UPDATING` its
record may still show the former values. It does not say whether a part of `webhook` that is left out
stays as it is, so the whole of it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from twilio.rest.messaging.v2.channels_sender import ChannelsSenderInstance, ChannelsSenderList

from reconciler.api.errors import ApiError
from reconciler.api.library import MOST_RECORDS, PAGE_SIZE, Session, settings_of
from reconciler.api.ports import Receipt
from reconciler.api.retry import header
from reconciler.resource.live import LiveNumber, live_number
from reconciler.resource.settings import Settings

SETTLING_SECONDS = (0.25, 0.5, 1.0, 2.0, 2.0, 4.0, 4.0, 8.0, 8.0)
"""The waits between looks at a sender that is still being updated: half a minute in all."""

_FIELDS = ("callback_url", "callback_method", "status_callback_url")
_UPDATING = "ONLINE:UPDATING"
_CHANNEL = "whatsapp"
_WHAT = "WhatsApp sender"


class WhatsAppSenders:
    """Reads and updates senders that exist. Raises ApiError. `sleep` is replaceable for tests."""

    def __init__(self, session: Session, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._session = session
        self._senders = session.client.messaging.v2.channels_senders
        self._sleep = sleep

    async def list(self) -> list[LiveNumber]:
        """Return every sender of WhatsApp's channel."""
        records = self._senders.list_async(channel=_CHANNEL, limit=MOST_RECORDS, page_size=PAGE_SIZE)
        return [self._live(record) for record in await self._session.listed(records, _WHAT)]

    async def fetch(self, sid: str) -> LiveNumber:
        """Return one sender as it is once what was sent to it has settled."""
        return self._live(await self._settled(sid))

    async def update(self, sid: str, settings: Settings) -> Receipt:
        """Store all managed fields in one request, and wait until they have settled."""
        now = await self._settled(sid)
        webhook = {**self._webhook(now), **dict(settings.managed())}
        form = ChannelsSenderList.MessagingV2ChannelsSenderRequestsUpdate({"webhook": webhook})
        answer = await self._senders(sid).update_with_http_info_async(form)
        await self._settled(sid)
        return Receipt(header(answer.headers, "Twilio-Request-Id"))

    async def _settled(self, sid: str) -> ChannelsSenderInstance:
        """Return the sender once no update of it is under way. Raises ApiError when that takes too long."""
        for seconds in (*SETTLING_SECONDS, None):
            sender = await self._senders(sid).fetch_async()
            if sender.status != _UPDATING:
                return sender
            if seconds is not None:
                await self._sleep(seconds)
        raise ApiError(
            f"account {self._session.account!r}: Twilio accepted the update of sender {sid}, which is still"
            f" {_UPDATING} after {sum(SETTLING_SECONDS):.0f} s",
            hint="Plan again in a while: it shows what was stored.",
        )

    def _live(self, record: object) -> LiveNumber:
        """Take over a record of the library, checked, with unset values as ""."""
        sender_id = self._session.required(record, "sender_id", _WHAT)
        return live_number(
            account=self._session.account,
            region=self._session.region,
            sid=self._session.required(record, "sid", _WHAT),
            number=sender_id.removeprefix(f"{_CHANNEL}:"),
            stored=settings_of(self._webhook(record), _FIELDS),
        )

    def _webhook(self, record: object) -> dict[str, object]:
        """Return what a sender's webhook holds, unset parts left out.

        The library says that it is an object, and leaves it the mapping that came.
        """
        held: object = getattr(record, "webhook", None) or {}
        if not isinstance(held, Mapping):
            raise self._session.unexpected(f"the webhook of a {_WHAT}")
        return {field: value for field, value in held.items() if value is not None}
