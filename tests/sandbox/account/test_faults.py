"""Faults that a test orders."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import MessagingService, NumberSeed, Sender
from sandbox.account import PhoneNumber
from sandbox.account.formats import stable_sid
from sandbox.account.routes import RestApi
from sandbox.account.state import Keeper, StateError, dump_state, load_state
from tests.sandbox.account.api import BAKERY, BISTRO, InProcess, account_with, client, refusal


def test_the_next_answers_can_be_failures_of_one_number_only() -> None:
    account = account_with(NumberSeed(BISTRO), NumberSeed(BAKERY))
    account.faults.answer_next(1, 429, number=BISTRO, retry_after="2")
    twilio = client(account)
    sid = {one.phone_number: one.sid for one in twilio.incoming_phone_numbers.list()}
    twilio.incoming_phone_numbers(sid[BAKERY]).update(voice_url="https://a.example/")
    with pytest.raises(TwilioRestException) as caught:
        twilio.incoming_phone_numbers(sid[BISTRO]).update(voice_url="https://a.example/")
    assert refusal(caught.value) == (429, 20429)
    assert isinstance(twilio.http_client, InProcess)
    assert twilio.http_client.responses[-1].headers["Retry-After"] == "2"
    twilio.incoming_phone_numbers(sid[BISTRO]).update(voice_url="https://a.example/")
    assert account.number(BISTRO).voice_url == "https://a.example/"


def test_a_failing_number_can_be_read_but_never_written() -> None:
    account = account_with()
    account.faults.failing_numbers[BISTRO] = 500
    number = client(account).incoming_phone_numbers.list()[0].fetch()
    for _ in range(3):
        with pytest.raises(TwilioRestException) as caught:
            number.update(voice_url="https://a.example/")
        assert refusal(caught.value) == (500, 20500)
    assert account.number(BISTRO).voice_url is None


def test_another_writer_can_come_between_read_and_write() -> None:
    account = account_with()

    def somebody(record: PhoneNumber) -> None:
        account.edit(record.phone_number, friendly_name="Changed by hand")

    account.faults.before_update = somebody
    number = client(account).incoming_phone_numbers.list()[0].update(voice_url="https://a.example/")
    assert (number.friendly_name, number.voice_url) == ("Changed by hand", "https://a.example/")


def test_another_writer_can_come_between_for_every_kind_of_record() -> None:
    account = account_with(messaging_services=(MessagingService("Bistro"),))
    sid = stable_sid("MG", "Bistro")

    def somebody(changed: str) -> None:
        assert changed == sid
        account.edit_service(sid, friendly_name="Changed by hand")

    account.faults.before_change = somebody
    service = client(account).messaging.v1.services(sid).update(inbound_request_url="https://a.example/")
    assert (service.friendly_name, service.inbound_request_url) == ("Changed by hand", "https://a.example/")


def test_a_failing_record_is_named_by_its_sid() -> None:
    account = account_with(messaging_services=(MessagingService("Bistro"), MessagingService("Bakery")))
    services = client(account).messaging.v1.services
    account.faults.failing_numbers[stable_sid("MG", "Bistro")] = 500
    services(stable_sid("MG", "Bakery")).update(inbound_request_url="https://a.example/")
    with pytest.raises(TwilioRestException) as caught:
        services(stable_sid("MG", "Bistro")).update(inbound_request_url="https://a.example/")
    assert refusal(caught.value) == (500, 20500)


def test_a_failing_number_keeps_its_route() -> None:
    account = account_with()
    account.faults.failing_numbers[BISTRO] = 500
    with pytest.raises(TwilioRestException) as caught:
        client(account).routes.v2.phone_numbers(BISTRO).update(voice_region="ie1")
    assert refusal(caught.value) == (500, 20500)
    assert account.answering_region(BISTRO) == "us1"


def test_what_is_above_the_ceiling_is_refused_and_changes_nothing() -> None:
    account = account_with(*(NumberSeed(f"+1415555010{digit}") for digit in range(6)))
    account.faults.max_concurrency = 4
    account.faults.latency_ms = 5

    async def burst() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=RestApi(account))
        auth = (account.sid, account.auth_token)
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox", auth=auth) as asking:
            paths = (one.json()["uri"] for one in account.numbers())
            return await asyncio.gather(
                *(asking.post(str(path), data={"FriendlyName": "x"}) for path in paths)
            )

    answers = asyncio.run(burst())
    assert sorted(one.status_code for one in answers) == [200] * 4 + [429] * 2
    assert sorted(int(one.headers["Twilio-Concurrent-Requests"]) for one in answers) == [1, 2, 3, 4, 5, 6]
    assert all(one.json()["code"] == 20429 for one in answers if one.status_code == 429)
    assert sum(one.friendly_name == "x" for one in account.numbers()) == 4


def test_a_share_of_requests_can_fail() -> None:
    account = account_with()
    account.faults.error_rate = 1
    with pytest.raises(TwilioRestException) as caught:
        client(account).api.accounts(account.sid).fetch()
    assert refusal(caught.value) == (503, 20503)


def test_a_saved_account_is_the_same_after_loading() -> None:
    account = account_with(
        NumberSeed(BISTRO, friendly_name="Bistro", voice_url="https://a.example/"),
        messaging_services=(MessagingService("Bistro", inbound_request_url="https://a.example/"),),
        senders=(Sender(f"whatsapp:{BISTRO}"),),
    )
    twilio = client(account)
    account.edit(BISTRO, "ie1", voice_url="https://ie.example/")
    account.set_route(BISTRO, "ie1")
    twilio.applications.create(friendly_name="Front desk")
    twilio.sync.v1.services("default").documents.create(unique_name="lease", data={"a": [1]}, ttl=60)
    again = account_with(NumberSeed(BAKERY))
    load_state(again, dump_state(account))
    for region in ("us1", "ie1", "au1"):
        assert again.number(BISTRO, region) == account.number(BISTRO, region)
    assert again.routes() == account.routes()
    assert again.applications == account.applications
    assert again.messaging_services == account.messaging_services
    assert again.senders == account.senders
    assert again.documents == account.documents
    assert [event.json() for event in again.events] == [event.json() for event in account.events]


def test_changes_that_come_while_the_file_is_written_are_in_it(tmp_path: Path) -> None:
    account = account_with()
    path = tmp_path / "state.json"

    async def story() -> None:
        keeper = Keeper(account, path)

        async def change(turn: int) -> None:
            account.edit(BISTRO, friendly_name=str(turn))
            await keeper.keep()
            again = account_with()
            load_state(again, path.read_text())
            assert int(again.number(BISTRO).friendly_name) >= turn

        await asyncio.gather(*(change(turn) for turn in range(10)))

    asyncio.run(story())
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 2, "account_sid": "AC"}'])
def test_a_broken_state_file_is_refused(text: str) -> None:
    with pytest.raises(StateError):
        load_state(account_with(), text)


def test_a_saved_account_holds_no_token() -> None:
    account = account_with()
    assert account.auth_token not in dump_state(account)
    assert account.auth_token not in repr(account)
