"""Reading and writing phone numbers through the twilio library, down to the bytes on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import httpx2
import pytest

from reconciler.api.account import ReadableAccount, WritableAccount
from reconciler.api.errors import (
    ApiError,
    ApiRefusedError,
    ApiUnauthorizedError,
    ApiUnavailableError,
    ForbiddenRequestError,
)
from reconciler.api.http_client import NumbersTransport, Target
from reconciler.api.library import Credentials
from reconciler.resource.settings import Settings
from tests.reconciler.numbers import BLANK, FRONT_DESK, SALES, sid_of, wanted
from tests.reconciler.wire import ACCOUNT_SID, TOKEN, WireAccount, error_body, form_of, record

T = TypeVar("T")

US1 = Credentials("main", ACCOUNT_SID, "us1", "ashburn", ACCOUNT_SID, TOKEN)
IE1 = Credentials("main", ACCOUNT_SID, "ie1", "dublin", "SK1", TOKEN)
SANDBOX = "http://127.0.0.1:8400"


@dataclass
class Session:
    """A client on a wire account; what would have been waited is only written down."""

    wire: WireAccount
    credentials: Credentials = US1
    api_url: str | None = None
    may_write: bool = True
    waits: list[float] = field(default_factory=list)

    def run(self, use: Callable[[WritableAccount], Awaitable[T]]) -> T:
        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        async def session() -> T:
            async with httpx2.AsyncClient(transport=self.wire.transport()) as client:
                transport = NumbersTransport(
                    client,
                    Target("main", ACCOUNT_SID, self.credentials.region),
                    api_url=self.api_url,
                    may_write=self.may_write,
                    sleep=sleep,
                    jitter=lambda: 1.0,
                )
                return await use(WritableAccount(self.credentials, transport))

        return asyncio.run(session())

    def fails(self, use: Callable[[WritableAccount], Awaitable[T]]) -> ApiError:
        with pytest.raises(ApiError) as caught:
            self.run(use)
        return caught.value


def update_front_desk(numbers: WritableAccount) -> Awaitable[object]:
    return numbers.update(sid_of(FRONT_DESK), wanted().stored("https://agents.example"))


def test_unset_values_are_blank_whether_twilio_says_empty_or_null() -> None:
    (number,) = Session(WireAccount([record(FRONT_DESK)])).run(ReadableAccount.list_numbers)
    assert number.stored == number.bare == BLANK
    assert (number.sid, number.number, number.region) == (sid_of(FRONT_DESK), FRONT_DESK, "us1")
    assert number.can_voice
    assert number.marker is None


def test_a_number_that_only_takes_messages_cannot_voice() -> None:
    wire = WireAccount([record(FRONT_DESK, capabilities={"voice": False, "sms": True})])
    (number,) = Session(wire).run(ReadableAccount.list_numbers)
    assert not number.can_voice


def test_one_list_page_of_a_thousand_is_asked_for() -> None:
    wire = WireAccount([record(FRONT_DESK)])
    Session(wire).run(ReadableAccount.list_numbers)
    (request,) = wire.requests
    assert request.url.params["PageSize"] == "1000"
    assert request.url.host == "api.twilio.com"
    assert request.url.path == f"/2010-04-01/Accounts/{ACCOUNT_SID}/IncomingPhoneNumbers.json"


def test_every_page_is_followed_also_through_another_server() -> None:
    wire = WireAccount([record(f"+1415555{index:04}") for index in range(7)], page_size=3)
    numbers = Session(wire, api_url=SANDBOX).run(ReadableAccount.list_numbers)
    assert len(numbers) == 7
    assert {request.url.host for request in wire.requests} == {"127.0.0.1"}


def test_an_update_is_one_request_with_twilios_own_parameter_names_and_empty_clears() -> None:
    wire = WireAccount([record(FRONT_DESK)])
    settings = wanted(friendly_name="Desk", caller_id_lookup=True).stored("https://agents.example")
    receipt = Session(wire).run(lambda numbers: numbers.update(sid_of(FRONT_DESK), settings))
    assert receipt.request_id == "RQ1"
    (form,) = wire.writes
    assert form == {
        "VoiceUrl": settings.voice_url,
        "VoiceMethod": "POST",
        "VoiceFallbackUrl": settings.voice_fallback_url,
        "VoiceFallbackMethod": "POST",
        "StatusCallback": settings.status_callback,
        "StatusCallbackMethod": "POST",
        "VoiceApplicationSid": "",
        "TrunkSid": "",
        "FriendlyName": "Desk",
        "VoiceCallerIdLookup": "true",
    }


def test_what_is_not_managed_is_not_sent() -> None:
    wire = WireAccount([record(FRONT_DESK)])
    Session(wire).run(lambda numbers: numbers.update(sid_of(FRONT_DESK), Settings(voice_url="")))
    assert wire.writes == [{"VoiceUrl": ""}]


def test_outside_of_us1_both_region_and_edge_are_in_the_host() -> None:
    wire = WireAccount([record(FRONT_DESK)])
    Session(wire, IE1).run(ReadableAccount.list_numbers)
    assert wire.requests[0].url.host == "api.dublin.ie1.twilio.com"


def test_the_environment_of_the_process_moves_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    wire = WireAccount([record(FRONT_DESK)])
    Session(wire).run(ReadableAccount.list_numbers)
    assert wire.requests[0].url.host == "api.twilio.com"


@pytest.mark.breaks_twilios_documents("is not published for")  # the other server's own path
def test_another_server_is_told_which_host_was_meant() -> None:
    wire = WireAccount([record(FRONT_DESK)])
    Session(wire, IE1, api_url=f"{SANDBOX}/twilio/").run(ReadableAccount.list_numbers)
    (request,) = wire.requests
    assert request.headers["X-Twilio-Host"] == "api.dublin.ie1.twilio.com"
    assert (request.url.host, request.url.port) == ("127.0.0.1", 8400)
    assert request.url.path.startswith("/twilio/2010-04-01/Accounts/")


def test_twilio_itself_gets_no_extra_header() -> None:
    wire = WireAccount([record(FRONT_DESK)])
    Session(wire).run(ReadableAccount.list_numbers)
    assert "X-Twilio-Host" not in wire.requests[0].headers


@pytest.mark.parametrize("use", [ReadableAccount.list_numbers, update_front_desk])
def test_a_429_is_repeated_for_reads_and_writes(use: Callable[[WritableAccount], Awaitable[object]]) -> None:
    busy = [httpx2.Response(429, text=error_body(429, 20429, "Too many requests")) for _ in range(3)]
    session = Session(WireAccount([record(FRONT_DESK)], [*busy]))
    session.run(use)
    assert session.waits == [0.5, 1.0, 2.0]


def test_retry_after_is_honoured() -> None:
    busy = httpx2.Response(429, text=error_body(429, 20429, "Busy"), headers={"Retry-After": "7"})
    session = Session(WireAccount([record(FRONT_DESK)], [busy]))
    session.run(ReadableAccount.list_numbers)
    assert session.waits == [7.5]


def test_endless_429_comes_to_an_end() -> None:
    busy = [httpx2.Response(429, text=error_body(429, 20429, "Busy")) for _ in range(50)]
    session = Session(WireAccount([], [*busy]))
    assert session.fails(ReadableAccount.list_numbers).status == 429
    assert len(session.wire.requests) == 8


@pytest.mark.parametrize(
    "fault",
    [
        httpx2.Response(503, text=error_body(503, 20503, "Unavailable")),
        httpx2.Response(502, text="<html>Bad gateway</html>"),
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("disconnected"),
    ],
)
def test_a_read_is_repeated_after_5xx_or_no_answer(fault: httpx2.Response | Exception) -> None:
    session = Session(WireAccount([record(FRONT_DESK)], [fault, fault]))
    assert session.run(ReadableAccount.list_numbers)
    assert session.waits == [0.5, 1.0]


@pytest.mark.parametrize(
    "fault",
    [httpx2.Response(500, text=error_body(500, 20500, "Internal")), httpx2.ReadError("reset")],
)
def test_a_write_is_not_repeated_blindly(fault: httpx2.Response | Exception) -> None:
    session = Session(WireAccount([record(FRONT_DESK)], [fault]))
    assert isinstance(session.fails(update_front_desk), ApiUnavailableError)
    assert len(session.wire.requests) == 1


def test_a_refused_list_page_keeps_its_status_and_code() -> None:
    session = Session(WireAccount([], [httpx2.Response(401, text=error_body(401, 20003, "Authenticate"))]))
    error = session.fails(ReadableAccount.list_numbers)
    assert isinstance(error, ApiUnauthorizedError)
    assert (error.status, error.code) == (401, 20003)
    assert "main" in error.message
    assert ACCOUNT_SID in error.message
    assert TOKEN not in f"{error} {error.hint}"
    assert error.more_info == "https://www.twilio.com/docs/errors/20003"


def test_refused_credentials_are_named_with_their_region() -> None:
    refused = httpx2.Response(401, text=error_body(401, 20003, "Authenticate"))
    error = Session(WireAccount([], [refused]), credentials=IE1).fails(ReadableAccount.list_numbers)
    assert "in region ie1" in error.message
    assert "for ie1" in str(error.hint)
    assert TOKEN not in f"{error} {error.hint}"


def test_a_refused_update_keeps_twilios_words() -> None:
    body = error_body(400, 21402, "VoiceUrl is not valid")
    error = Session(WireAccount([], [httpx2.Response(400, text=body)])).fails(update_front_desk)
    assert isinstance(error, ApiRefusedError)
    assert (error.status, error.code) == (400, 21402)
    assert "VoiceUrl is not valid" in error.message


def test_the_newer_error_form_is_understood_too() -> None:
    body = {"type": "https://twilio.example/59004", "title": "Slow down", "status": 400, "code": 59004}
    error = Session(WireAccount([], [httpx2.Response(400, json=body)])).fails(update_front_desk)
    assert (error.code, error.more_info) == (59004, "https://twilio.example/59004")
    assert "Slow down" in error.message


@pytest.mark.parametrize("status", [200, 302, 403, 404])
def test_an_answer_that_is_not_twilios_names_the_host(status: int) -> None:
    session = Session(WireAccount([], [httpx2.Response(status, text="<html>hello</html>")]), api_url=SANDBOX)
    error = session.fails(ReadableAccount.list_numbers)
    assert isinstance(error, ApiUnavailableError)
    assert "127.0.0.1:8400" in error.message
    assert "api.twilio.com" in error.message


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"incoming_phone_numbers": [], "surprise": []},
        {"incoming_phone_numbers": 7},
        {"incoming_phone_numbers": [{"sid": None}]},
        {"incoming_phone_numbers": [], "next_page_uri": "/2010-04-01/Accounts/AC1/Keys.json"},
    ],
)
def test_a_list_of_another_shape_is_an_error_and_no_traceback(body: object) -> None:
    session = Session(WireAccount([], [httpx2.Response(200, json=body)]))
    assert isinstance(session.fails(ReadableAccount.list_numbers), ApiUnavailableError)


def test_an_unreachable_server_is_named_by_its_address() -> None:
    faults: list[httpx2.Response | Exception] = [httpx2.ConnectError("refused") for _ in range(9)]
    session = Session(WireAccount([], faults), api_url="http://127.0.0.1:9")
    error = session.fails(ReadableAccount.list_numbers)
    assert "127.0.0.1:9" in error.message
    assert "cannot be reached" in error.message
    assert len(session.wire.requests) == 4


def test_credentials_show_nothing_secret() -> None:
    assert TOKEN not in repr(US1)


def test_the_clients_of_plan_and_apply_have_no_verb_that_loses_a_number() -> None:
    for kind in (ReadableAccount, WritableAccount):
        verbs = {name for name in dir(kind) if not name.startswith("_")}
        assert verbs <= {"list_numbers", "list_messaging", "fetch", "route", "update", "reroute"}
    assert not {"update", "reroute"} & set(dir(ReadableAccount))


API = "api.twilio.com/2010-04-01/Accounts/AC1"
MESSAGING = "messaging.twilio.com"
ROUTES = "routes.twilio.com"


@pytest.mark.parametrize(
    ("method", "address", "form", "may_write"),
    [
        ("DELETE", f"{API}/IncomingPhoneNumbers/PN1.json", {}, True),
        ("POST", f"{API}/IncomingPhoneNumbers.json", {"PhoneNumber": FRONT_DESK}, True),
        ("POST", f"{API}/IncomingPhoneNumbers/PN1.json", {"AccountSid": "AC2"}, True),
        ("POST", f"{API}/IncomingPhoneNumbers/PN1.json", {"VoiceUrl": ""}, False),
        ("POST", f"{API}/Calls.json", {"To": SALES}, True),
        ("GET", f"{API}/Keys.json", {}, True),
        ("POST", f"{MESSAGING}/v1/Services", {"FriendlyName": "New"}, True),
        ("DELETE", f"{MESSAGING}/v1/Services/MG1", {}, True),
        ("POST", f"{MESSAGING}/v1/Services/MG1", {"InboundRequestUrl": ""}, False),
        ("POST", f"{MESSAGING}/v1/Services/MG1/PhoneNumbers", {"PhoneNumberSid": "PN1"}, True),
        ("POST", f"{MESSAGING}/v2/Channels/Senders", {"sender_id": f"whatsapp:{SALES}"}, True),
        ("DELETE", f"{MESSAGING}/v2/Channels/Senders/XE1", {}, True),
        ("POST", f"{MESSAGING}/v2/Channels/Senders/XE1", {"webhook": ""}, False),
        ("POST", f"{ROUTES}/v2/PhoneNumbers/{SALES}", {"VoiceRegion": "ie1"}, False),
        ("POST", f"{ROUTES}/v2/Trunks/x", {"VoiceRegion": "ie1"}, True),
        ("GET", f"api.twilio.com/v2/PhoneNumbers/{SALES}", {}, True),
        ("POST", "monitor.twilio.com/v1/Events", {}, True),
    ],
)
def test_the_wire_refuses_to_buy_release_or_transfer(
    method: str, address: str, form: dict[str, str], may_write: bool
) -> None:
    wire = WireAccount()

    async def attempt() -> None:
        async with httpx2.AsyncClient(transport=wire.transport()) as client:
            transport = NumbersTransport(client, Target("main", ACCOUNT_SID), may_write=may_write)
            await transport.request(method, f"https://{address}", data=form, auth=("AC1", TOKEN))

    with pytest.raises(ForbiddenRequestError):
        asyncio.run(attempt())
    assert not wire.requests


def test_credentials_never_go_to_a_host_that_is_not_twilios() -> None:
    wire = WireAccount()

    async def attempt() -> None:
        async with httpx2.AsyncClient(transport=wire.transport()) as client:
            transport = NumbersTransport(client, Target("main", ACCOUNT_SID))
            url = "https://api.twilio.com.evil.example/2010-04-01/Accounts/AC1/IncomingPhoneNumbers.json"
            await transport.request("GET", url, auth=("AC1", TOKEN))

    with pytest.raises(ForbiddenRequestError):
        asyncio.run(attempt())
    assert not wire.requests


def test_requests_are_signed_in_with_the_regions_own_key() -> None:
    wire = WireAccount([record(FRONT_DESK)])
    Session(wire, IE1).run(ReadableAccount.list_numbers)
    expected = httpx2.Request("GET", "https://x.example")
    next(httpx2.BasicAuth("SK1", TOKEN).auth_flow(expected))
    assert wire.requests[0].headers["Authorization"] == expected.headers["Authorization"]
    assert ACCOUNT_SID in wire.requests[0].url.path
    assert form_of(wire.requests[0]) == {}
