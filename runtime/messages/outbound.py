"""A message that a person sends through an agent: it reaches the contact, and the agent knows of it.

Whoever sends works for the contact like a node, so that nothing else is done for them meanwhile, and the
message is part of the conversation that is open, or begins one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runtime.call_record import Caller, CallRecord, TranscriptEntry
from runtime.messages import statuses
from runtime.messages.contact import Change, Contact, ContactKey
from runtime.messages.conversation import idle_ms, model_of
from runtime.messages.record import idle_record
from runtime.messages.sending import template, texts
from runtime.messages.webhook import WHATSAPP
from runtime.reception import revision_of
from schemas.errors import TmError
from schemas.fields import is_phone_number

if TYPE_CHECKING:
    from runtime.messages.sending import Sender
    from runtime.messages.webhook import StatusWebhook
    from runtime.store.message_store import MessageStore
    from schemas import Agent

BUSY_SECONDS: Final = 20.0
"""How long is waited for a node that is just answering the contact."""
LOOK_SECONDS: Final = 0.5


class MessageRefusedError(TmError):
    """The message cannot be sent, or Twilio does not take it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be sent: a text, or a template (`content_sid`) with the values of its variables."""

    text: str = ""
    content_sid: str | None = None
    variables: Mapping[str, str] | None = None

    @property
    def told(self) -> str:
        """What the record and the agent are told of it."""
        if self.content_sid is None:
            return self.text.strip()
        values = ", ".join(f"{name}: {value}" for name, value in (self.variables or {}).items())
        return f"[template {self.content_sid}{f' with {values}' if values else ''}]"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it: the record of the conversation, and what Twilio said of each message."""

    record_id: str
    outcomes: tuple[StatusWebhook, ...]


def key_of(agent: Agent, to: str) -> ContactKey:
    """Return the contact of an address. Raises `MessageRefusedError` for one that the agent cannot reach."""
    key = ContactKey(agent.name, to)
    if not is_phone_number(key.number):
        raise MessageRefusedError(
            f"{to} is no address to write to.",
            hint="Write whatsapp:+14155550190 for WhatsApp, +14155550190 for SMS.",
        )
    if key.on_whatsapp and agent.whatsapp is None:
        raise MessageRefusedError(
            f"Agent {agent.name} has no whatsapp.", hint="Declare the sender that its messages come from."
        )
    if not key.on_whatsapp and not (agent.sms and agent.numbers):
        raise MessageRefusedError(
            f"Agent {agent.name} writes no SMS.",
            hint="Declare sms: true and its numbers; answers come there.",
        )
    return key


async def send(agent: Agent, key: ContactKey, draft: Draft, store: MessageStore, sender: Sender) -> Sent:
    """Send a message. Raises `MessageRefusedError` before anything is sent, and `StoreUnavailableError`."""
    await store.know(key, _ours(agent, key))
    contact = await _hold(key, store)
    try:
        _check(contact, draft, store.now())
        before = await _conversation(contact, store)
        record = _with(before or _opening(agent, key, store.now()), draft, store.now())
        item_id = record.transcript[-1].item_id
        assert item_id is not None
        if draft.content_sid is None:
            outbox = texts(draft.text, item_id)
        else:
            outbox = (template(draft.content_sid, draft.variables or {}, item_id),)
        idle_at = store.now() + idle_ms(agent)
        await store.change(
            key, Change(record, is_open=True, idle_at=idle_at, outbox=outbox, owes=contact.owes)
        )
        outcomes = await sender.send(await store.look(key))
        if await store.release(key, idle_at):
            return Sent(record.id, outcomes)
    except BaseException:
        await store.abandon(key)
        raise
    await store.abandon(key)  # somebody has written meanwhile: a node answers
    return Sent(record.id, outcomes)


async def _hold(key: ContactKey, store: MessageStore) -> Contact:
    for _ in range(round(BUSY_SECONDS / LOOK_SECONDS)):
        contact = await store.hold(key)
        if contact is not None:
            return contact
        await asyncio.sleep(LOOK_SECONDS)
    raise MessageRefusedError(
        f"Agent {key.agent} is just answering this contact.", hint="Send it again in a moment."
    )


def _check(contact: Contact, draft: Draft, now: int) -> None:
    """Raise for what would not reach the contact."""
    if contact.opted_out:
        raise MessageRefusedError(
            "The contact has opted out: nothing is sent until they write START.",
            hint="Reach them in another way, if you may.",
        )
    if draft.content_sid is None and not contact.takes_free_text(now):
        raise MessageRefusedError(
            "It is more than 24 hours since the contact wrote, or they never did: WhatsApp takes no text.",
            hint="Send an approved template: --template HX… --var 1=…",
        )
    if draft.content_sid is None and not draft.text.strip():
        raise MessageRefusedError("There is nothing to send.", hint="Give a text, or --template HX….")


async def _conversation(contact: Contact, store: MessageStore) -> CallRecord | None:
    """Return the record of the conversation that is open; one that was idle for too long is closed."""
    record, idle_at = contact.record, contact.idle_at
    if record is None or idle_at is None or store.now() < idle_at:
        return record
    await store.change(contact.key, Change(idle_record(record, idle_at), is_open=False))
    return None


def _ours(agent: Agent, key: ContactKey) -> str:
    if not key.on_whatsapp:
        return agent.numbers[0].number
    assert agent.whatsapp is not None
    if agent.whatsapp.sender is not None:
        return f"{WHATSAPP}{agent.whatsapp.sender}"
    return agent.whatsapp.messaging_service or ""


def _opening(agent: Agent, key: ContactKey, now: int) -> CallRecord:
    return CallRecord(
        id=secrets.token_hex(8),
        agent=agent.name,
        direction="outbound",
        status="active",
        started_at=now,
        channel="whatsapp" if key.on_whatsapp else "twilio",
        agent_revision=revision_of(agent),
        caller=Caller(key.number),
        model=model_of(agent),
    )


def _with(record: CallRecord, draft: Draft, now: int) -> CallRecord:
    item_id = f"agent-{len(record.transcript) + 1}"
    entry = TranscriptEntry("agent", draft.told, max(0, now - record.started_at), item_id=item_id)
    return replace(record, status="active", transcript=(*record.transcript, entry))


def failures(sent: Sent) -> tuple[str, ...]:
    """Return why messages were not taken, for people."""
    return tuple(
        statuses.reason_of(outcome.error_code)
        for outcome in sent.outcomes
        if statuses.is_lost(outcome.status)
    )
