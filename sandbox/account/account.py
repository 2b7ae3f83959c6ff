"""The account's records: numbers per Region, all else by SID, what changed them, and the log of requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sandbox.account.applications import Application
from sandbox.account.calls import Call
from sandbox.account.conferences import Conference
from sandbox.account.documents import Document
from sandbox.account.events import CONSOLE_USER, Actor, Event, difference
from sandbox.account.faults import Faults
from sandbox.account.hosts import DEFAULT_REGION, REGIONS
from sandbox.account.messages import Message
from sandbox.account.messaging import MessagingService
from sandbox.account.numbers import PhoneNumber
from sandbox.account.recordings import Recording
from sandbox.account.routing import Route, changed_route
from sandbox.account.senders import Sender
from sandbox.account.switchboard import Switchboard

MOST_EVENTS = 50_000
SENDER_UPDATE_SECONDS = 1.0


def utc_now() -> datetime:
    """Return the time of the machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Alert:
    """An entry of Twilio's debugger: its error code, the URL or host concerned, and what was wrong."""

    code: int
    url: str
    text: str
    call_sid: str = ""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request that the REST API got. `host` is the one that the client meant; `at` is UTC.

    `params` are query and form; `document` is the body where that was JSON.
    """

    method: str
    path: str
    host: str
    params: Mapping[str, tuple[str, ...]]
    status: int
    at: datetime
    document: object = None

    @property
    def is_write(self) -> bool:
        """Whether the request could have changed something."""
        return self.method != "GET"


@dataclass(slots=True)
class Account:
    """One Twilio account. Secrets stay out of its repr.

    `regional_tokens` holds the tokens of Regions that have their own; every other Region takes
    `auth_token`. `api_keys` maps Standard API keys (SK…) to their secrets. `clock` is the account's time:
    it dates records, settles senders (`sender_update_seconds` after a change) and ends documents.
    `templates` maps content SIDs (HX…) to texts with {{1}}; `opted_out` has who said STOP to which number.
    """

    sid: str
    auth_token: str = field(repr=False)
    regional_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    api_keys: dict[str, str] = field(default_factory=dict, repr=False)
    type: str = "Full"
    friendly_name: str = "Sandbox"
    verified_callers: tuple[str, ...] = ()
    applications: dict[str, Application] = field(default_factory=dict)
    messaging_services: dict[str, MessagingService] = field(default_factory=dict)
    senders: dict[str, Sender] = field(default_factory=dict)
    sender_update_seconds: float = SENDER_UPDATE_SECONDS
    documents: dict[str, Document] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    calls: dict[str, Call] = field(default_factory=dict)
    conferences: dict[str, Conference] = field(default_factory=dict)
    recordings: dict[str, Recording] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    opted_out: set[tuple[str, str]] = field(default_factory=set)
    alerts: list[Alert] = field(default_factory=list)
    requests: list[ApiRequest] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    switchboard: Switchboard | None = None
    clock: Callable[[], datetime] = utc_now
    created: datetime = field(default_factory=utc_now)
    _numbers: dict[str, dict[str, PhoneNumber]] = field(
        default_factory=lambda: {region: {} for region in REGIONS}
    )
    _sids: dict[str, str] = field(default_factory=dict)
    _routes: dict[str, Route] = field(default_factory=dict)

    @property
    def writes(self) -> tuple[ApiRequest, ...]:
        """The requests that could have changed something, refused ones included."""
        return tuple(request for request in self.requests if request.is_write)

    def token(self, region: str) -> str:
        """Return the token that a Region knows, for its API and for its signatures."""
        return self.regional_tokens.get(region, self.auth_token)

    def add(self, record: PhoneNumber, region: str = DEFAULT_REGION) -> None:
        """Own a number: configured as given in one Region and blank in the others."""
        blank = PhoneNumber.new(self.sid, record.phone_number)
        blank = replace(blank, sid=record.sid, capabilities=record.capabilities)
        self._sids[record.phone_number] = record.sid
        for name in REGIONS:
            self._numbers[name][record.sid] = record if name == region else blank

    def put(self, record: PhoneNumber, region: str = DEFAULT_REGION) -> None:
        """Replace one Region's record of a number that is owned already."""
        self._numbers[region][record.sid] = record

    def release(self, sid: str) -> None:
        """Give a number back, in every Region."""
        for records in self._numbers.values():
            record = records.pop(sid, None)
            if record is not None:
                self._sids.pop(record.phone_number, None)

    def numbers(self, region: str = DEFAULT_REGION) -> tuple[PhoneNumber, ...]:
        """Return a Region's records, newest first, as lists show them."""
        return tuple(reversed(self._numbers[region].values()))

    def find(self, sid_or_number: str, region: str = DEFAULT_REGION) -> PhoneNumber | None:
        """Return a Region's record of a number, by SID or E.164."""
        return self._numbers[region].get(self._sids.get(sid_or_number, sid_or_number))

    def number(self, phone_number: str, region: str = DEFAULT_REGION) -> PhoneNumber:
        """Return a Region's record of a number; raises KeyError when the account does not own it."""
        record = self.find(phone_number, region)
        if record is None:
            raise KeyError(phone_number)
        return record

    def edit(self, phone_number: str, region: str = DEFAULT_REGION, **changes: object) -> PhoneNumber:
        """Change a record as somebody in the Console would, without a request in the log."""
        before = self.number(phone_number, region)
        record = replace(before, **changes, date_updated=self.clock())  # type: ignore[arg-type]  # a test names fields
        self.put(record, region)
        self.record_update("phone-number", before.json(), record.json(), CONSOLE_USER)
        return record

    def edit_service(self, sid: str, **changes: object) -> MessagingService:
        """Change a Messaging Service as somebody in the Console would."""
        before = self.messaging_services[sid]
        record = replace(before, **changes, date_updated=self.clock())  # type: ignore[arg-type]  # as above
        self.messaging_services[sid] = record
        self.record_update("messaging-service", before.json(), record.json(), CONSOLE_USER)
        return record

    def edit_sender(self, sid: str, **webhook: str | None) -> Sender:
        """Change a sender's webhook as somebody in the Console would, at once."""
        before = self.senders[sid]
        record = replace(before, webhook=replace(before.webhook, **webhook))
        self.senders[sid] = record
        self.record_update("sender", before.json(), record.json(), CONSOLE_USER)
        return record

    def before_change(self, sid: str) -> None:
        """Let another writer in before a request changes the record `sid` (see Faults.before_change)."""
        if self.faults.before_change is not None:
            self.faults.before_change(sid)

    def record_event(self, event_type: str, sid: str, actor: Actor) -> None:
        """Remember that a resource came or went."""
        self.events.append(Event(self.sid, actor, event_type, sid, self.clock(), {}))

    def record_update(
        self, kind: str, before: Mapping[str, object], after: Mapping[str, object], actor: Actor
    ) -> None:
        """Remember which properties of a resource changed; where none did, nothing happened."""
        changes = difference(before, after)
        if changes:
            self.events.append(
                Event(self.sid, actor, f"{kind}.updated", str(after["sid"]), self.clock(), changes)
            )

    def answering_region(self, phone_number: str) -> str:
        """Return the Region that answers a number; never set means us1 (Twilio: Routes API)."""
        route = self._routes.get(phone_number)
        return route.voice_region if route is not None else DEFAULT_REGION

    def routes(self) -> Mapping[str, Route]:
        """Return what was set in the Routes API, by number."""
        return self._routes

    def set_route(
        self,
        phone_number: str,
        voice_region: str | None,
        *,
        messaging_region: str | None = None,
        friendly_name: str | None = None,
    ) -> None:
        """Let a Region answer a number from now on; what is None stays as it is."""
        self._routes[phone_number] = changed_route(
            self._routes.get(phone_number),
            phone_number,
            self.clock(),
            voice_region=voice_region,
            messaging_region=messaging_region,
            friendly_name=friendly_name,
        )

    def restore_route(self, phone_number: str, route: Route) -> None:
        """Put back a route that was saved."""
        self._routes[phone_number] = route

    def alert(self, code: int, url: str, text: str, call_sid: str = "") -> None:
        """Write to the debugger."""
        self.alerts.append(Alert(code, url, text, call_sid))
