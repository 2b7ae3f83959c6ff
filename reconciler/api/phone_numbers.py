"""IncomingPhoneNumbers of one account in one region: their webhooks, which every region has its own of."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.api.library import MOST_RECORDS, PAGE_SIZE, Session, settings_of
from reconciler.api.ports import Receipt
from reconciler.api.retry import header
from reconciler.resource.live import LiveNumber, live_number
from reconciler.resource.settings import SMS_FIELDS, Settings

_WHAT = "phone number"
_FIELDS = (
    "voice_url",
    "voice_method",
    "voice_fallback_url",
    "voice_fallback_method",
    "status_callback",
    "status_callback_method",
    "voice_application_sid",
    "trunk_sid",
    "friendly_name",
    "voice_caller_id_lookup",
    *SMS_FIELDS,
)


class PhoneNumbers:
    """Reads and updates numbers that exist. Raises ApiError."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._numbers = session.client.api.v2010.account.incoming_phone_numbers

    async def list(self) -> list[LiveNumber]:
        """Return every number, in pages of 1000."""
        records = self._numbers.list_async(limit=MOST_RECORDS, page_size=PAGE_SIZE)
        return [self._live(record) for record in await self._session.listed(records, _WHAT)]

    async def fetch(self, sid: str) -> LiveNumber:
        """Return one number as it is now."""
        return self._live(await self._numbers(sid).fetch_async())

    async def update(self, sid: str, settings: Settings) -> Receipt:
        """Store all managed fields in one request, so that no half state is ever answered with."""
        answer = await self._numbers(sid).update_with_http_info_async(**dict(settings.managed()))
        return Receipt(header(answer.headers, "Twilio-Request-Id"))

    def _live(self, record: object) -> LiveNumber:
        """Take over a record of the library, checked, with unset values as "".

        Raises WrongAccountError for a number of another account: credentials, a proxy or
        TM_TWILIO_API_URL then lead somewhere else than the declarations say.
        """
        self._session.require_own(record, _WHAT)
        capabilities = getattr(record, "capabilities", None)
        return live_number(
            account=self._session.account,
            region=self._session.region,
            sid=self._session.required(record, "sid", _WHAT),
            number=self._session.required(record, "phone_number", _WHAT),
            can_voice=not isinstance(capabilities, Mapping) or capabilities.get("voice") is not False,
            stored=settings_of(record, _FIELDS),
        )
