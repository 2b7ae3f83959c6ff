"""Who may read the account, on which host, and what a page and an error look like."""

from __future__ import annotations

import re

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from sandbox import NumberSeed
from tests.sandbox.account.api import BAKERY, BISTRO, InProcess, account_with, client, refusal


def test_a_wrong_token_is_refused_with_twilios_error_body() -> None:
    account = account_with()
    wrong = client(account, password="0" * 32)
    with pytest.raises(TwilioRestException) as caught:
        wrong.api.accounts(account.sid).fetch()
    assert refusal(caught.value) == (401, 20003)
    assert isinstance(wrong.http_client, InProcess)
    assert set(wrong.http_client.responses[-1].json()) == {"code", "message", "more_info", "status"}


def test_a_standard_key_reads_numbers_but_not_the_account() -> None:
    key = "SK" + "1" * 32
    account = account_with(api_keys={key: "secret"})
    with_key = client(account, user=key, password="secret")
    assert len(with_key.incoming_phone_numbers.list()) == 1
    with pytest.raises(TwilioRestException) as caught:
        with_key.api.accounts(account.sid).fetch()
    assert refusal(caught.value) == (401, 20003)


def test_the_account_tells_whether_it_is_a_trial() -> None:
    account = account_with(account_type="Trial")
    assert client(account).api.accounts(account.sid).fetch().type == "Trial"


def test_an_unknown_record_is_not_found() -> None:
    account = account_with()
    with pytest.raises(TwilioRestException) as caught:
        client(account).incoming_phone_numbers("PN" + "0" * 32).fetch()
    assert refusal(caught.value) == (404, 20404)


def test_an_impossible_method_is_refused() -> None:
    account = account_with()
    answer = client(account).http_client.request(
        "DELETE",
        f"https://api.twilio.com/2010-04-01/Accounts/{account.sid}.json",
        auth=(account.sid, account.auth_token),
    )
    assert answer.status_code == 405


def test_a_list_comes_in_pages_that_the_library_follows() -> None:
    numbers = [NumberSeed(f"+1415555{index:04d}") for index in range(120)]
    account = account_with(*numbers)
    listed = client(account).incoming_phone_numbers.list(page_size=50)
    assert [one.phone_number for one in listed] == [one.number for one in reversed(numbers)]
    assert len(account.requests) == 3


def test_a_page_names_nothing_but_what_twilio_names() -> None:
    twilio = client(account_with(NumberSeed(BISTRO), NumberSeed(BAKERY)))
    twilio.incoming_phone_numbers.page(page_size=1)
    assert isinstance(twilio.http_client, InProcess)
    page = twilio.http_client.responses[-1].json()
    assert set(page) == {
        *("incoming_phone_numbers", "page", "page_size", "start", "end", "uri"),
        *("first_page_uri", "next_page_uri", "previous_page_uri"),
    }
    assert page["next_page_uri"].startswith("/2010-04-01/Accounts/AC")


def test_a_number_that_is_bought_between_two_pages_shifts_nothing() -> None:
    account = account_with(NumberSeed(BISTRO), NumberSeed(BAKERY))
    first = client(account).incoming_phone_numbers.page(page_size=1)
    account.add(NumberSeed("+14155550125").record(account.sid))
    second = first.next_page()
    assert second is not None
    assert [one.phone_number for one in second] == [BISTRO]


def test_a_page_of_more_than_a_thousand_is_refused() -> None:
    with pytest.raises(TwilioException):
        client(account_with()).incoming_phone_numbers.list(page_size=5000)


def test_every_answer_has_twilios_headers() -> None:
    twilio = client(account_with())
    twilio.incoming_phone_numbers.list()
    assert isinstance(twilio.http_client, InProcess)
    headers = twilio.http_client.responses[-1].headers
    assert re.fullmatch(r"RQ[0-9a-f]{32}", headers["Twilio-Request-Id"])
    assert headers["Twilio-Concurrent-Requests"] == "1"
    assert float(headers["Twilio-Request-Duration"]) >= 0


def test_each_region_has_its_own_configuration_of_a_number() -> None:
    account = account_with()
    ireland = client(account, region="ie1", edge="dublin")
    ireland.incoming_phone_numbers.list()[0].update(voice_url="https://ie.example/")
    assert account.number(BISTRO, "ie1").voice_url == "https://ie.example/"
    assert account.number(BISTRO).voice_url is None
    assert account.requests[-1].host == "api.dublin.ie1.twilio.com"


def test_a_region_with_its_own_token_refuses_the_default_one() -> None:
    account = account_with(regional_tokens={"ie1": "1" * 32})
    with pytest.raises(TwilioRestException) as caught:
        client(account, region="ie1", edge="dublin").api.accounts(account.sid).fetch()
    assert refusal(caught.value) == (401, 20003)


@pytest.mark.parametrize(
    "host", ["api.ie1.twilio.com", "api.dublin.de1.twilio.com", "api.example.com", "video.twilio.com"]
)
def test_a_host_that_twilio_does_not_have_answers_nothing_of_twilios(host: str) -> None:
    account = account_with()
    answer = client(account).http_client.request(
        "GET",
        f"https://{host}/2010-04-01/Accounts/{account.sid}.json",
        auth=(account.sid, account.auth_token),
    )
    assert answer.status_code == 421
    assert host in answer.text


def test_a_route_that_was_never_set_is_not_found_and_means_us1() -> None:
    account = account_with()
    routes = client(account).routes.v2
    with pytest.raises(TwilioRestException) as caught:
        routes.phone_numbers(BISTRO).fetch()
    assert refusal(caught.value) == (404, 20404)
    routes.phone_numbers(BISTRO).update(voice_region="ie1", friendly_name="Bistro")
    assert routes.phone_numbers(BISTRO).fetch().voice_region == "ie1"
    assert account.answering_region(BISTRO) == "ie1"


def test_a_route_keeps_its_name_and_the_region_that_was_not_named() -> None:
    account = account_with()
    routes = client(account).routes
    routes.v3.phone_numbers(BISTRO).update(voice_region="ie1", messaging_region="au1", friendly_name="Bistro")
    routes.v2.phone_numbers(BISTRO).update(voice_region="us1")
    route = routes.v3.phone_numbers(BISTRO).fetch()
    assert (route.voice_region, route.messaging_region, route.friendly_name) == ("us1", "au1", "Bistro")


def test_the_third_version_of_routes_is_only_on_the_host_of_us1() -> None:
    account = account_with()
    account.set_route(BISTRO, "ie1")
    with pytest.raises(TwilioRestException) as caught:
        client(account, region="ie1", edge="dublin").routes.v3.phone_numbers(BISTRO).fetch()
    assert refusal(caught.value) == (404, 20404)
    assert client(account, region="ie1", edge="dublin").routes.v2.phone_numbers(BISTRO).fetch()


def test_a_region_that_does_not_exist_cannot_answer() -> None:
    account = account_with()
    with pytest.raises(TwilioRestException) as caught:
        client(account).routes.v2.phone_numbers(BISTRO).update(voice_region="de1")
    assert refusal(caught.value) == (400, 20001)
    assert account.routes() == {}
