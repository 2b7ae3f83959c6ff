"""Sync documents as the `twilio` library sees them: what a lease needs."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import Account
from tests.sandbox.account.api import InProcess, account_with, client, refusal
from tests.sandbox.account.clock import Time

LEASE = "tm-lease"


def documents(account: Account) -> Any:
    return client(account).sync.v1.services("default").documents


def test_a_document_is_found_by_its_name_and_by_its_sid() -> None:
    account = account_with()
    made = documents(account).create(unique_name=LEASE, data={"holder": "a"})
    for name in (LEASE, made.sid):
        assert documents(account)(name).fetch().data == {"holder": "a"}
    by_service = client(account).sync.v1.services(made.service_sid).documents(LEASE).fetch()
    assert by_service.sid == made.sid


def test_a_name_exists_once() -> None:
    account = account_with()
    documents(account).create(unique_name=LEASE, data={"holder": "a"})
    with pytest.raises(TwilioRestException) as caught:
        documents(account).create(unique_name=LEASE, data={"holder": "b"})
    assert refusal(caught.value) == (409, 54301)
    assert documents(account)(LEASE).fetch().data == {"holder": "a"}


def test_an_update_with_the_revision_that_was_read_is_made() -> None:
    account = account_with()
    made = documents(account).create(unique_name=LEASE, data={"holder": "a"})
    after = documents(account)(LEASE).update(if_match=made.revision, data={"holder": "b"})
    assert (after.data, after.revision) == ({"holder": "b"}, "1")


def test_an_update_with_an_older_revision_is_refused() -> None:
    account = account_with()
    made = documents(account).create(unique_name=LEASE, data={"holder": "a"})
    documents(account)(LEASE).update(data={"holder": "b"})
    with pytest.raises(TwilioRestException) as caught:
        documents(account)(LEASE).update(if_match=made.revision, data={"holder": "c"})
    assert refusal(caught.value) == (412, 54103)
    assert documents(account)(LEASE).fetch().data == {"holder": "b"}


def test_a_document_with_a_time_to_live_ends_and_frees_its_name() -> None:
    account = account_with()
    time = Time(account)
    documents(account).create(unique_name=LEASE, data={}, ttl=30)
    time.forward(29)
    documents(account)(LEASE).update(ttl=30)
    time.forward(29)
    assert documents(account)(LEASE).fetch().date_expires is not None
    time.forward(1)
    with pytest.raises(TwilioRestException) as caught:
        documents(account)(LEASE).fetch()
    assert refusal(caught.value) == (404, 20404)
    assert documents(account).create(unique_name=LEASE, data={}).date_expires is None


def test_the_revision_is_the_etag() -> None:
    twilio = client(account_with())
    twilio.sync.v1.services("default").documents.create(unique_name=LEASE, data={})
    assert isinstance(twilio.http_client, InProcess)
    assert twilio.http_client.responses[-1].headers["ETag"] == "0"


def test_a_deleted_document_is_gone() -> None:
    account = account_with()
    documents(account).create(unique_name=LEASE, data={})
    assert documents(account)(LEASE).delete()
    assert documents(account).list() == []


def test_data_is_an_object_of_bounded_size_in_a_service_that_exists() -> None:
    account = account_with()
    for data in ([1], {"text": "x" * 16_384}):
        with pytest.raises(TwilioRestException) as caught:
            documents(account).create(data=data)
        assert refusal(caught.value) == (400, 20001)
    with pytest.raises(TwilioRestException) as caught:
        client(account).sync.v1.services("IS" + "0" * 32).documents.create(data={})
    assert refusal(caught.value) == (404, 20404)
