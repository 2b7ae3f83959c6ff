"""An account where things go wrong: each request about a resource may meet the next of its faults.

It keeps what a true report is measured against: every write that took effect, every edit by hand, and
with which request a resource was first met. Numbers have a record in us1, and in ie1 where `abroad` has one.
"""

from __future__ import annotations

import copy
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import httpx2

from reconciler.planning.plan import Change
from tests.reconciler.wire import Record, WireAccount, error_body, form_of


class Fault(Enum):
    """What one request meets."""

    NONE = "none"
    BUSY = "429"
    BROKEN = "500"
    UNAVAILABLE = "503, not of Twilio's making"
    LOST_REQUEST = "the connection breaks before the request has its effect"
    LOST_ANSWER = "the connection breaks after it"
    SLOW = "the answer comes too late"


class KilledError(BaseException):
    """The process is gone. Nothing of ours catches it."""


@dataclass(frozen=True, slots=True)
class World:
    """All that an account holds, at one time."""

    records: list[Record]
    abroad: list[Record]
    services: list[Record]
    senders: list[Record]
    routes: dict[str, str]


@dataclass
class FaultyAccount(WireAccount):
    """`faults` are used up by what they are about: a number, a SID, or `lease`; `stuck` ones refuse updates.

    `stored` counts writes by what was written: the region and SID of a record, or `route` and the number.
    `edited` has what somebody wrote during the run, by the same. `lease` is the Sync document, None for none.
    `before_request` is called with the count of requests since `begin`, before each has its effect.
    """

    abroad: list[Record] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    stuck: set[str] = field(default_factory=set)
    stored: Counter[str] = field(default_factory=Counter)
    edited: dict[str, str] = field(default_factory=dict)
    first_met: dict[str, int] = field(default_factory=dict)
    lease: Record | None = None
    before_request: Callable[[int], None] = lambda count: None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.handler = self._faulty
        self._count = 0
        self._edits: dict[str, list[str]] = defaultdict(list)

    def begin(self) -> None:
        """Forget what the last run did."""
        self.stored.clear()
        self.edited.clear()
        self.first_met.clear()
        self._edits.clear()
        self._count = 0
        self.before_request = lambda count: None

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self.faults.clear()
        self.stuck.clear()
        self.begin()

    def snapshot(self) -> World:
        """Return a copy of everything, blank and null being the same."""
        parts = (self.records, self.abroad, self.services, self.senders)
        records, abroad, services, senders = (
            [_comparable(one) for one in copy.deepcopy(part)] for part in parts
        )
        return World(records, abroad, services, senders, dict(self.routes))

    def edit(self, number: str, url: str, region: str = "us1") -> None:
        """Change a number as somebody in the Console would."""
        found = self.record(number, region)
        found["voice_url"] = url
        self.edited[f"{region} {found['sid']}"] = url

    def edit_before_it_is_read(self, number: str, url: str) -> None:
        """Let somebody change a number's record right before this run reads it, in whatever region."""
        self._edits[number].append(url)

    def url_of(self, number: str, region: str = "us1") -> str:
        return str(self.record(number, region)["voice_url"] or "")

    def record(self, number: str, region: str = "us1") -> Record:
        records = self.abroad if region == "ie1" else self.records
        return next(one for one in records if one["phone_number"] == number)

    def holds(self, change: Change, name: str) -> object:
        """Return what the account has in a field that a change is about."""
        if name == "voice_region":
            return self.routes.get(change.number, "us1")
        if change.sid.startswith("MG"):
            return _by_sid(self.services, change.sid)[name] or ""
        if change.sid.startswith("XE"):
            webhook = _by_sid(self.senders, change.sid)["webhook"]
            assert isinstance(webhook, dict)
            return webhook.get(name) or ""
        return self.record(change.number, change.region)[name] or ""

    def records_in(self, request: httpx2.Request) -> list[Record]:
        return self.abroad if _region(request) == "ie1" else self.records

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host.startswith("sync."):
            self.requests.append(request)
            return self._lease(request)
        return super().answer(request)

    def _lease(self, request: httpx2.Request) -> httpx2.Response:
        """Keep the one Sync document: 409 for a second, 404 for none, 412 for another revision."""
        is_new = request.url.path.endswith("/Documents")
        if (self.lease is None) is not is_new:
            status = 409 if is_new else 404
            return httpx2.Response(status, text=error_body(status, 54301, "Unique name, or none"))
        if request.method == "POST":
            expected = request.headers.get("If-Match")
            if self.lease is not None and expected != self.lease["revision"]:
                return httpx2.Response(412, text=error_body(412, 54103, "The revision does not match"))
            self.lease = held_lease(form_of(request)["Data"], after=self.lease)
        return httpx2.Response(200, json=self.lease)

    def _subject(self, request: httpx2.Request) -> str | None:
        """Return what a request is about: the number of a record or route, the SID of anything else."""
        if request.url.host.startswith("sync."):
            return "lease"
        name = request.url.path.rpartition("/")[2].removesuffix(".json")
        numbers = {str(one["sid"]): str(one["phone_number"]) for one in [*self.records, *self.abroad]}
        named = (name[:2] in ("MG", "XE") and name[2:].isalnum()) or name.startswith("+")
        return numbers.get(name) or (name if named else None)

    def _faulty(self, request: httpx2.Request) -> httpx2.Response:
        self._count += 1
        self.before_request(self._count)
        about = self._subject(request)
        if about not in (None, "lease"):
            self.first_met.setdefault(str(about), self._count)
        waiting = self.faults[about or ""]
        fault = waiting.pop(0) if waiting else Fault.NONE
        if request.method == "POST" and about in self.stuck:
            return httpx2.Response(400, text=error_body(400, 21402, "VoiceUrl is not valid"))
        is_read = "IncomingPhoneNumbers" in request.url.path and request.method == "GET"
        if about and is_read and self._edits[about]:
            self.edit(about, self._edits[about].pop(), _region(request))
        return self._met(fault, request, about)

    def _met(self, fault: Fault, request: httpx2.Request, about: str | None) -> httpx2.Response:
        match fault:
            case Fault.BUSY:
                return httpx2.Response(429, text=error_body(429, 20429, "Too many concurrent requests"))
            case Fault.BROKEN:
                return httpx2.Response(500, text=error_body(500, 20500, "Internal server error"))
            case Fault.UNAVAILABLE:
                return httpx2.Response(503, text="<html>upstream</html>")
            case Fault.LOST_REQUEST:
                raise httpx2.ConnectError("connection refused")
        answer = self.answer(request)
        if request.method == "POST" and about not in (None, "lease"):
            self.stored[_written(request)] += 1
        if fault is Fault.LOST_ANSWER:
            raise httpx2.RemoteProtocolError("the server closed the connection")
        if fault is Fault.SLOW:
            raise httpx2.ReadTimeout("too late")
        return answer


def written_by(change: Change) -> set[str]:
    """Return what a change writes, as `stored` names it."""
    names = {name for name, _ in change.write.managed()}
    route = {f"route {change.number}"} if "voice_region" in names else set()
    return route | ({f"{change.region} {change.sid}"} if names - {"voice_region"} else set())


def held_lease(data: str, after: Record | None = None) -> Record:
    """Return the Sync document with this data, as the next revision of `after`."""
    revision = int(str(after["revision"])) + 1 if after else 0
    body = json.loads(data)
    return {"sid": "ET" + "0" * 32, "unique_name": "tm-apply", "revision": str(revision), "data": body}


def _written(request: httpx2.Request) -> str:
    name = request.url.path.rpartition("/")[2].removesuffix(".json")
    return f"route {name}" if name.startswith("+") else f"{_region(request)} {name}"


def _region(request: httpx2.Request) -> str:
    return "ie1" if ".ie1." in request.url.host else "us1"


def _by_sid(records: list[Record], sid: str) -> Record:
    return next(one for one in records if one["sid"] == sid)


def _comparable(record: Record) -> Record:
    return {name: value or "" for name, value in record.items()}
