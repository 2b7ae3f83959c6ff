"""Twilio's requests about messages, read."""

from __future__ import annotations

import pytest

from runtime.messages.webhook import FileReference, MessageWebhook, StatusWebhook
from runtime.signature import Parameters
from runtime.webhook import NotAWebhookError

MESSAGE = {"MessageSid": "SM1", "From": "whatsapp:+14155550190", "To": "whatsapp:+14155550123"}


def read(**fields: str) -> MessageWebhook:
    return MessageWebhook.read(Parameters({**MESSAGE, **fields}))


def test_a_message_has_its_words_and_its_files() -> None:
    message = read(Body=" Hello ", MediaUrl0="https://api.twilio.com/x", MediaContentType0="Image/PNG; a=b")
    assert message.text == "Hello"
    assert message.files == (FileReference("https://api.twilio.com/x", "image/png"),)
    assert message.on_whatsapp


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"Body": "Confirm", "ButtonText": "Confirm", "ButtonPayload": "yes-4711"},
            "Confirm [chosen: yes-4711]",
        ),
        ({"Body": "Confirm", "ButtonPayload": "Confirm"}, "Confirm"),
        ({"Latitude": "52.5", "Longitude": "13.4", "Label": "Zoo"}, "[location: 52.5 13.4, Zoo]"),
        ({}, ""),
    ],
)
def test_what_was_pressed_or_pointed_to_is_told_in_words(fields: dict[str, str], text: str) -> None:
    assert read(**fields).text == text


@pytest.mark.parametrize("missing", ["MessageSid", "From", "To"])
def test_a_request_that_is_no_message_is_refused(missing: str) -> None:
    with pytest.raises(NotAWebhookError):
        read(**{missing: ""})


def test_nothing_that_comes_is_longer_than_what_is_kept() -> None:
    assert len(read(Body="x" * 10_000).text) == 4_096
    with pytest.raises(NotAWebhookError):
        read(From="whatsapp:+" + "1" * 100)


@pytest.mark.parametrize(
    ("code", "known"), [("63016", 63016), ("0", None), ("", None), ("x", None), ("9" * 30, None)]
)
def test_a_report_has_a_status_and_perhaps_an_error(code: str, known: int | None) -> None:
    fields = {"MessageSid": "SM1", "MessageStatus": "Failed", "ErrorCode": code}
    assert StatusWebhook.read(Parameters(fields)) == StatusWebhook("SM1", "failed", known)
