"""Messaging Services as the `twilio` library sees them."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import MessagingService, NumberSeed, Sender
from sandbox.account.formats import stable_sid
from tests.sandbox.account.api import BAKERY, BISTRO, InProcess, account_with, client, refusal

SERVICE = stable_sid("MG", "Bistro")
WHATSAPP = f"whatsapp:{BISTRO}"


def test_an_update_changes_what_it_names_and_nothing_else() -> None:
    account = account_with(messaging_services=(MessagingService("Bistro", sticky_sender=False),))
    service = client(account).messaging.v1.services(SERVICE)
    service.update(inbound_request_url="https://voice.example/whatsapp", inbound_method="GET")
    read = service.fetch()
    assert (read.inbound_request_url, read.inbound_method) == ("https://voice.example/whatsapp", "GET")
    assert (read.friendly_name, read.sticky_sender) == ("Bistro", False)


def test_an_empty_url_clears_it() -> None:
    account = account_with(
        messaging_services=(MessagingService("Bistro", inbound_request_url="https://voice.example/"),)
    )
    assert (
        client(account).messaging.v1.services(SERVICE).update(inbound_request_url="").inbound_request_url
        is None
    )


def test_services_come_in_pages_with_absolute_addresses() -> None:
    account = account_with(messaging_services=tuple(MessagingService(f"Service {n}") for n in range(5)))
    twilio = client(account)
    listed = twilio.messaging.v1.services.list(page_size=2)
    assert [one.friendly_name for one in listed] == [f"Service {n}" for n in (4, 3, 2, 1, 0)]
    assert isinstance(twilio.http_client, InProcess)
    metas = [response.json()["meta"] for response in twilio.http_client.responses]
    assert [meta["key"] for meta in metas] == ["services"] * 3
    assert metas[0]["next_page_url"].startswith("https://messaging.twilio.com/v1/Services?")
    assert metas[2]["next_page_url"] is None


def test_dates_are_written_as_v1_writes_them() -> None:
    twilio = client(account_with(messaging_services=(MessagingService("Bistro"),)))
    twilio.messaging.v1.services(SERVICE).fetch()
    assert isinstance(twilio.http_client, InProcess)
    assert twilio.http_client.responses[-1].json()["date_created"].endswith("Z")


def test_a_service_needs_a_name_and_can_be_deleted() -> None:
    account = account_with()
    services = client(account).messaging.v1.services
    with pytest.raises(TwilioRestException) as caught:
        services.create(friendly_name="")
    assert refusal(caught.value) == (400, 20002)
    made = services.create(friendly_name="Bakery")
    assert made.delete()
    assert services.list() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("inbound_request_url", "/relative"), ("inbound_method", "PUT"), ("validity_period", 36001)],
)
def test_a_refused_value_changes_nothing(field: str, value: object) -> None:
    account = account_with(messaging_services=(MessagingService("Bistro"),))
    before = account.messaging_services[SERVICE]
    with pytest.raises(TwilioRestException) as caught:
        client(account).messaging.v1.services(SERVICE).update(**{field: value})
    assert refusal(caught.value) == (400, 20001)
    assert account.messaging_services[SERVICE] == before


def test_a_number_is_in_one_service_at_most() -> None:
    account = account_with(
        NumberSeed(BISTRO), messaging_services=(MessagingService("Bistro"), MessagingService("Bakery"))
    )
    services = client(account).messaging.v1.services
    sid = account.number(BISTRO).sid
    added = services(SERVICE).phone_numbers.create(phone_number_sid=sid)
    assert (added.phone_number, added.capabilities) == (BISTRO, ["Voice", "SMS", "MMS"])
    for service, code in ((SERVICE, 21710), (stable_sid("MG", "Bakery"), 21712)):
        with pytest.raises(TwilioRestException) as caught:
            services(service).phone_numbers.create(phone_number_sid=sid)
        assert refusal(caught.value) == (409, code)
    assert [one.sid for one in services(SERVICE).phone_numbers.list()] == [sid]
    assert services(SERVICE).phone_numbers(sid).delete()
    assert services(SERVICE).phone_numbers.list() == []


def test_a_number_that_is_released_leaves_its_service() -> None:
    account = account_with(messaging_services=(MessagingService("Bistro"),))
    twilio = client(account)
    sid = account.number(BISTRO).sid
    twilio.messaging.v1.services(SERVICE).phone_numbers.create(phone_number_sid=sid)
    assert twilio.incoming_phone_numbers(sid).delete()
    assert twilio.messaging.v1.services(SERVICE).phone_numbers.list() == []


def test_the_senders_of_a_service_are_listed() -> None:
    account = account_with(
        senders=(Sender(WHATSAPP),),
        messaging_services=(MessagingService("Bistro", channel_senders=(stable_sid("XE", WHATSAPP),)),),
    )
    (sender,) = client(account).messaging.v1.services(SERVICE).channel_senders.list()
    assert (sender.sender, sender.sender_type) == (WHATSAPP, "WhatsApp")


def test_a_service_of_one_region_is_not_found_in_another() -> None:
    account = account_with(messaging_services=(MessagingService("Bistro", region="ie1"),))
    ireland = client(account, region="ie1", edge="dublin")
    assert ireland.messaging.v1.services(SERVICE).fetch().friendly_name == "Bistro"
    with pytest.raises(TwilioRestException) as caught:
        client(account).messaging.v1.services(SERVICE).fetch()
    assert refusal(caught.value) == (404, 20404)


def test_somebody_in_the_console_can_change_a_service() -> None:
    account = account_with(NumberSeed(BAKERY), messaging_services=(MessagingService("Bistro"),))
    account.edit_service(SERVICE, inbound_request_url="https://elsewhere.example/")
    read = client(account).messaging.v1.services(SERVICE).fetch()
    assert read.inbound_request_url == "https://elsewhere.example/"
    assert account.writes == ()
