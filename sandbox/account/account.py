"""The account's records: numbers per Region, applications, calls, alerts, and the log of requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sandbox.account.calls import Call, Switchboard
from sandbox.account.faults import Faults
from sandbox.account.hosts import DEFAULT_REGION, REGIONS
from sandbox.account.numbers import PhoneNumber


@dataclass(frozen=True, slots=True)
class Alert:
    """An entry of Twilio's debugger: its error code, the URL or host concerned, and what was wrong."""

    code: int
    url: str
    text: str
    call_sid: str = ""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request that the REST API got. `host` is the one that the client meant; `at` is UTC."""

    method: str
    path: str
    host: str
    params: Mapping[str, tuple[str, ...]]
    status: int
    at: datetime

    @property
    def is_write(self) -> bool:
        """Whether the request could have changed something."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class Application:
    """A TwiML application that drives numbers in place of their own URLs."""

    sid: str
    friendly_name: str = ""
    voice_url: str | None = None
    voice_method: str = "POST"
    voice_fallback_url: str | None = None
    voice_fallback_method: str = "POST"
    status_callback: str | None = None
    status_callback_method: str = "POST"


@dataclass(slots=True)
class Account:
    """One Twilio account. Secrets stay out of its repr.

    `regional_tokens` holds the tokens of Regions that have their own; every other Region takes
    `auth_token`. `api_keys` maps Standard API keys (SK…) to their secrets.
    """

    sid: str
    auth_token: str = field(repr=False)
    regional_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    api_keys: dict[str, str] = field(default_factory=dict, repr=False)
    type: str = "Full"
    friendly_name: str = "Sandbox"
    applications: dict[str, Application] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    requests: list[ApiRequest] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    switchboard: Switchboard | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    _numbers: dict[str, dict[str, PhoneNumber]] = field(
        default_factory=lambda: {region: {} for region in REGIONS}
    )
    _routes: dict[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> tuple[ApiRequest, ...]:
        """The requests that could have changed something, refused ones included."""
        return tuple(request for request in self.requests if request.is_write)

    def token(self, region: str) -> str:
        """Return the token that a Region knows, for its API and for its signatures."""
        return self.regional_tokens.get(region, self.auth_token)

    def add(self, record: PhoneNumber, region: str = DEFAULT_REGION) -> None:
        """Own a number: configured as given in one Region and blank in the others."""
        for name in REGIONS:
            blank = PhoneNumber.new(self.sid, record.phone_number)
            blank = replace(blank, sid=record.sid, capabilities=record.capabilities)
            self._numbers[name][record.sid] = record if name == region else blank

    def put(self, record: PhoneNumber, region: str = DEFAULT_REGION) -> None:
        """Replace one Region's record of a number that is owned already."""
        self._numbers[region][record.sid] = record

    def release(self, sid: str) -> None:
        """Give a number back, in every Region."""
        for records in self._numbers.values():
            records.pop(sid, None)

    def numbers(self, region: str = DEFAULT_REGION) -> tuple[PhoneNumber, ...]:
        """Return a Region's records, newest first, as lists show them."""
        return tuple(reversed(self._numbers[region].values()))

    def find(self, sid_or_number: str, region: str = DEFAULT_REGION) -> PhoneNumber | None:
        """Return a Region's record of a number, by SID or E.164."""
        records = self._numbers[region]
        if sid_or_number in records:
            return records[sid_or_number]
        return next((one for one in records.values() if one.phone_number == sid_or_number), None)

    def number(self, phone_number: str, region: str = DEFAULT_REGION) -> PhoneNumber:
        """Return a Region's record of a number; raises KeyError when the account does not own it."""
        record = self.find(phone_number, region)
        if record is None:
            raise KeyError(phone_number)
        return record

    def edit(self, phone_number: str, region: str = DEFAULT_REGION, **changes: object) -> PhoneNumber:
        """Change a record as somebody in the Console would, without a request in the log."""
        record = replace(self.number(phone_number, region), **changes)  # type: ignore[arg-type]  # a test names fields
        self.put(record, region)
        return record

    def answering_region(self, phone_number: str) -> str:
        """Return the Region that answers a number; never set means us1 (Twilio: Routes API)."""
        return self._routes.get(phone_number, DEFAULT_REGION)

    def route(self, phone_number: str) -> str | None:
        """Return the Region that was set for a number, None when it never was."""
        return self._routes.get(phone_number)

    def routes(self) -> Mapping[str, str]:
        """Return the Regions that were set, by number."""
        return dict(self._routes)

    def set_route(self, phone_number: str, region: str) -> None:
        """Let a Region answer a number from now on."""
        self._routes[phone_number] = region

    def alert(self, code: int, url: str, text: str, call_sid: str = "") -> None:
        """Write to the debugger."""
        self.alerts.append(Alert(code, url, text, call_sid))
