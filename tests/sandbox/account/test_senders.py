"""WhatsApp senders as the `twilio` library sees them: JSON, and changes that take a while."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest.messaging.v2.channels_sender import ChannelsSenderList

from sandbox import Account, Sender, Webhook
from sandbox.account.formats import stable_sid
from tests.sandbox.account.api import BAKERY, BISTRO, account_with, client, refusal
from tests.sandbox.account.clock import Time

WHATSAPP = f"whatsapp:{BISTRO}"
SENDER = stable_sid("XE", WHATSAPP)
OURS = "https://voice.example/whatsapp/front-desk"


def update(account: Account, **webhook: str | None) -> Any:
    hook = ChannelsSenderList.MessagingV2ChannelsSenderWebhook({})
    for name, value in webhook.items():
        setattr(hook, name, value)
    request = ChannelsSenderList.MessagingV2ChannelsSenderRequestsUpdate({})
    request.webhook = hook
    senders = client(account).messaging.v2.channels_senders
    return senders(SENDER).update(messaging_v2_channels_sender_requests_update=request)


def fetch(account: Account) -> Any:
    return client(account).messaging.v2.channels_senders(SENDER).fetch()


def with_sender(**webhook: str) -> tuple[Account, Time]:
    account = account_with(senders=(Sender(WHATSAPP, webhook=Webhook(**webhook)),))
    return account, Time(account)


def test_an_update_is_accepted_at_once_and_made_later() -> None:
    account, time = with_sender(callback_url="https://old.example/")
    accepted = update(account, callback_url=OURS, callback_method="POST")
    assert (accepted.status, accepted.webhook["callback_url"]) == ("ONLINE:UPDATING", OURS)
    assert (fetch(account).status, fetch(account).webhook["callback_url"]) == (
        "ONLINE:UPDATING",
        "https://old.example/",
    )
    time.forward(account.sender_update_seconds)
    assert (fetch(account).status, fetch(account).webhook["callback_url"]) == ("ONLINE", OURS)


def test_an_update_that_overtakes_another_keeps_both_changes() -> None:
    account, time = with_sender()
    update(account, callback_url=OURS)
    update(account, status_callback_url=f"{OURS}/status")
    time.forward(account.sender_update_seconds)
    webhook = fetch(account).webhook
    assert (webhook["callback_url"], webhook["status_callback_url"]) == (OURS, f"{OURS}/status")


def test_a_sender_that_is_still_updating_shows_so_in_the_list() -> None:
    account, time = with_sender()
    senders = client(account).messaging.v2.channels_senders
    update(account, callback_url=OURS)
    assert [one.status for one in senders.list(channel="whatsapp")] == ["ONLINE:UPDATING"]
    time.forward(account.sender_update_seconds)
    assert [one.webhook["callback_url"] for one in senders.list(channel="whatsapp")] == [OURS]


def test_an_empty_url_clears_it() -> None:
    account, time = with_sender(callback_url=OURS)
    update(account, callback_url="")
    time.forward(account.sender_update_seconds)
    assert fetch(account).webhook["callback_url"] is None


def test_a_list_needs_its_channel() -> None:
    account, _ = with_sender()
    senders = client(account).messaging.v2.channels_senders
    assert [one.sender_id for one in senders.list(channel="whatsapp")] == [WHATSAPP]
    assert senders.list(channel="messenger") == []
    with pytest.raises(TwilioException):
        senders.list(channel="")


@pytest.mark.parametrize(
    "webhook",
    [{"callback_method": "GET"}, {"callback_url": "/relative"}, {"status_callback_url": "ftp://a.example"}],
)
def test_a_refused_value_changes_nothing(webhook: dict[str, str]) -> None:
    account, _ = with_sender()
    before = account.senders[SENDER]
    with pytest.raises(TwilioRestException) as caught:
        update(account, **webhook)
    assert refusal(caught.value) == (400, 20001)
    assert account.senders[SENDER] == before


def test_a_form_is_not_json() -> None:
    account, _ = with_sender()
    answer = client(account).http_client.request(
        "POST",
        f"https://messaging.twilio.com/v2/Channels/Senders/{SENDER}",
        data={"webhook": OURS},
        auth=(account.sid, account.auth_token),
    )
    assert answer.status_code == 400


def test_a_new_sender_is_online_after_a_while_and_can_be_removed() -> None:
    account = account_with()
    time = Time(account)
    senders = client(account).messaging.v2.channels_senders
    request = ChannelsSenderList.MessagingV2ChannelsSenderRequestsCreate({})
    request.sender_id = f"whatsapp:{BAKERY}"
    made = senders.create(messaging_v2_channels_sender_requests_create=request)
    assert made.status == "CREATING"
    time.forward(account.sender_update_seconds)
    assert senders(made.sid).fetch().status == "ONLINE"
    assert senders(made.sid).delete()
    assert senders.list(channel="whatsapp") == []
