"""From an agent's declaration to the terms of its conversations in writing; from turns to their record."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from runtime.call.plan import CallPlan
from runtime.call_progress import joined
from runtime.call_record import Caller, CallRecord, Latency
from runtime.call_terms import prep_terms, text_settings
from runtime.engines.realtime_session import TRANSCRIPTION_MODEL
from runtime.engines.text import TextEngine, TextSettings
from runtime.figures.prices import cost
from runtime.late_answers import closed
from runtime.messages.record import as_written
from runtime.messages.tools import functions_of
from runtime.prep import with_profile
from runtime.reception import revision_of
from runtime.webhook import VoiceWebhook
from schemas.agent import DEFAULT_FALLBACK_MESSAGE
from schemas.messages import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runtime.agent_tools import AgentTools
    from runtime.call.usage import Usage
    from runtime.call_record import JsonValue
    from runtime.figures.prices import PriceTable
    from runtime.messages.contact import Contact, ContactKey
    from runtime.messages.turn import MessageTurn
    from schemas import Agent

HOUR_MS: Final = 3600 * 1000
NO_ANSWER: Final = "We are sorry, we cannot answer right now. Please write again later."
_NO_TELEPHONE: Final = (
    "There is no telephone in this conversation: you cannot call anybody or put anybody through. "
    "Who wants to speak to a person can call; offer to take a message. Files that came are in brackets."
)
ON_WHATSAPP: Final = (
    "You are in a chat on WhatsApp. Write short messages, as people do there. Simple Markdown is fine: bold, "
    f"italics, lists, links; no tables and no headings. {_NO_TELEPHONE}"
)
BY_SMS: Final = (
    "You answer text messages (SMS). Write as briefly as you can, in plain text without any markup or emoji. "
    f"{_NO_TELEPHONE}"
)


def answers(agent: Agent, key: ContactKey) -> bool:
    """Tell whether an agent answers what a contact writes in this way."""
    return agent.whatsapp is not None if key.on_whatsapp else agent.sms


def writes(agent: Agent) -> bool:
    """Tell whether an agent answers messages at all."""
    return agent.sms or agent.whatsapp is not None


def model_of(agent: Agent) -> str:
    """Return the text model that answers in writing."""
    if agent.messages.model is not None:
        return agent.messages.model
    return DEFAULT_MODEL if agent.voice.mode == "realtime" else agent.voice.model


def idle_ms(agent: Agent) -> int:
    """Return how long a conversation waits for the next message."""
    return round(agent.messages.idle_hours * HOUR_MS)


def fallback_message(agent: Agent) -> str:
    """Return what a contact is told for want of an answer; the usual words are about a call."""
    usual = agent.fallback_message == DEFAULT_FALLBACK_MESSAGE
    return NO_ANSWER if usual else agent.fallback_message


def opening_of(agent: Agent, contact: Contact) -> CallRecord:
    """Return the record that a conversation begins with, by the first message that waits."""
    first = contact.waiting[0]
    return CallRecord(
        id=secrets.token_hex(8),
        agent=agent.name,
        direction="inbound",
        status="active",
        started_at=first.at,
        channel="whatsapp" if contact.key.on_whatsapp else "twilio",
        call_sid=first.sid,
        agent_revision=revision_of(agent),
        caller=Caller(contact.key.number, contact.country),
        model=model_of(agent),
    )


def engine_of(agent: Agent, tools: AgentTools, key: ContactKey, profile: JsonValue) -> TextEngine:
    """Return the engine of one turn, which knows what is known about the contact."""
    settings: TextSettings = replace(
        text_settings(agent, tools),
        model=model_of(agent),
        tools=functions_of(agent, tools.functions, on_whatsapp=key.on_whatsapp),
        medium=ON_WHATSAPP if key.on_whatsapp else BY_SMS,
    )
    engine = TextEngine(settings)
    engine.instruct(with_profile(engine.instructions, profile))
    return engine


def plan_of(
    agent: Agent, tools: AgentTools, key: ContactKey, record: CallRecord, *, epoch_at_zero: float
) -> CallPlan:
    """Return the terms of one turn of a conversation whose record so far is this."""
    begins = not record.transcript and record.caller_profile is None
    return CallPlan(
        fallback_message=fallback_message(agent),
        answered_at=record.started_at / 1000 - epoch_at_zero,
        epoch_at_zero=epoch_at_zero,
        history=record.transcript,
        tools=functions_of(agent, tools.functions, on_whatsapp=key.on_whatsapp),
        prep=prep_terms(agent) if begins else "none",
    )


def as_call(contact: Contact, record: CallRecord) -> VoiceWebhook:
    """Return a conversation as what prep knows of a call."""
    return VoiceWebhook(
        call_sid=record.call_sid or record.id,
        caller=contact.key.number,
        called=contact.ours.removeprefix("whatsapp:"),
        caller_country=contact.country,
        status="in-progress",
        duration_seconds=None,
    )


def price_of(agent: Agent, table: PriceTable) -> Callable[[Usage, float | None], Mapping[str, JsonValue]]:
    """Return what turns usage into a record's cost: of the text model, and of what wrote voice notes down."""
    return partial(cost, model=model_of(agent), transcription=TRANSCRIPTION_MODEL, table=table)


def record_after(
    before: CallRecord,
    turn: MessageTurn,
    price: Callable[[Usage, float | None], Mapping[str, JsonValue]],
    *,
    over: bool,
) -> CallRecord:
    """Return the record of a conversation with a turn as it stands; one that is `over` awaits nothing."""
    facts = turn.facts
    after = replace(
        before,
        status="active",
        transcript=as_written(turn.transcript),
        tools=closed(facts.tools) if over else tuple(facts.tools),
        caller_profile=facts.caller_profile,
        latency=Latency(facts.first_word_ms, tuple(facts.turns)),
        cost=price(facts.usage, None),
    )
    return joined(before, after)
