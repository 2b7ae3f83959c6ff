"""Twilio's configuration APIs as bytes, in process: every request is kept, faults are scripted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx2

ACCOUNT_SID = "AC" + "0" * 32
TOKEN = "s3cr3t-t0ken"
Record = dict[str, object]


def record(number: str, **fields: object) -> Record:
    """An IncomingPhoneNumber as the published example has it: unset values are "" here and null there."""
    return {
        "sid": f"PN{number.removeprefix('+').zfill(32)}",
        "account_sid": ACCOUNT_SID,
        "phone_number": number,
        "friendly_name": "(415) 555-0123",
        "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        "voice_url": None,
        "voice_method": "POST",
        "voice_fallback_url": None,
        "voice_fallback_method": "POST",
        "voice_caller_id_lookup": False,
        "voice_application_sid": "",
        "trunk_sid": None,
        "status_callback": "",
        "status_callback_method": "POST",
        "date_created": "Thu, 30 Jul 2015 23:19:04 +0000",
        "date_updated": "Thu, 30 Jul 2015 23:19:04 +0000",
        **fields,
    }


def service(sid: str, **fields: object) -> Record:
    """A Messaging Service that nobody configured."""
    return {
        "sid": sid,
        "account_sid": ACCOUNT_SID,
        "friendly_name": "Guests",
        "inbound_request_url": None,
        "inbound_method": "POST",
        "status_callback": None,
        "use_inbound_webhook_on_number": False,
        "date_created": "2015-07-30T20:12:31Z",
        "date_updated": "2015-07-30T20:12:31Z",
        **fields,
    }


def sender(number: str, **webhook: object) -> Record:
    """A WhatsApp sender that is online."""
    return {
        "sid": f"XE{number.removeprefix('+').zfill(32)}",
        "status": "ONLINE",
        "sender_id": f"whatsapp:{number}",
        "webhook": {"callback_url": None, "callback_method": "POST", **webhook},
        "configuration": {"waba_id": "12345678912345"},
    }


def error_body(status: int, code: int, message: str) -> str:
    info = f"https://www.twilio.com/docs/errors/{code}"
    return json.dumps({"code": code, "message": message, "more_info": info, "status": status})


@dataclass
class WireAccount:
    """An account behind an httpx2.MockTransport.

    `answers` are given first, one per request: an answer (status, body), or an exception to raise.
    `page_size` overrules the page size that is asked for; `handler` may be replaced to fail selectively.
    `routes` are the regions of numbers that were ever routed. Every region has the same records.
    `settling` is how often a sender that was updated is seen to be updating still.
    """

    records: list[Record] = field(default_factory=list)
    answers: list[httpx2.Response | Exception] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    services: list[Record] = field(default_factory=list)
    senders: list[Record] = field(default_factory=list)
    routes: dict[str, str] = field(default_factory=dict)
    settling: int = 0
    page_size: int | None = None
    handler: Callable[[httpx2.Request], httpx2.Response] = field(init=False)

    def __post_init__(self) -> None:
        self.handler = self.answer
        self._pending: Record | None = None
        self._looks = 0

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(lambda request: self.handler(request))

    @property
    def writes(self) -> list[dict[str, str]]:
        """The forms of all POST requests."""
        return [form_of(request) for request in self.requests if request.method == "POST"]

    def records_in(self, request: httpx2.Request) -> list[Record]:
        """Return the numbers of the region that is asked."""
        return self.records

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as Twilio would, unless a scripted answer is waiting."""
        self.requests.append(request)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        path = request.url.path.removesuffix(".json")
        name = path.rpartition("/")[2]
        match path.split("/")[-2:]:
            case [_, "IncomingPhoneNumbers"]:
                return self._page(request)
            case [_, "Services"]:
                return _new_page(request, "services", self.services)
            case [_, "Senders"]:
                return _new_page(request, "senders", self.senders)
            case [_, "Events"]:
                return _new_page(request, "events", [])
            case ["PhoneNumbers", _]:
                return self._route(request, name)
            case ["Senders", _]:
                return self._sender(request, name)
        found = _named(name, [*self.records_in(request), *self.services])
        if request.method == "POST":
            found.update({_snake(key): value for key, value in form_of(request).items()})
        return httpx2.Response(200, json=found, headers={"Twilio-Request-Id": "RQ1"})

    def _route(self, request: httpx2.Request, number: str) -> httpx2.Response:
        if request.method == "POST":
            self.routes[number] = form_of(request)["VoiceRegion"]
        if number not in self.routes:
            return httpx2.Response(404, text=error_body(404, 20404, "The requested resource was not found"))
        body = {"sid": "QQ" + "0" * 32, "phone_number": number, "voice_region": self.routes[number]}
        return httpx2.Response(200, json=body, headers={"Twilio-Request-Id": "RQ2"})

    def _sender(self, request: httpx2.Request, sid: str) -> httpx2.Response:
        """A write is answered at once, and seen when the sender was looked at `settling` times."""
        found = _named(sid, self.senders)
        if request.method == "POST":
            self._pending = json.loads(request.content)["webhook"]
            self._looks = self.settling
            return httpx2.Response(202, json=found, headers={"Twilio-Request-Id": "RQ3"})
        if self._pending is not None and self._looks:
            self._looks -= 1
            return httpx2.Response(200, json={**found, "status": "ONLINE:UPDATING"})
        if self._pending is not None:
            found["webhook"], self._pending = self._pending, None
        return httpx2.Response(200, json=found)

    def _page(self, request: httpx2.Request) -> httpx2.Response:
        size = self.page_size or int(request.url.params["PageSize"])
        page = int(request.url.params.get("Page", "0"))
        records = self.records_in(request)
        part = records[page * size : (page + 1) * size]
        more = (page + 1) * size < len(records)
        following = f"{request.url.path}?PageSize={size}&Page={page + 1}&PageToken=PA1" if more else None
        body: Mapping[str, object] = {
            "incoming_phone_numbers": part,
            "page": page,
            "page_size": size,
            "start": 0,
            "end": len(part),
            "uri": request.url.path,
            "first_page_uri": request.url.path,
            "next_page_uri": following,
            "previous_page_uri": None,
        }
        return httpx2.Response(200, json=body)


def _named(sid: str, records: list[Record]) -> Record:
    return next(record for record in records if record["sid"] == sid)


def _new_page(request: httpx2.Request, key: str, records: list[Record]) -> httpx2.Response:
    """One page as the newer APIs have it: absolute URLs, and a `meta` that names the list."""
    url = f"https://{request.headers.get('X-Twilio-Host', request.url.host)}{request.url.path}"
    meta = {"page": 0, "page_size": 50, "first_page_url": url, "previous_page_url": None, "url": url}
    return httpx2.Response(200, json={key: records, "meta": {**meta, "next_page_url": None, "key": key}})


def form_of(request: httpx2.Request) -> dict[str, str]:
    """The form of a request, empty values included."""
    return dict(parse_qsl(request.content.decode(), keep_blank_values=True))


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
