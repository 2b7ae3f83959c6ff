"""Contacts and messages in the database: who works for whom, what is known already, what came of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from runtime.call_record import CallRecord, TranscriptEntry
from runtime.messages.contact import Change, ContactKey, Outgoing
from runtime.messages.webhook import FileReference, MessageWebhook, StatusWebhook
from runtime.store import CallStore
from runtime.store.contacts import HOLD_MS, MOST_WAITING, LostHoldError
from runtime.store.message_store import MessageStore
from runtime.store.tables import calls
from tests.runtime.store.stores import record

KEY = ContactKey("front-desk", "whatsapp:+14155550190")
HELLO = MessageWebhook("SM1", KEY.contact, "whatsapp:+14155550123", "Hello")


class Clock:
    """The time of all nodes, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


Story = Callable[[CallStore, MessageStore, MessageStore, Clock], Awaitable[None]]


def play(database: str, story: Story) -> None:
    """Run a story with two nodes on one database; the call store is the first one's."""

    async def with_stores() -> None:
        clock = Clock()
        stores = [CallStore(database, node=name, epoch=clock) for name in ("one", "two")]
        for store in stores:
            await store.open()
        one, two = (
            MessageStore(store.thread, node=name, epoch=clock)
            for store, name in zip(stores, ("one", "two"), strict=True)
        )
        try:
            await story(stores[0], one, two, clock)
        finally:
            for store in stores:
                await store.close()

    asyncio.run(with_stores())


def conversation(*texts: str) -> CallRecord:
    entries = (
        TranscriptEntry("agent", text, 10 * number, item_id=f"agent-{number}")
        for number, text in enumerate(texts, 1)
    )
    return replace(record(1), channel="whatsapp", call_sid="SM1", transcript=tuple(entries))


async def transcript(store: CallStore) -> list[dict[str, Any]]:
    found = await store.find("id-001")
    assert found is not None
    entries = found["transcript"]
    assert isinstance(entries, list)
    return entries


def test_a_message_is_stored_once_whichever_nodes_are_told(database: str) -> None:
    async def story(_store: CallStore, one: MessageStore, two: MessageStore, _clock: Clock) -> None:
        told = await asyncio.gather(*(node.receive(KEY, HELLO) for node in (one, two) * 5))
        assert sorted(told) == [False] * 9 + [True]
        contact = await two.hold(KEY)
        assert contact is not None
        assert [message.text for message in contact.waiting] == ["Hello"]

    play(database, story)


def test_of_two_nodes_one_works_for_a_contact_and_when_it_dies_the_other(database: str) -> None:
    async def story(_store: CallStore, one: MessageStore, two: MessageStore, clock: Clock) -> None:
        await one.receive(KEY, HELLO)
        held = await asyncio.gather(one.hold(KEY), two.hold(KEY))
        first, second = (one, two) if held[0] is not None else (two, one)
        assert sum(contact is not None for contact in held) == 1
        assert await second.due(10) == []
        clock.now += HOLD_MS / 1000
        assert await second.due(10) == [KEY]
        assert await second.hold(KEY) is not None
        with pytest.raises(LostHoldError):
            await first.change(KEY, Change(None, is_open=False, taken=("SM1",)))
        assert len((await second.look(KEY)).waiting) == 1

    play(database, story)


def test_a_contact_is_not_let_go_while_a_message_waits(database: str) -> None:
    async def story(_store: CallStore, one: MessageStore, two: MessageStore, clock: Clock) -> None:
        await one.receive(KEY, HELLO)
        await one.hold(KEY)
        await one.change(KEY, Change(None, is_open=False, taken=("SM1",)))
        await two.receive(KEY, replace(HELLO, sid="SM2"))
        assert not await one.release(KEY, None)
        await one.change(KEY, Change(None, is_open=False, taken=("SM2",)))
        assert await one.release(KEY, round(clock.now * 1000) + 5_000)
        assert await two.due(10) == []
        clock.now += 5
        assert await two.due(10) == [KEY]

    play(database, story)


def test_what_a_stopping_node_lets_go_of_is_due_at_once(database: str) -> None:
    async def story(_store: CallStore, one: MessageStore, two: MessageStore, _clock: Clock) -> None:
        await one.receive(KEY, HELLO)
        await one.hold(KEY)
        await two.abandon()
        assert await two.due(10) == []
        await one.abandon()
        assert await two.due(10) == [KEY]

    play(database, story)


def test_an_answer_is_stored_with_what_is_to_be_sent(database: str) -> None:
    async def story(store: CallStore, one: MessageStore, two: MessageStore, _clock: Clock) -> None:
        reference = FileReference("https://api.twilio.com/x", "image/png")
        await one.receive(KEY, replace(HELLO, files=(reference,)))
        contact = await one.hold(KEY)
        assert contact is not None
        assert contact.waiting[0].files == (reference,)
        wanted = Outgoing("m1", "agent-1", "Hi", ("https://b.example/x",), "HX1", (("1", "nine"),))
        done = Change(conversation("Hi"), is_open=True, idle_at=9_000_000, taken=("SM1",), outbox=(wanted,))
        await one.change(KEY, done)
        await one.abandon()
        after = await two.hold(KEY)
        assert after is not None
        assert after.waiting == ()
        assert after.outbox == (replace(wanted, at=1_000_000),)
        assert after.record is not None
        assert after.record.transcript == conversation("Hi").transcript
        assert (await transcript(store))[0]["text"] == "Hi"

    play(database, story)


def test_a_report_that_is_faster_than_the_answer_counts_by_our_own_name(database: str) -> None:
    async def story(store: CallStore, one: MessageStore, two: MessageStore, clock: Clock) -> None:
        await one.receive(KEY, HELLO)
        await one.hold(KEY)
        outbox = (Outgoing("m1", "agent-1", "Hi"), Outgoing("m2", "agent-2", "Still there?"))
        await one.change(KEY, Change(conversation("Hi", "Still there?"), is_open=True, outbox=outbox))
        clock.now += 2
        await two.report(StatusWebhook("SMa", "delivered", None), "m1")
        await one.report(StatusWebhook("SMa", "queued", None), "m1")
        await two.report(StatusWebhook("SMa", "sent", None))
        assert (await transcript(store))[0]["heard_ms"] == 2000
        await one.report(StatusWebhook("SMb", "undelivered", 30003), "m2")
        entries = await transcript(store)
        assert [entry["interrupted"] for entry in entries] == [False, True, None]
        assert (await one.look(KEY)).outbox == ()
        assert await one.known(["SMa", "SMc"]) == {"SMa"}

    play(database, story)


def test_a_report_of_a_message_of_somebody_else_changes_nothing(database: str) -> None:
    async def story(_store: CallStore, one: MessageStore, _two: MessageStore, _clock: Clock) -> None:
        await one.receive(KEY, HELLO)
        await one.report(StatusWebhook("SM1", "failed", 21610))
        await one.report(StatusWebhook("SM9", "read", None), "nobody's")
        contact = await one.hold(KEY)
        assert contact is not None
        assert len(contact.waiting) == 1
        assert not contact.opted_out

    play(database, story)


def test_messages_beyond_what_is_answered_are_dropped_and_known(database: str) -> None:
    async def story(_store: CallStore, one: MessageStore, _two: MessageStore, _clock: Clock) -> None:
        for number in range(MOST_WAITING + 3):
            assert await one.receive(KEY, replace(HELLO, sid=f"SM{number}"))
        assert not await one.receive(KEY, replace(HELLO, sid=f"SM{MOST_WAITING + 1}"))
        contact = await one.hold(KEY)
        assert contact is not None
        assert len(contact.waiting) == MOST_WAITING

    play(database, story)


def test_a_restart_of_a_node_leaves_conversations_open(database: str) -> None:
    async def story(store: CallStore, one: MessageStore, _two: MessageStore, _clock: Clock) -> None:
        await one.receive(KEY, HELLO)
        await one.hold(KEY)
        await one.change(KEY, Change(conversation("Hi"), is_open=True, idle_at=90_000_000, taken=("SM1",)))
        await store.open()
        await store.close_expired()
        found = await store.find("id-001")
        assert found is not None
        assert found["status"] == "active"

    play(database, story)


def test_a_conversation_that_is_hung_up_is_over_at_once_whoever_works_for_its_contact(database: str) -> None:
    async def story(store: CallStore, one: MessageStore, two: MessageStore, clock: Clock) -> None:
        await one.receive(KEY, HELLO)
        await one.hold(KEY)
        parts = (Outgoing("m1", "agent-1", "Hi"), Outgoing("m2", "agent-1", "there"))
        done = Change(conversation("Hi there"), is_open=True, idle_at=9_000_000, taken=("SM1",), outbox=parts)
        await one.change(KEY, done)
        await one.trying(KEY, "m1")
        await one.receive(KEY, replace(HELLO, sid="SM2"))
        cancelled = await two.cancel("id-001")
        assert cancelled is not None
        assert (cancelled[0], cancelled[1].end_reason) == (KEY, "cancelled")
        for work in (one.look(KEY), one.trying(KEY, "m2"), one.change(KEY, done)):
            with pytest.raises(LostHoldError):
                await work
        found = await store.find("id-001")
        assert found is not None
        assert (found["status"], found["ended_at"]) == ("completed", round(clock.now * 1000))
        assert [entry["text"] for entry in await transcript(store)] == [
            "Hi there",
            "[not delivered: it was taken back]",
        ]
        contact = await two.hold(KEY)
        assert contact is not None
        assert (contact.record, contact.waiting) == (None, ())
        assert [message.name for message in contact.outbox] == ["m1"]  # Twilio may have it
        assert await two.cancel("id-001") is None

    play(database, story)


def test_a_record_that_nobody_can_read_keeps_nobody_from_its_contact(database: str) -> None:
    async def story(store: CallStore, one: MessageStore, two: MessageStore, clock: Clock) -> None:
        await one.receive(KEY, HELLO)
        await one.hold(KEY)
        part = Outgoing("m1", "agent-1", "Hi")
        done = Change(
            conversation("Hi"), is_open=True, idle_at=9_000_000, taken=("SM1",), outbox=(part,), owes=True
        )
        await one.change(KEY, done)
        unreadable = update(calls).values(record={"id": "id-001", "transcript": [7]})
        await store.thread.change(lambda connection: connection.execute(unreadable), 5.0)
        await one.report(StatusWebhook("SM7", "delivered", None), "m1")
        contact = await one.look(KEY)
        assert (contact.record, contact.idle_at, contact.owes) == (None, None, False)
        assert await two.cancel("id-001") is None
        assert await two.hold(KEY) is not None

    play(database, story)
