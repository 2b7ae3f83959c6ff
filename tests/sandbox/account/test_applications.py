"""Applications, verified callers, and what a trial account may not do."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import Application
from sandbox.account.formats import stable_sid
from tests.sandbox.account.api import BAKERY, BISTRO, account_with, client, refusal

APPLICATION = stable_sid("AP", "front desk")


def test_an_application_is_made_changed_found_by_name_and_removed() -> None:
    applications = client(account_with()).applications
    made = applications.create(friendly_name="Front desk", voice_url="https://voice.example/")
    applications.create(friendly_name="Kitchen")
    assert made.update(voice_url="", status_callback="https://voice.example/s").voice_url == ""
    assert [one.sid for one in applications.list(friendly_name="Front desk")] == [made.sid]
    assert applications(made.sid).delete()
    assert [one.friendly_name for one in applications.list()] == ["Kitchen"]


def test_a_name_may_be_given_to_two_applications() -> None:
    applications = client(account_with()).applications
    first, second = (applications.create(friendly_name="Front desk") for _ in range(2))
    assert first.sid != second.sid


@pytest.mark.parametrize(
    ("field", "value", "code"), [("voice_url", "nowhere", 21402), ("friendly_name", "x" * 65, 20002)]
)
def test_a_refused_value_changes_nothing(field: str, value: str, code: int) -> None:
    account = account_with(applications=(Application(APPLICATION, "Front desk"),))
    before = account.applications[APPLICATION]
    with pytest.raises(TwilioRestException) as caught:
        client(account).applications(APPLICATION).update(**{field: value})
    assert refusal(caught.value) == (400, code)
    assert account.applications[APPLICATION] == before


def test_the_older_name_of_the_message_callback_still_works() -> None:
    applications = client(account_with()).applications
    made = applications.create(sms_status_callback="https://voice.example/s")
    assert made.message_status_callback == "https://voice.example/s"


def test_an_application_of_another_region_cannot_drive_a_number() -> None:
    account = account_with(applications=(Application(APPLICATION, region="ie1"),))
    with pytest.raises(TwilioRestException) as caught:
        client(account).incoming_phone_numbers.list()[0].update(voice_application_sid=APPLICATION)
    assert refusal(caught.value) == (400, 21420)
    ireland = client(account, region="ie1", edge="dublin")
    number = ireland.incoming_phone_numbers.list()[0].update(voice_application_sid=APPLICATION)
    assert number.voice_application_sid == APPLICATION


def test_a_trial_calls_verified_numbers_only() -> None:
    account = account_with(account_type="Trial", verified_callers=(BAKERY,))
    twilio = client(account)
    assert [one.phone_number for one in twilio.outgoing_caller_ids.list()] == [BAKERY]
    (verified,) = twilio.outgoing_caller_ids.list(phone_number=BAKERY)
    assert twilio.outgoing_caller_ids(verified.sid).fetch().phone_number == BAKERY
    assert twilio.calls.create(to=BAKERY, from_=BISTRO, url="https://voice.example/").status == "queued"
    with pytest.raises(TwilioRestException) as caught:
        twilio.calls.create(to="+14155550199", from_=BISTRO, url="https://voice.example/")
    assert refusal(caught.value) == (400, 21219)
