"""Twilio's phone number API as bytes, in process: every request is kept, faults are scripted."""

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


def error_body(status: int, code: int, message: str) -> str:
    info = f"https://www.twilio.com/docs/errors/{code}"
    return json.dumps({"code": code, "message": message, "more_info": info, "status": status})


@dataclass
class WireAccount:
    """An account behind an httpx2.MockTransport.

    `answers` are given first, one per request: an answer (status, body), or an exception to raise.
    `page_size` overrules the page size that is asked for; `handler` may be replaced to fail selectively.
    """

    records: list[Record] = field(default_factory=list)
    answers: list[httpx2.Response | Exception] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    page_size: int | None = None
    handler: Callable[[httpx2.Request], httpx2.Response] = field(init=False)

    def __post_init__(self) -> None:
        self.handler = self.answer

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(lambda request: self.handler(request))

    @property
    def writes(self) -> list[dict[str, str]]:
        """The forms of all POST requests."""
        return [form_of(request) for request in self.requests if request.method == "POST"]

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as Twilio would, unless a scripted answer is waiting."""
        self.requests.append(request)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        name = request.url.path.rpartition("/")[2].removesuffix(".json")
        if name == "IncomingPhoneNumbers":
            return self._page(request)
        found = next(item for item in self.records if item["sid"] == name)
        if request.method == "POST":
            found.update({_snake(key): value for key, value in form_of(request).items()})
        return httpx2.Response(200, json=found, headers={"Twilio-Request-Id": "RQ1"})

    def _page(self, request: httpx2.Request) -> httpx2.Response:
        size = self.page_size or int(request.url.params["PageSize"])
        page = int(request.url.params.get("Page", "0"))
        part = self.records[page * size : (page + 1) * size]
        more = (page + 1) * size < len(self.records)
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


def form_of(request: httpx2.Request) -> dict[str, str]:
    """The form of a request, empty values included."""
    return dict(parse_qsl(request.content.decode(), keep_blank_values=True))


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
