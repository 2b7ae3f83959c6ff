"""Faults that a test orders."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import NumberSeed
from sandbox.account import PhoneNumber
from sandbox.account.state import StateError, dump_state, load_state
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


def test_a_share_of_requests_can_fail() -> None:
    account = account_with()
    account.faults.error_rate = 1
    with pytest.raises(TwilioRestException) as caught:
        client(account).api.accounts(account.sid).fetch()
    assert refusal(caught.value) == (503, 20503)


def test_a_saved_account_is_the_same_after_loading() -> None:
    account = account_with(NumberSeed(BISTRO, friendly_name="Bistro", voice_url="https://a.example/"))
    account.edit(BISTRO, "ie1", voice_url="https://ie.example/")
    account.set_route(BISTRO, "ie1")
    again = account_with(NumberSeed(BAKERY))
    load_state(again, dump_state(account))
    for region in ("us1", "ie1", "au1"):
        assert again.number(BISTRO, region) == account.number(BISTRO, region)
    assert again.answering_region(BISTRO) == "ie1"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 2, "account_sid": "AC"}'])
def test_a_broken_state_file_is_refused(text: str) -> None:
    with pytest.raises(StateError):
        load_state(account_with(), text)


def test_a_saved_account_holds_no_token() -> None:
    account = account_with()
    assert account.auth_token not in dump_state(account)
    assert account.auth_token not in repr(account)
