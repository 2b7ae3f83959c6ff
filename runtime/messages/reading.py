"""What is to be done about the messages of a contact that wait for an answer: a pure decision.

Messages are taken in the order in which they came, as many at a time as are of one kind; the worker looks
again when it has done what was decided about those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from runtime.admission import is_allowed
from runtime.messages.opting import Wish, wish_in

if TYPE_CHECKING:
    from runtime.messages.contact import Contact, Inbound

MOST_TOGETHER: Final = 20
"""Messages that are answered with one answer."""
LONGEST_CONVERSATION: Final = 1_000
"""Turns of a transcript after which a conversation is over, and the next message begins another one."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to be done before `at` (epoch ms), None for until something comes."""

    at: int | None


@dataclass(frozen=True, slots=True)
class Close:
    """The conversation that is open is over: nothing has come for long enough, or enough has been said."""

    at: int
    full: bool = False


@dataclass(frozen=True, slots=True)
class Ignore:
    """Who opted out writes something else."""

    taken: tuple[Inbound, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The agent does not talk to this contact."""

    taken: tuple[Inbound, ...]


@dataclass(frozen=True, slots=True)
class OptOut:
    """The contact wants no more messages; what they wrote before that is answered no more."""

    taken: tuple[Inbound, ...]


@dataclass(frozen=True, slots=True)
class OptIn:
    """The contact wants messages again."""

    taken: tuple[Inbound, ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """The agent is to answer these; none where it owes an answer to words that are in the record already."""

    taken: tuple[Inbound, ...]


Decision: TypeAlias = Nothing | Close | Ignore | Refuse | OptOut | OptIn | Talk


def decide(contact: Contact, allowed: tuple[str, ...] | None, now: int) -> Decision:
    """Decide what comes next for a contact at `now` (epoch ms).

    `allowed` are the callers that the agent takes, None for everybody.
    """
    waiting = contact.waiting
    stop = next((place for place, message in enumerate(waiting) if wants_to_stop(contact, message)), None)
    if stop is not None:
        return OptOut(waiting[: stop + 1])
    if contact.opted_out:
        return _of_one_who_opted_out(contact)
    closing = _closing(contact, waiting[0].at if waiting else now)
    if closing is not None:
        return closing
    if not waiting and not contact.owes:
        return Nothing(contact.idle_at if contact.record is not None else None)
    if not is_allowed(contact.key.number, allowed):
        return Refuse(waiting)
    return Talk(waiting[:MOST_TOGETHER])


def wants_to_stop(contact: Contact, message: Inbound) -> bool:
    """Tell whether a message says that the contact wants no more."""
    wish = wish_in(message.text, on_whatsapp=contact.key.on_whatsapp, opted_out=contact.opted_out)
    return wish is Wish.STOP


def _of_one_who_opted_out(contact: Contact) -> Decision:
    waiting, on_whatsapp = contact.waiting, contact.key.on_whatsapp
    if not waiting:
        return Nothing(None)
    if wish_in(waiting[0].text, on_whatsapp=on_whatsapp, opted_out=True) is Wish.START:
        return OptIn(waiting[:1])
    return Ignore(waiting[:1])


def _closing(contact: Contact, moment: int) -> Close | None:
    """Return why the conversation was over by `moment`, None where none is open or it goes on."""
    if contact.record is None or contact.owes:
        return None
    if contact.idle_at is not None and moment >= contact.idle_at:
        return Close(contact.idle_at)
    if contact.waiting and len(contact.record.transcript) >= LONGEST_CONVERSATION:
        return Close(moment, full=True)
    return None
