"""Calls of the account: the record that REST shows, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from sandbox.account.call_requests import CallRequest, read_call_request, read_call_update
from sandbox.account.errors import ApiError
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import API_VERSION, national, new_sid, rfc2822
from sandbox.account.paging import page

CallStatus = Literal[
    "queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"
]
LIVE: frozenset[CallStatus] = frozenset(("queued", "ringing", "in-progress"))


@dataclass(slots=True)
class Call:
    """One call as `/Calls/{CA}.json` shows it. The phone network moves its status."""

    account_sid: str
    from_: str
    to: str
    direction: Literal["inbound", "outbound-api", "outbound-dial"]
    phone_number_sid: str = ""
    parent_call_sid: str | None = None
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: CallStatus = "queued"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    ended: datetime | None = None
    duration_seconds: int = 0
    caller_name: str = ""
    answered_by: str | None = None

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
            "parent_call_sid": self.parent_call_sid,
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
            "answered_by": self.answered_by,
            "api_version": API_VERSION,
            "forwarded_from": None,
            "group_sid": None,
            "caller_name": self.caller_name or None,
            "queue_time": "0",
            "trunk_sid": None,
            "uri": f"{uri}.json",
            "subresource_uris": {"streams": f"{uri}/Streams.json", "recordings": f"{uri}/Recordings.json"},
        }


def call_list(asked: Asked) -> Answer:
    """Answer `/Calls.json`: a list with filters, or a new call."""
    asked.only("GET", "POST")
    account = asked.account
    if asked.method == "GET":
        filters = asked.single
        shown = [call for call in reversed(account.calls.values()) if matches(call, filters)]
        return Answer(200, page("calls", asked.path, shown, filters))
    owned = frozenset(record.phone_number for record in account.numbers(asked.region))
    request = read_call_request(asked.params, owned)
    made = admit(asked, request)
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
    update = read_call_update(asked.single, record.status)
    if account.switchboard is not None and update.ends:
        account.switchboard.end(record.sid)
    elif account.switchboard is not None and update.instructions is not None:
        account.switchboard.redirect(record.sid, update.instructions)
    if account.switchboard is not None and update.time_limit_seconds is not None:
        account.switchboard.limit(record.sid, update.time_limit_seconds)
    return Answer(200, record.json())


def admit(asked: Asked, request: CallRequest) -> Call:
    """Return the record of a new outbound call. Raises ApiError when the account may not make it."""
    account = asked.account
    owned = {record.phone_number: record for record in account.numbers(asked.region)}
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
    return made


def matches(call: Call, filters: Mapping[str, str]) -> bool:
    """Tell whether a list with the filters `To`, `From` and `Status` shows the call."""
    return (
        filters.get("To", call.to) == call.to
        and filters.get("From", call.from_) == call.from_
        and filters.get("Status", call.status) == call.status
    )
