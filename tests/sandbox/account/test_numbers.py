"""IncomingPhoneNumbers as the `twilio` library sees them."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import Application, NumberSeed
from sandbox.account.formats import stable_sid
from tests.sandbox.account.api import BAKERY, BISTRO, account_with, client, refusal

APPLICATION = stable_sid("AP", "front desk")
TRUNK = stable_sid("TK", "office")


def test_an_update_is_stored_and_read_back() -> None:
    account = account_with()
    numbers = client(account).incoming_phone_numbers
    number = numbers.list()[0]
    number.update(voice_url="https://voice.example/a?tm=1", status_callback="https://voice.example/s")
    read = numbers(number.sid).fetch()
    assert (read.voice_url, read.status_callback) == (
        "https://voice.example/a?tm=1",
        "https://voice.example/s",
    )
    assert [write.path for write in account.writes] == [
        f"/2010-04-01/Accounts/{account.sid}/IncomingPhoneNumbers/{number.sid}.json"
    ]


def test_values_that_were_never_set_are_a_mixture_of_null_and_empty() -> None:
    number = client(account_with()).incoming_phone_numbers.list()[0]
    assert number.voice_url is None
    assert number.status_callback == ""


def test_an_empty_string_clears_and_an_omitted_field_stays() -> None:
    account = account_with(
        NumberSeed(BISTRO, voice_url="https://a.example/", status_callback="https://a.example/s")
    )
    number = client(account).incoming_phone_numbers.list()[0].update(voice_url="")
    assert (number.voice_url, number.status_callback) == ("", "https://a.example/s")


@pytest.mark.breaks_twilios_documents("VoiceUlr")
def test_unknown_parameters_are_ignored() -> None:
    account = account_with()
    http = client(account).http_client
    record = account.number(BISTRO)
    path = f"https://api.twilio.com/2010-04-01/Accounts/{account.sid}/IncomingPhoneNumbers/{record.sid}.json"
    answer = http.request(
        "POST", path, data={"VoiceUlr": "https://typo.example/"}, auth=(account.sid, account.auth_token)
    )
    assert answer.status_code == 200
    assert account.number(BISTRO).voice_url is None


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("voice_url", "not-a-url", 21402),
        ("voice_url", "ftp://voice.example/", 21402),
        ("voice_url", "https://", 21402),
        ("status_callback", "/relative", 21502),
        ("voice_method", "PUT", 21403),
        ("friendly_name", "x" * 65, 20002),
        ("voice_application_sid", "AP123", 20001),
        ("voice_application_sid", APPLICATION, 21420),
        ("voice_fallback_url", "https://voice.example/f", 21405),
        ("sms_fallback_url", "https://voice.example/f", 21406),
    ],
)
def test_a_refused_value_is_answered_with_its_code_and_changes_nothing(
    field: str, value: str, code: int
) -> None:
    account = account_with()
    before = account.number(BISTRO)
    with pytest.raises(TwilioRestException) as caught:
        client(account).incoming_phone_numbers.list()[0].update(**{field: value})
    assert refusal(caught.value) == (400, code)
    assert account.number(BISTRO) == before


def test_clearing_the_voice_url_alone_is_refused_while_a_fallback_stands() -> None:
    account = account_with(
        NumberSeed(BISTRO, voice_url="https://a.example/", voice_fallback_url="https://b.example/")
    )
    number = client(account).incoming_phone_numbers.list()[0]
    with pytest.raises(TwilioRestException) as caught:
        number.update(voice_url="")
    assert refusal(caught.value) == (400, 21405)
    assert number.update(voice_url="", voice_fallback_url="").voice_url == ""


def test_an_application_ends_a_trunk_and_the_other_way_round() -> None:
    account = account_with(NumberSeed(BISTRO, trunk_sid=TRUNK), applications=(Application(APPLICATION),))
    number = client(account).incoming_phone_numbers.list()[0]
    number = number.update(voice_application_sid=APPLICATION)
    assert (number.voice_application_sid, number.trunk_sid) == (APPLICATION, None)
    number = number.update(trunk_sid=TRUNK)
    assert not number.voice_application_sid
    assert number.trunk_sid == TRUNK


def test_setting_a_voice_url_leaves_the_application_in_place() -> None:
    account = account_with(
        NumberSeed(BISTRO, voice_application_sid=APPLICATION), applications=(Application(APPLICATION),)
    )
    number = client(account).incoming_phone_numbers.list()[0].update(voice_url="https://voice.example/")
    assert number.voice_application_sid == APPLICATION


def test_a_number_without_messages_takes_no_sms_url() -> None:
    account = account_with(NumberSeed(BISTRO, sms=False))
    with pytest.raises(TwilioRestException) as caught:
        client(account).incoming_phone_numbers.list()[0].update(sms_url="https://a.example/")
    assert refusal(caught.value) == (400, 21407)


def test_a_list_filters_by_part_of_a_number_and_by_exact_name() -> None:
    account = account_with(
        NumberSeed(BISTRO, friendly_name="Bistro"), NumberSeed(BAKERY), NumberSeed("+442071838750")
    )
    numbers = client(account).incoming_phone_numbers
    assert {one.phone_number for one in numbers.list(phone_number="+1415*")} == {BISTRO, BAKERY}
    assert [one.phone_number for one in numbers.list(phone_number="0123")] == [BISTRO]
    assert [one.phone_number for one in numbers.list(friendly_name="Bistro")] == [BISTRO]


def test_a_number_can_be_bought_once_and_released() -> None:
    account = account_with()
    numbers = client(account).incoming_phone_numbers
    bought = numbers.create(phone_number=BAKERY)
    assert bought.voice_url == "https://demo.twilio.com/welcome/voice/"
    with pytest.raises(TwilioRestException) as caught:
        numbers.create(phone_number=BAKERY)
    assert refusal(caught.value) == (400, 21422)
    with pytest.raises(TwilioRestException) as caught:
        numbers.create(phone_number="33")
    assert refusal(caught.value) == (400, 21421)
    assert numbers(bought.sid).delete()
    assert account.find(BAKERY) is None
    assert [write.method for write in account.writes] == ["POST", "POST", "POST", "DELETE"]
