"""Calls of the account: the record that REST shows, and what a request to create or change one may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from sandbox.account.errors import ApiError, invalid_parameter
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import API_VERSION, is_e164, is_sid, is_web_url, national, new_sid, rfc2822
from sandbox.account.paging import page

CallStatus = Literal[
    "queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"
]
LIVE: frozenset[CallStatus] = frozenset(("queued", "ringing", "in-progress"))
CALLBACK_EVENTS = ("initiated", "ringing", "answered", "completed")

MAX_TWIML = 4000
MAX_RING_SECONDS = 600
DEFAULT_RING_SECONDS = 60


@dataclass(slots=True)
class Call:
    """One call as `/Calls/{CA}.json` shows it. The phone network moves its status."""

    account_sid: str
    from_: str
    to: str
    direction: Literal["inbound", "outbound-api"]
    phone_number_sid: str = ""
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: CallStatus = "queued"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    ended: datetime | None = None
    duration_seconds: int = 0
    caller_name: str = ""

    @property
    def live(self) -> bool:
        """Whether the call is not over yet."""
        return self.status in LIVE

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it; `duration` and `queue_time` are strings."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "parent_call_sid": None,
            "phone_number_sid": self.phone_number_sid,
            "from": self.from_,
            "from_formatted": national(self.from_),
            "to": self.to,
            "to_formatted": national(self.to),
            "status": self.status,
            "direction": self.direction,
            "start_time": rfc2822(self.started) if self.started else None,
            "end_time": rfc2822(self.ended) if self.ended else None,
            "duration": None if self.live else str(self.duration_seconds),
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.ended or self.started or self.created),
            "price": None,
            "price_unit": "USD",
            "answered_by": None,
            "api_version": API_VERSION,
            "forwarded_from": None,
            "group_sid": None,
            "caller_name": self.caller_name or None,
            "queue_time": "0",
            "trunk_sid": None,
            "uri": f"{uri}.json",
            "subresource_uris": {"streams": f"{uri}/Streams.json", "recordings": f"{uri}/Recordings.json"},
        }


@dataclass(frozen=True, slots=True)
class Instructions:
    """What controls a call: a document's URL (and what to do when it fails), or the document itself."""

    url: str | None = None
    method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    twiml: str | None = None
    application_sid: str | None = None


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A checked `POST /Calls.json`. `ring_seconds` and `time_limit_seconds` are in seconds."""

    from_: str
    to: str
    instructions: Instructions
    status_callback: str | None
    status_callback_method: str
    status_callback_events: tuple[str, ...]
    ring_seconds: int
    time_limit_seconds: int | None


@dataclass(frozen=True, slots=True)
class CallUpdate:
    """A checked `POST /Calls/{CA}.json`: an end, or a new document, or neither."""

    ends: bool = False
    instructions: Instructions | None = None


class Switchboard(Protocol):
    """What the account needs of the phone network."""

    def place(self, request: CallRequest, call: Call) -> None:
        """Begin an outbound call."""

    def end(self, sid: str) -> None:
        """End a live call."""

    def redirect(self, sid: str, instructions: Instructions) -> None:
        """Take a live call out of what it does and let a new document control it."""


def call_list(asked: Asked) -> Answer:
    """Answer `/Calls.json`: a list with filters, or a new call."""
    asked.only("GET", "POST")
    account = asked.account
    if asked.method == "GET":
        filters = asked.single
        shown = [call for call in reversed(account.calls.values()) if matches(call, filters)]
        return Answer(200, page("calls", asked.path, shown, filters))
    owned = {record.phone_number: record for record in account.numbers(asked.region)}
    request = read_call_request(asked.params, frozenset(owned))
    application = account.applications.get(request.instructions.application_sid or "")
    if request.instructions.application_sid and (application is None or application.region != asked.region):
        raise ApiError(400, 21218, f"Invalid ApplicationSid: {request.instructions.application_sid}")
    if account.type == "Trial" and request.to not in account.verified_callers and request.to not in owned:
        raise ApiError(
            400,
            21219,
            f"The number {request.to} is unverified. Trial accounts may only call verified numbers.",
        )
    made = Call(account.sid, request.from_, request.to, "outbound-api", owned[request.from_].sid)
    account.calls[made.sid] = made
    if account.switchboard is not None:
        account.switchboard.place(request, made)
    return Answer(201, made.json())


def call(asked: Asked) -> Answer:
    """Answer `/Calls/{CA}.json`; only a call that is over can be deleted, only a live one changed."""
    asked.only("GET", "POST", "DELETE")
    account = asked.account
    record = asked.found(account.calls.get(asked.name))
    if asked.method == "GET":
        return Answer(200, record.json())
    if asked.method == "DELETE":
        if record.live:
            raise ApiError(400, 21220, "Invalid call state: the call is not over")
        del account.calls[record.sid]
        return Answer(204, None)
    if not record.live:
        raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
    update = read_call_update(asked.single, record)
    if account.switchboard is not None and update.ends:
        account.switchboard.end(record.sid)
    elif account.switchboard is not None and update.instructions is not None:
        account.switchboard.redirect(record.sid, update.instructions)
    return Answer(200, record.json())


def read_call_request(form: Mapping[str, Sequence[str]], owned: frozenset[str]) -> CallRequest:
    """Check the body of a call creation; `owned` are the numbers that may call. Raises ApiError."""
    single = {name: values[-1] for name, values in form.items() if values}
    events = tuple(form.get("StatusCallbackEvent", ())) or ("completed",)
    for event in events:
        if event not in CALLBACK_EVENTS:
            raise invalid_parameter("StatusCallbackEvent", f"must be one of {', '.join(CALLBACK_EVENTS)}")
    instructions = _instructions(single)
    if instructions is None:
        raise ApiError(400, 21205, "Url parameter is required")
    return CallRequest(
        from_=_from(single, owned),
        to=_to(single),
        instructions=instructions,
        status_callback=_callback(single),
        status_callback_method=_method(single, "StatusCallbackMethod"),
        status_callback_events=events,
        ring_seconds=_seconds(single, "Timeout", MAX_RING_SECONDS) or DEFAULT_RING_SECONDS,
        time_limit_seconds=_seconds(single, "TimeLimit", 86_400),
    )


def read_call_update(form: Mapping[str, str], call: Call) -> CallUpdate:
    """Check the body of a change to `call`. Raises ApiError (21220 when its state forbids it)."""
    status = form.get("Status")
    if status == "completed":
        return CallUpdate(ends=True)
    if status == "canceled":
        if call.status == "in-progress":
            raise ApiError(400, 21220, "Invalid call state: only a queued or ringing call can be canceled")
        return CallUpdate(ends=True)
    if status is not None:
        raise invalid_parameter("Status", "must be completed or canceled")
    if "Url" in form and "Twiml" in form:
        raise ApiError(400, 20001, "Url and Twiml are mutually exclusive")
    instructions = _instructions(form)
    if instructions is not None and call.status != "in-progress":
        raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
    return CallUpdate(instructions=instructions)


def matches(call: Call, filters: Mapping[str, str]) -> bool:
    """Tell whether a list with the filters `To`, `From` and `Status` shows the call."""
    return (
        filters.get("To", call.to) == call.to
        and filters.get("From", call.from_) == call.from_
        and filters.get("Status", call.status) == call.status
    )


def _instructions(form: Mapping[str, str]) -> Instructions | None:
    """Read what is to control the call. Twilio: if both Url and Twiml are given, Twiml is ignored."""
    if url := form.get("Url"):
        if not is_web_url(url):
            raise ApiError(400, 21205, f"Url is not a valid URL: {url}")
        return Instructions(
            url=url,
            method=_method(form, "Method"),
            fallback_url=form.get("FallbackUrl") or None,
            fallback_method=_method(form, "FallbackMethod"),
        )
    if twiml := form.get("Twiml"):
        if len(twiml) > MAX_TWIML:
            raise invalid_parameter("Twiml", f"must be at most {MAX_TWIML} characters")
        return Instructions(twiml=twiml)
    if application := form.get("ApplicationSid"):
        if not is_sid(application, "AP"):
            raise ApiError(400, 21218, f"Invalid ApplicationSid: {application}")
        return Instructions(application_sid=application)
    return None


def _to(form: Mapping[str, str]) -> str:
    to = form.get("To", "")
    if not to:
        raise ApiError(400, 21201, "No 'To' number is specified")
    if not is_e164(to) or to == form.get("From"):
        raise ApiError(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
    return to


def _from(form: Mapping[str, str], owned: frozenset[str]) -> str:
    caller = form.get("From", "")
    if not caller:
        raise ApiError(400, 21213, "No 'From' number is specified")
    if not is_e164(caller):
        raise ApiError(400, 21212, f"The 'From' number {caller} is not a valid phone number")
    if caller not in owned:
        raise ApiError(400, 21210, f"The source phone number provided, {caller}, is not yet verified")
    return caller


def _callback(form: Mapping[str, str]) -> str | None:
    url = form.get("StatusCallback") or None
    if url is not None and not is_web_url(url):
        raise ApiError(400, 21502, "StatusCallback is not valid")
    return url


def _method(form: Mapping[str, str], name: str) -> str:
    method = form.get(name, "POST")
    if method not in {"GET", "POST"}:
        raise ApiError(400, 21209, f"{name} is not valid")
    return method


def _seconds(form: Mapping[str, str], name: str, maximum: int) -> int | None:
    value = form.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit()) or int(value) > maximum:
        raise ApiError(400, 21208, f"{name} is not valid")
    return int(value)
