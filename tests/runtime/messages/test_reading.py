"""What is to be done about a contact's messages, decided without I/O."""

from __future__ import annotations

from dataclasses import replace

from runtime.call_record import CallRecord, TranscriptEntry
from runtime.messages.contact import Contact, ContactKey, Inbound
from runtime.messages.reading import LONGEST_CONVERSATION, MOST_TOGETHER, Close, Nothing, Talk, decide

KEY = ContactKey("front-desk", "whatsapp:+14155550190")
HELLO = Inbound("SM1", 5_000, "Hello")


def talking(turns: int, *waiting: Inbound, idle_at: int = 90_000) -> Contact:
    """A contact whose conversation has had so many turns."""
    entries = tuple(
        TranscriptEntry("caller", "More", number, item_id=f"caller-{number}") for number in range(turns)
    )
    record = CallRecord("r1", "front-desk", "inbound", "active", 0, transcript=entries)
    return Contact(KEY, "whatsapp:+14155550123", record=record, idle_at=idle_at, waiting=waiting)


def test_a_conversation_of_a_thousand_turns_ends_with_the_next_message_which_begins_another() -> None:
    assert decide(talking(LONGEST_CONVERSATION - 1, HELLO), None, 5_000) == Talk((HELLO,))
    full = talking(LONGEST_CONVERSATION, HELLO)
    assert decide(full, None, 5_000) == Close(5_000, full=True)
    assert decide(replace(full, record=None), None, 5_000) == Talk((HELLO,))


def test_a_full_conversation_in_which_nothing_comes_is_over_when_it_is_idle() -> None:
    full = talking(LONGEST_CONVERSATION)
    assert decide(full, None, 5_000) == Nothing(90_000)
    assert decide(full, None, 90_000) == Close(90_000)


def test_an_answer_that_is_owed_comes_before_the_end() -> None:
    owed = replace(talking(LONGEST_CONVERSATION, HELLO), owes=True)
    assert decide(owed, None, 100_000) == Talk((HELLO,))


def test_so_many_messages_are_answered_at_once_and_the_oldest_first() -> None:
    many = tuple(replace(HELLO, sid=f"SM{number}") for number in range(MOST_TOGETHER + 5))
    assert decide(talking(2, *many), None, 5_000) == Talk(many[:MOST_TOGETHER])
