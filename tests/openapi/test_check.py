"""The check itself: it finds what differs from the documents, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox import MessagingService, NumberSeed, Seed, Sender
from sandbox.account.exchange import Exchange
from tests.openapi.check import answer_violations, request_violations
from tests.openapi.documents import FORM, JSON

ACCOUNT = Seed(
    numbers=(NumberSeed("+14155550123"),),
    messaging_services=(MessagingService("Bistro"),),
    senders=(Sender("whatsapp:+14155550123"),),
).account()
NUMBER = ACCOUNT.number("+14155550123")
IN_ACCOUNT = f"/2010-04-01/Accounts/{ACCOUNT.sid}"
NUMBER_PATH = f"{IN_ACCOUNT}/IncomingPhoneNumbers/{NUMBER.sid}.json"
UPDATE = Exchange("POST", "api.twilio.com", NUMBER_PATH, "", FORM, b"", 200, b"", dropped=False)


def updated(**form: str) -> list[str]:
    return list(request_violations(replace(UPDATE, body=urlencode(form).encode())))


def answered(status: int = 200, **changes: Any) -> list[str]:
    body = {**NUMBER.json(), **changes}
    return list(answer_violations(replace(UPDATE, status=status, answer=json.dumps(body).encode())))


def asked(method: str, host: str, path: str, query: str = "") -> list[str]:
    return list(request_violations(Exchange(method, host, path, query, "", b"", 200, b"", dropped=False)))


def test_a_correct_update_and_its_answer_pass() -> None:
    assert updated(VoiceUrl="https://voice.example/", VoiceMethod="POST", VoiceCallerIdLookup="true") == []
    assert answered() == []


def test_an_empty_value_clears_a_field() -> None:
    assert updated(VoiceUrl="", VoiceApplicationSid="", TrunkSid="", StatusCallback="") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VoiceMethod", "PUT"),
        ("VoiceUrl", "voice.example/"),
        ("VoiceApplicationSid", "PN" + "0" * 32),
        ("VoiceCallerIdLookup", "True"),
        ("VoiceUlr", "https://voice.example/"),
    ],
)
def test_a_wrong_parameter_is_found(name: str, value: str) -> None:
    (found,) = updated(**{name: value})
    assert name in found


def test_a_parameter_that_is_given_twice_is_found() -> None:
    body = b"VoiceMethod=GET&VoiceMethod=POST"
    assert list(request_violations(replace(UPDATE, body=body)))


def test_an_array_is_a_repeated_name() -> None:
    path = f"{IN_ACCOUNT}/Calls.json"
    body = b"To=%2B14155550100&From=%2B14155550123&StatusCallbackEvent=initiated&StatusCallbackEvent=answered"
    call = replace(UPDATE, path=path, body=body)
    assert list(request_violations(call)) == []
    (found,) = request_violations(replace(call, body=body.replace(b"To=%2B14155550100&", b"")))
    assert "To" in found


@pytest.mark.parametrize(
    "changes",
    [
        {"voice_method": "PUT"},
        {"voice_caller_id_lookup": "false"},
        {"date_updated": "2015-07-30T20:12:31Z"},
        {"sid": "AP" + "0" * 32},
        {"voice_url": "not a url"},
        {"invented": "by us"},
    ],
)
def test_a_wrong_answer_is_found(changes: dict[str, Any]) -> None:
    assert len(answered(**changes)) == 1


def test_an_answer_without_one_of_its_fields_is_found() -> None:
    body = NUMBER.json()
    del body["trunk_sid"]
    (found,) = answer_violations(replace(UPDATE, answer=json.dumps(body).encode()))
    assert "trunk_sid" in found


def test_a_status_that_the_method_does_not_have_is_found() -> None:
    assert len(answered(201)) == 1


def test_an_error_has_twilios_four_keys() -> None:
    refused = replace(UPDATE, status=400)
    error = {
        "code": 21402,
        "message": "no",
        "more_info": "https://www.twilio.com/docs/errors/21402",
        "status": 400,
    }
    assert list(answer_violations(replace(refused, answer=json.dumps(error).encode()))) == []
    del error["more_info"]
    assert list(answer_violations(replace(refused, answer=json.dumps(error).encode())))
    assert list(answer_violations(replace(refused, answer=b"<html>")))


def test_paths_methods_and_parameters_that_are_not_published_are_found() -> None:
    assert asked("GET", "api.twilio.com", f"{IN_ACCOUNT}/IncomingPhoneNumbers.json", "PageSize=1000") == []
    assert asked("GET", "api.twilio.com", f"{IN_ACCOUNT}/IncomingPhoneNumbers.json", "PageSize=5000")
    assert asked("GET", "api.twilio.com", f"{IN_ACCOUNT}/IncomingPhoneNumbers.json", "Size=5")
    assert asked("GET", "api.twilio.com", f"{IN_ACCOUNT}/PhoneNumbers.json")
    assert asked("DELETE", "routes.twilio.com", "/v2/PhoneNumbers/+14155550123")
    assert asked("GET", "messaging.twilio.com", "/v2/Channels/Senders", "Channel=whatsapp") == []
    assert asked("GET", "messaging.twilio.com", "/v2/Channels/Senders")
    assert asked("GET", "api.dublin.ie1.twilio.com", NUMBER_PATH) == []


def test_json_bodies_are_checked_as_deep_as_they_go() -> None:
    path = f"/v2/Channels/Senders/{next(iter(ACCOUNT.senders))}"
    update = Exchange("POST", "messaging.twilio.com", path, "", JSON, b"", 202, b"", dropped=False)
    good = {"webhook": {"callback_url": "https://voice.example/", "callback_method": "POST"}}
    assert list(request_violations(replace(update, body=json.dumps(good).encode()))) == []
    bad = {"webhook": {"callback_url": "https://voice.example/", "callback_method": "GET"}}
    (found,) = request_violations(replace(update, body=json.dumps(bad).encode()))
    assert "webhook.callback_method" in found
    assert list(request_violations(replace(update, content_type=FORM, body=b"webhook=1")))


def test_apis_without_a_document_are_left_alone() -> None:
    assert asked("GET", "sync.twilio.com", "/v1/Services/default/Documents/tm-lock") == []
    assert asked("GET", "routes.twilio.com", "/v3/PhoneNumbers/+14155550123") == []
