"""What is peculiar to the `twilio` library: how its client is made, and how its records are trusted."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from reconciler.api.errors import ApiUnavailableError, ForbiddenRequestError, WrongAccountError
from reconciler.api.http_client import NumbersTransport
from reconciler.resource.defaults import FIELDS, HOME_REGION
from reconciler.resource.settings import Settings, Value

PAGE_SIZE = 1000  # Twilio: the most that a list page may have
MOST_RECORDS = 100_000  # a list that does not end is cut here

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
class Session:
    """The library's client for one account (its name in the declarations) in one region."""

    client: Client
    account: str
    region: str

    async def listed(self, records: Awaitable[Sequence[object]], what: str) -> Sequence[object]:
        """Return a list that the library reads. Raises ApiError, also for pages of another shape."""
        try:
            return await records
        except (TwilioException, ForbiddenRequestError, LookupError, TypeError, AttributeError) as error:
            # The library trusts the shape of a page, and follows whatever next page it names.
            raise self.unexpected(f"the list of {what}s") from error

    def required(self, record: object, field: str, what: str) -> str:
        """Return a text that every record has. Raises ApiUnavailableError where it is missing."""
        value = getattr(record, field, None)
        if not isinstance(value, str):
            raise self.unexpected(f"a {what}")
        return value

    def require_own(self, record: object, what: str) -> None:
        """Raise WrongAccountError unless a record belongs to the declared account, if it says to whom."""
        owner, own = getattr(record, "account_sid", None), self.client.account_sid
        if isinstance(owner, str) and owner != own:
            raise WrongAccountError(
                f"account {self.account!r} is declared as {own}, but a {what} in it belongs to {owner}",
                hint="Check account_sid, the credentials and TM_TWILIO_API_URL.",
            )

    def unexpected(self, what: str) -> ApiUnavailableError:
        """Return the error for an answer that is not Twilio's."""
        return ApiUnavailableError(
            f"account {self.account!r}: {what} came in a form that Twilio does not use",
            hint="Does TM_TWILIO_API_URL name another server?",
        )


def session_for(credentials: Credentials, transport: NumbersTransport) -> Session:
    """Make the library's client. Outside of us1, region and edge are both set: `api.ie1.…` is a dead host."""
    abroad = credentials.region != HOME_REGION
    client = Client(
        credentials.username,
        credentials.password,
        account_sid=credentials.account_sid,
        region=credentials.region if abroad else None,
        edge=credentials.edge if abroad else None,
        http_client=transport,
        environment=_NO_ENVIRONMENT,
        user_agent_extensions=["tm-phone-agents"],
    )
    return Session(client, credentials.account, credentials.region)


def settings_of(record: object, fields: Iterable[str]) -> Settings:
    """Return these fields of a record, or of a part of one; Twilio's defaults where it says nothing."""
    return Settings().with_values({field: _value(record, field) for field in fields})


def _value(record: object, field: str) -> Value:
    """Return what a field holds; its default for "", null and what is of another type."""
    value = record.get(field) if isinstance(record, Mapping) else getattr(record, field, None)
    default = FIELDS[field]
    if isinstance(default, str):
        return value if isinstance(value, str) and value else default
    return value if isinstance(value, bool) else default
