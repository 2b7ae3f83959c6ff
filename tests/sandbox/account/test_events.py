"""Monitor Events: who changed a number, from where, and what it was before."""

from __future__ import annotations

from datetime import timedelta

from sandbox import MessagingService, NumberSeed, Sender
from sandbox.account.formats import stable_sid
from tests.sandbox.account.api import BAKERY, BISTRO, account_with, client
from tests.sandbox.account.clock import START, Time


def test_an_update_by_the_api_names_the_account_and_its_address() -> None:
    account = account_with()
    twilio = client(account)
    sid = account.number(BISTRO).sid
    twilio.incoming_phone_numbers(sid).update(voice_url="https://voice.example/")
    (event,) = twilio.monitor.v1.events.list(resource_sid=sid)
    assert (event.event_type, event.actor_type, event.source) == ("phone-number.updated", "account", "api")
    assert (event.actor_sid, event.source_ip_address) == (account.sid, "127.0.0.1")
    assert event.event_data == {
        "resource_properties": {"voice_url": {"previous": None, "updated": "https://voice.example/"}}
    }


def test_a_change_in_the_console_names_a_user() -> None:
    account = account_with()
    account.edit(BISTRO, voice_url="https://elsewhere.example/", friendly_name="By hand")
    (event,) = client(account).monitor.v1.events.list()
    assert (event.actor_type, event.source) == ("user", "web")
    assert event.actor_sid.startswith("US")
    assert set(event.event_data["resource_properties"]) == {"voice_url", "friendly_name"}


def test_an_update_that_changes_nothing_leaves_no_event() -> None:
    account = account_with(NumberSeed(BISTRO, voice_url="https://voice.example/"))
    client(account).incoming_phone_numbers.list()[0].update(voice_url="https://voice.example/")
    assert client(account).monitor.v1.events.list() == []


def test_events_are_newest_first_and_chosen_by_resource_and_date() -> None:
    account = account_with(NumberSeed(BISTRO), NumberSeed(BAKERY))
    time = Time(account)
    for hour, number in enumerate((BISTRO, BAKERY, BISTRO)):
        time.now = START + timedelta(hours=hour)
        account.edit(number, friendly_name=f"Name {hour}")
    events = client(account).monitor.v1.events
    sid = account.number(BISTRO).sid
    assert [one.event_date.hour for one in events.list(resource_sid=sid)] == [14, 12]
    late = events.list(start_date=START + timedelta(hours=1))
    assert [one.event_date.hour for one in late] == [14, 13]
    early = events.list(end_date=START + timedelta(hours=1))
    assert [one.event_date.hour for one in early] == [13, 12]


def test_an_event_can_be_read_by_itself() -> None:
    account = account_with()
    account.edit(BISTRO, friendly_name="By hand")
    events = client(account).monitor.v1.events
    assert events(events.list()[0].sid).fetch().resource_sid == account.number(BISTRO).sid


def test_numbers_that_come_and_go_leave_events() -> None:
    account = account_with()
    twilio = client(account)
    bought = twilio.incoming_phone_numbers.create(phone_number=BAKERY)
    assert bought.delete()
    types = [one.event_type for one in twilio.monitor.v1.events.list(resource_sid=bought.sid)]
    assert types == ["phone-number.deleted", "phone-number.created"]


def test_services_and_senders_leave_events_too() -> None:
    whatsapp = f"whatsapp:{BISTRO}"
    account = account_with(messaging_services=(MessagingService("Bistro"),), senders=(Sender(whatsapp),))
    account.edit_service(stable_sid("MG", "Bistro"), inbound_request_url="https://a.example/")
    account.edit_sender(stable_sid("XE", whatsapp), callback_url="https://a.example/")
    types = [one.event_type for one in client(account).monitor.v1.events.list()]
    assert types == ["sender.updated", "messaging-service.updated"]
