"""What the runtime asks of Twilio: which host, how often, and what it tells of a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from urllib.parse import parse_qs

import httpx2
import pytest

from runtime.twilio_api import MOST_AT_ONCE, REQUEST_SECONDS, AccountApi, TwilioApi, TwilioApiError
from tests.runtime.office import AGENT, fleet_of
from tests.runtime.virtual_time import run

SID = "AC" + "1" * 32
CALL = "CA" + "1" * 32
OTHER_CALL = "CA" + "2" * 32
CONFERENCE = "CF" + "1" * 32
ACCOUNT = f"""\
kind: Account
name: main
account_sid: {SID}
auth_token: {"a" * 32}
regions: {{ie1: {{api_key: SK9, api_secret: hush-hush}}}}
---
"""
Handler = Callable[[httpx2.Request], Coroutine[None, None, httpx2.Response]]


def ask(
    folder: Path,
    handler: Handler,
    question: Callable[[AccountApi], Awaitable[object]],
    *,
    region: str = "us1",
    api_url: str | None = None,
) -> object:
    async def story() -> object:
        fleet = fleet_of(folder, ACCOUNT + AGENT)
        api = TwilioApi(fleet, api_url=api_url, transport=httpx2.MockTransport(handler), jitter=lambda: 1.0)
        try:
            return await question(api.account("main", region))
        finally:
            await api.close()

    return run(story())


class Twilio:
    """Answers one status after the other, the last one for ever, and keeps the requests."""

    def __init__(self, *statuses: int, body: dict[str, object] | None = None) -> None:
        self.statuses = list(statuses)
        self.body = {"sid": "CA1", "code": 20500} if body is None else body
        self.requests: list[httpx2.Request] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return httpx2.Response(status, json=self.body)

    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.requests[-1].content.decode())


def test_a_call_is_ended_with_the_accounts_token_at_twilios_host(tmp_path: Path) -> None:
    twilio = Twilio(200)
    ask(tmp_path, twilio, lambda api: api.complete_call(CALL))
    (request,) = twilio.requests
    assert str(request.url) == f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Calls/{CALL}.json"
    assert request.headers["authorization"] == httpx2.BasicAuth(SID, "a" * 32)._auth_header
    assert twilio.form() == {"Status": ["completed"]}


def test_a_call_of_another_region_is_asked_about_there_with_its_own_key(tmp_path: Path) -> None:
    twilio = Twilio(200)
    ask(tmp_path, twilio, lambda api: api.limit_call(CALL, 630), region="ie1")
    assert twilio.requests[0].url.host == "api.dublin.ie1.twilio.com"
    assert twilio.requests[0].headers["authorization"] == httpx2.BasicAuth("SK9", "hush-hush")._auth_header
    with pytest.raises(TwilioApiError, match="no credentials for region au1"):
        ask(tmp_path, twilio, lambda api: api.complete_call(CALL), region="au1")


def test_a_proxy_in_twilios_place_is_told_which_host_was_meant(tmp_path: Path) -> None:
    twilio = Twilio(200)
    ask(tmp_path, twilio, lambda api: api.complete_call(CALL), region="ie1", api_url="http://127.0.0.1:1/")
    assert twilio.requests[0].url.host == "127.0.0.1"
    assert twilio.requests[0].headers["x-twilio-host"] == "api.dublin.ie1.twilio.com"


def test_a_busy_account_is_asked_again_since_nothing_was_done(tmp_path: Path) -> None:
    twilio = Twilio(429, 429, 201)
    assert ask(tmp_path, twilio, lambda api: api.create_call("+14155550190", "+14155550123")) == "CA1"
    assert len(twilio.requests) == 3


def test_a_call_that_may_have_been_placed_is_not_placed_again(tmp_path: Path) -> None:
    twilio = Twilio(500, 201)
    with pytest.raises(TwilioApiError, match="Twilio answered 500"):
        ask(tmp_path, twilio, lambda api: api.create_call("+14155550190", "+14155550123"))
    assert len(twilio.requests) == 1


def test_ending_a_call_is_asked_again_because_twice_is_as_good_as_once(tmp_path: Path) -> None:
    twilio = Twilio(503, 503, 200)
    ask(tmp_path, twilio, lambda api: api.complete_call(CALL))
    assert len(twilio.requests) == 3


def test_a_connection_that_was_never_made_is_tried_again_and_then_told_of(tmp_path: Path) -> None:
    tries = 0

    async def unreachable(request: httpx2.Request) -> httpx2.Response:
        nonlocal tries
        tries += 1
        raise httpx2.ConnectError("refused", request=request)

    with pytest.raises(TwilioApiError, match=r"cannot be reached \(ConnectError\)"):
        ask(tmp_path, unreachable, lambda api: api.create_call("+14155550190", "+14155550123"))
    assert tries == 4


def test_an_account_that_does_not_answer_holds_nobody_up_for_long(tmp_path: Path) -> None:
    async def silent(_request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits for an hour")

    async def timed(api: AccountApi) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(TwilioApiError, match="in time"):
            await api.complete_call(CALL)
        return loop.time() - began

    assert ask(tmp_path, silent, timed) == REQUEST_SECONDS


def test_an_account_has_a_bounded_number_of_requests_under_way(tmp_path: Path) -> None:
    under_way, most = 0, 0

    async def slow(_request: httpx2.Request) -> httpx2.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.1)
        under_way -= 1
        return httpx2.Response(200, json={"sid": "CA1"})

    async def many(api: AccountApi) -> None:
        await asyncio.gather(*(api.complete_call(f"CA{number:032}") for number in range(100)))

    ask(tmp_path, slow, many)
    assert most == MOST_AT_ONCE


def test_a_failure_is_told_without_what_was_sent_or_the_credentials(tmp_path: Path) -> None:
    refused = Twilio(400, body={"code": 21211, "message": "The number +14155550190 is not valid"})
    with pytest.raises(TwilioApiError) as caught:
        ask(tmp_path, refused, lambda api: api.create_call("+14155550190", "+14155550123"))
    assert str(caught.value) == "Twilio answered 400 (error 21211)"
    assert not caught.value.call_is_over


def test_a_call_that_is_over_is_told_from_other_failures(tmp_path: Path) -> None:
    over = Twilio(400, body={"code": 21220})
    with pytest.raises(TwilioApiError) as caught:
        ask(tmp_path, over, lambda api: api.redirect_call(CALL, twiml="<Response/>"))
    assert caught.value.call_is_over


def test_a_recording_is_asked_for_with_its_callback(tmp_path: Path) -> None:
    twilio = Twilio(201, body={"sid": "RE1"})
    callback = "https://agents.example.com/voice/front-desk/recording"
    sid = ask(tmp_path, twilio, lambda api: api.start_recording(CALL, channels="dual", callback=callback))
    assert sid == "RE1"
    assert twilio.requests[0].url.path.endswith(f"/Calls/{CALL}/Recordings.json")
    assert twilio.form() == {
        "RecordingChannels": ["dual"],
        "RecordingStatusCallback": [callback],
        "RecordingStatusCallbackEvent": ["completed", "absent"],
    }


def test_people_are_dialled_into_a_conference_and_taken_out_of_it(tmp_path: Path) -> None:
    twilio = Twilio(201, body={"call_sid": "CA2"})
    dial = {"EndConferenceOnExit": True, "Timeout": 20}
    sid = ask(
        tmp_path,
        twilio,
        lambda api: api.add_participant("room 1", to="+14155550190", from_="+14155550123", **dial),
    )
    assert sid == "CA2"
    assert twilio.requests[0].url.raw_path.endswith(b"/Conferences/room%201/Participants.json")
    assert twilio.form() == {
        "To": ["+14155550190"],
        "From": ["+14155550123"],
        "EndConferenceOnExit": ["true"],
        "Timeout": ["20"],
    }
    gone = Twilio(404)
    ask(tmp_path, gone, lambda api: api.remove_participant(CONFERENCE, OTHER_CALL))
    assert gone.requests[0].method == "DELETE"


def test_a_conference_is_found_by_its_name_while_it_is_in_progress(tmp_path: Path) -> None:
    twilio = Twilio(200, body={"conferences": [{"sid": "CF1"}]})
    assert ask(tmp_path, twilio, lambda api: api.find_conference("room-1")) == "CF1"
    assert twilio.requests[0].url.query == b"FriendlyName=room-1&Status=in-progress"
    nothing = Twilio(200, body={"conferences": []})
    assert ask(tmp_path, nothing, lambda api: api.find_conference("room-1")) is None


def test_an_answer_that_is_not_twilios_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    async def proxy(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, text="<html>")

    with pytest.raises(TwilioApiError, match="not what its documents promise"):
        ask(tmp_path, proxy, lambda api: api.call_status(CALL))


def test_credentials_never_show(tmp_path: Path) -> None:
    async def story() -> str:
        api = TwilioApi(fleet_of(tmp_path, ACCOUNT + AGENT))
        shown = repr(api.account("main", "us1")) + repr(vars(api.account("main", "ie1")))
        await api.close()
        return shown

    shown = run(story())
    assert "a" * 32 not in shown
    assert "hush-hush" not in shown
