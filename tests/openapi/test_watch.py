"""The watch over all tests: what breaks the documents fails the test that caused it."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from tests.conftest import pytest_runtest_call
from tests.openapi.watch import watching
from tests.sandbox.account.api import BISTRO, account_with, client

# These tests run inside of the watch that every test runs in.
pytestmark = pytest.mark.breaks_twilios_documents("Nothing")

UNPUBLISHED = "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000000/Nothing.json"


def test_what_a_sandbox_is_asked_is_seen() -> None:
    account = account_with()
    with watching() as watch:
        client(account).incoming_phone_numbers.list()
    assert [one.path.rpartition("/")[2] for one in watch.exchanges] == ["IncomingPhoneNumbers.json"]
    assert watch.report() == ""


def test_an_answer_that_twilio_would_not_give_is_reported() -> None:
    account = account_with()
    account.edit(BISTRO, voice_method="PATCH")
    with watching() as watch:
        client(account).incoming_phone_numbers.list()
    assert "voice_method" in watch.report()


def test_a_test_that_causes_such_an_answer_fails(request: pytest.FixtureRequest) -> None:
    account = account_with()
    account.edit(BISTRO, voice_method="PATCH")
    run = pytest_runtest_call(request.node)
    next(run)
    client(account).incoming_phone_numbers.list()
    with pytest.raises(pytest.fail.Exception, match="voice_method"):
        next(run)


def test_a_request_that_the_account_refused_may_be_wrong() -> None:
    account = account_with()
    with watching() as watch:
        answer = client(account).http_client.request(
            "POST",
            f"https://api.twilio.com/2010-04-01/Accounts/{account.sid}/Nothing.json",
            auth=(account.sid, account.auth_token),
        )
    assert answer.status_code == 404
    assert watch.report() == ""


def test_a_request_to_a_transport_of_the_test_is_seen() -> None:
    with watching() as watch:
        _ask(UNPUBLISHED)
        _ask("https://voice.example/")
    assert [one.host for one in watch.requests] == ["api.twilio.com"]
    assert "is not published" in watch.report()


def test_what_a_test_breaks_on_purpose_is_allowed() -> None:
    with watching("Nothing.json") as watch:
        _ask(UNPUBLISHED)
    assert watch.report() == ""


def test_a_long_report_is_cut_and_counted() -> None:
    with watching() as watch:
        for number in range(12):
            _ask(UNPUBLISHED.replace("Nothing", f"Nothing{number}"))
    assert watch.report().endswith("… and 2 more")


def _ask(url: str) -> None:
    async def send() -> None:
        transport = httpx2.MockTransport(lambda _: httpx2.Response(200))
        async with httpx2.AsyncClient(transport=transport) as asking:
            await asking.get(url)

    asyncio.run(send())
