"""A Twilio account through the `twilio` library: phone numbers are listed, read and updated, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from reconciler.errors import ApiUnavailableError, ForbiddenRequestError
from reconciler.http_client import NumbersTransport
from reconciler.live import LiveNumber, live_number
from reconciler.retry import header
from reconciler.settings import Settings

PAGE_SIZE = 1000  # Twilio: the most that a list page may have
MOST_NUMBERS = 100_000  # a list that does not end is cut here

# The library falls back to the process's environment when this is empty, and would then let
# TWILIO_REGION or TWILIO_EDGE move every request to another region.
_NO_ENVIRONMENT = {"TWILIO_ENVIRONMENT_IS_NOT_READ": "true"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """How an account is signed in to in one region. `username` is the account SID or an API key."""

    account: str
    account_sid: str
    region: str
    edge: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(account={self.account!r}, region={self.region!r})"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an update came back with: Twilio's id of the request, for the journal."""

    request_id: str | None


class NumberReader(Protocol):
    """The port for reading: all numbers of one account in one region."""

    async def list_numbers(self) -> list[LiveNumber]:
        """Return every number."""
        ...

    async def fetch(self, sid: str) -> LiveNumber:
        """Return one number as it is now."""
        ...


class NumberWriter(NumberReader, Protocol):
    """The port for apply: reading, and updating a number that exists. There is no other verb."""

    async def update(self, sid: str, settings: Settings) -> Receipt:
        """Store all managed fields of `settings` in one request; `""` clears a field."""
        ...


class ReadableNumbers:
    """The IncomingPhoneNumbers of one account in one region, read only. Raises ApiError."""

    def __init__(self, credentials: Credentials, transport: NumbersTransport) -> None:
        self._credentials = credentials
        self._numbers = _client(credentials, transport).api.v2010.account.incoming_phone_numbers

    async def list_numbers(self) -> list[LiveNumber]:
        """Return every number, in pages of 1000."""
        try:
            records = await self._numbers.list_async(limit=MOST_NUMBERS, page_size=PAGE_SIZE)
        except (TwilioException, ForbiddenRequestError, LookupError, TypeError, AttributeError) as error:
            # The library trusts the shape of a page, and follows whatever next page it names.
            raise self._unexpected("the list of phone numbers") from error
        return [self._live(record) for record in records]

    async def fetch(self, sid: str) -> LiveNumber:
        """Return one number as it is now."""
        return self._live(await self._numbers(sid).fetch_async())

    def _live(self, record: object) -> LiveNumber:
        """Take over a record of the library, checked, with unset values as ""."""
        sid, number = getattr(record, "sid", None), getattr(record, "phone_number", None)
        if not isinstance(sid, str) or not isinstance(number, str):
            raise self._unexpected("a phone number")
        capabilities = getattr(record, "capabilities", None)
        return live_number(
            account=self._credentials.account,
            region=self._credentials.region,
            sid=sid,
            number=number,
            can_voice=not isinstance(capabilities, Mapping) or capabilities.get("voice") is not False,
            stored=_settings(record),
        )

    def _unexpected(self, what: str) -> ApiUnavailableError:
        return ApiUnavailableError(
            f"account {self._credentials.account!r}: {what} came in a form that Twilio does not use",
            hint="Does TM_TWILIO_API_URL name another server?",
        )


class WritableNumbers(ReadableNumbers):
    """The same, and a number that exists can be updated."""

    async def update(self, sid: str, settings: Settings) -> Receipt:
        """Store all managed fields in one request, so that no half state is ever answered with."""
        answer = await self._numbers(sid).update_with_http_info_async(**dict(settings.managed()))
        return Receipt(header(answer.headers, "Twilio-Request-Id"))


def _client(credentials: Credentials, transport: NumbersTransport) -> Client:
    """Make the library's client. Outside of us1, region and edge are both set: `api.ie1.…` is a dead host."""
    abroad = credentials.region != "us1"
    return Client(
        credentials.username,
        credentials.password,
        account_sid=credentials.account_sid,
        region=credentials.region if abroad else None,
        edge=credentials.edge if abroad else None,
        http_client=transport,
        environment=_NO_ENVIRONMENT,
        user_agent_extensions=["tm-phone-agents"],
    )


def _settings(record: object) -> Settings:
    """Return the managed fields of a record; Twilio's defaults where it says nothing."""

    def text(field: str, default: str = "") -> str:
        value = getattr(record, field, None)
        return value if isinstance(value, str) and value else default

    return Settings(
        voice_url=text("voice_url"),
        voice_method=text("voice_method", "POST"),
        voice_fallback_url=text("voice_fallback_url"),
        voice_fallback_method=text("voice_fallback_method", "POST"),
        status_callback=text("status_callback"),
        status_callback_method=text("status_callback_method", "POST"),
        voice_application_sid=text("voice_application_sid"),
        trunk_sid=text("trunk_sid"),
        friendly_name=text("friendly_name"),
        voice_caller_id_lookup=getattr(record, "voice_caller_id_lookup", None) is True,
    )
