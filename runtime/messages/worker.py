"""The work for one contact: what waits is answered and sent, one thing after another.

A worker holds its contact in the database, so that no other node does anything for them meanwhile, and lets
go when there is nothing left to do. What a turn has done is stored together with what is to be sent, and
sent after that: of a node that dies, an answer is either there as a whole or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runtime.call_record import TranscriptEntry
from runtime.call_terms import prep_variables
from runtime.figures.logs import get_logger
from runtime.messages import conversation, reading
from runtime.messages.contact import Change, Contact, ContactKey, Inbound
from runtime.messages.opting import STARTED, STOPPED
from runtime.messages.reader import MessageReader
from runtime.messages.record import ended
from runtime.messages.sending import Sender, notice, outgoing
from runtime.messages.session import TurnSession, no_transfer, nothing
from runtime.messages.turn import MessageTurn, Reply
from runtime.store import StoreUnavailableError
from runtime.store.contacts import LostHoldError
from runtime.text_session import Surroundings

if TYPE_CHECKING:
    from runtime.call_record import CallRecord, EndReason
    from runtime.figures.prices import PriceTable
    from runtime.messages.files import FileReader
    from runtime.messages.turn import Words
    from runtime.model.text_line import AskText
    from runtime.store.message_store import MessageStore
    from runtime.tool_room import ToolRoom
    from schemas import Agent, Fleet

_log = get_logger(__name__)

LOOK_SECONDS: Final = 15.0
"""How often the hold on a contact is renewed; messages that came to other nodes are seen then."""
PAUSES_AFTER_CRASHES: Final = (2.0, 20.0)
"""How long is waited (s) before a turn that crashed is begun again; one that crashes once more is over."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What workers have of their node. `on_end` is given the record of each conversation that is over.

    `clock` gives monotonic seconds, `epoch` seconds since 1970.
    """

    fleet: Fleet
    store: MessageStore
    sender: Sender
    files: FileReader
    tools: ToolRoom
    ask: AskText
    prices: PriceTable
    on_end: Callable[[CallRecord], None]
    clock: Callable[[], float]
    epoch: Callable[[], float]


class ContactWorker:
    """Works for one contact until there is nothing left to do."""

    def __init__(self, key: ContactKey, here: Workshop) -> None:
        self._key = key
        self._here = here
        self._nudged = asyncio.Event()
        self._session: TurnSession | None = None
        self._seen: set[str] = set()
        self._place = here.files.place()
        self._crashes = 0

    def nudge(self) -> None:
        """Tell that something has come for the contact."""
        self._nudged.set()

    async def run(self) -> None:
        """Work, unless another node does. What the database cannot take now is done later, by anybody."""
        try:
            contact = await self._here.store.hold(self._key)
            if contact is None:
                return
            watching = asyncio.create_task(self._watch())
            try:
                await self._work(contact)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        except (LostHoldError, StoreUnavailableError) as error:
            _log.warning("contact_let_go", agent=self._key.agent, reason=type(error).__name__)
        except Exception:  # the hold keeps it from being tried again at once
            _log.exception("contact_crashed", agent=self._key.agent)

    # --- one thing after another

    async def _work(self, contact: Contact) -> None:
        agent = self._here.fleet.agents.get(self._key.agent)
        allowed = None if agent is None else self._here.fleet.allowed_callers(agent)
        while True:
            stops = any(reading.wants_to_stop(contact, message) for message in contact.waiting)
            if contact.outbox and not stops:
                await self._here.sender.send(contact)
            else:
                decision = reading.decide(contact, allowed, self._here.store.now())
                if isinstance(decision, reading.Nothing):
                    if await self._here.store.release(self._key, decision.at):
                        return
                elif isinstance(decision, reading.Talk) and agent is not None:
                    await self._try_to_talk(agent, contact, decision.taken)
                else:
                    await self._settle(agent, contact, decision)
            contact = await self._here.store.look(self._key)

    async def _settle(self, agent: Agent | None, contact: Contact, decision: reading.Decision) -> None:
        """Do what needs no model."""
        now, taken, record = self._here.store.now(), _sids(decision), contact.record
        match decision:
            case reading.Close(at, full):
                assert record is not None
                reason: EndReason = "max_duration" if full else ("model_error" if contact.failed else "idle")
                await self._end(record, at, reason, Change(None, is_open=False))
            case reading.OptOut():
                told = contact.key.on_whatsapp and not contact.opted_out
                change = Change(
                    None,
                    is_open=False,
                    taken=taken,
                    outbox=(notice(STOPPED),) if told else (),
                    opted_out=True,
                )
                last = None if record is None else _with_last_words(record, decision.taken)
                await self._end(last, now, "caller_hangup", change)
            case reading.OptIn():
                outbox = (notice(STARTED),) if contact.key.on_whatsapp else ()
                await self._change(Change(None, False, taken=taken, outbox=outbox, opted_out=False))
            case reading.Refuse() if agent is not None and record is None:
                await self._refuse(agent, contact, taken, now)
            case _:  # an agent that is gone, or words of somebody whom nobody answers
                kept = Change(record, record is not None, contact.idle_at, taken, failed=contact.failed)
                await self._change(kept)

    async def _refuse(self, agent: Agent, contact: Contact, taken: tuple[str, ...], now: int) -> None:
        """Answer nothing, and keep one record of it for a while."""
        refused: CallRecord | None = None
        if contact.idle_at is None or now >= contact.idle_at:
            opening = conversation.opening_of(agent, contact)
            refused = replace(opening, status="rejected", reject_reason="not_allowed", ended_at=now)
        idle_at = contact.idle_at if refused is None else now + conversation.idle_ms(agent)
        await self._change(Change(refused, is_open=False, idle_at=idle_at, taken=taken))
        if refused is not None:
            self._here.on_end(refused)

    async def _end(self, record: CallRecord | None, at: int, reason: EndReason, change: Change) -> None:
        over = None if record is None else replace(ended(record, at), end_reason=reason)
        await self._change(replace(change, record=over))
        if over is not None:
            self._here.on_end(over)

    async def _change(self, change: Change) -> None:
        await self._here.store.change(self._key, change)

    # --- a turn of the agent

    async def _try_to_talk(self, agent: Agent, contact: Contact, messages: tuple[Inbound, ...]) -> None:
        """Let the agent answer; what makes that crash is not tried for ever."""
        if self._crashes > len(PAUSES_AFTER_CRASHES):
            await self._apologise(agent, contact, messages)
            self._crashes = 0
            return
        try:
            await self._talk(agent, contact, messages)
        except (LostHoldError, StoreUnavailableError):
            raise
        except Exception:
            _log.exception("turn_crashed", agent=agent.name)
            self._crashes += 1
            if self._crashes <= len(PAUSES_AFTER_CRASHES):
                await asyncio.sleep(PAUSES_AFTER_CRASHES[self._crashes - 1])
        else:
            self._crashes = 0

    async def _apologise(self, agent: Agent, contact: Contact, messages: tuple[Inbound, ...]) -> None:
        """Tell the contact that there is no answer to their messages, which are answered by that."""
        now = self._here.store.now()
        before = contact.record or conversation.opening_of(agent, contact)
        record = _with_last_words(before, messages) if messages else before
        text = conversation.fallback_message(agent)
        item_id = f"agent-{len(record.transcript) + 1}"
        entry = TranscriptEntry("agent", text, now - record.started_at, item_id=item_id)
        change = Change(
            replace(record, transcript=(*record.transcript, entry)),
            is_open=True,
            idle_at=now + conversation.idle_ms(agent),
            taken=tuple(message.sid for message in messages),
            outbox=outgoing(Reply(text), item_id, agent, on_whatsapp=self._key.on_whatsapp),
            failed=True,
        )
        await self._change(change)

    async def _talk(self, agent: Agent, contact: Contact, messages: tuple[Inbound, ...]) -> None:
        """Let the agent answer, and store what it did with what is to be sent."""
        self._seen = {message.sid for message in messages}
        before = contact.record or conversation.opening_of(agent, contact)
        self._place = self._here.files.place()
        try:
            words = await self._read(agent, messages) if messages else None
            session = self._session = self._begin(agent, contact, before, words)
            await session.run()
        finally:
            self._session = None
            self._place.leave()
        if session.dropped:
            return
        if session.reply is None:
            _log.error("turn_without_answer", agent=agent.name)
        reply = session.reply or Reply(conversation.fallback_message(agent))
        await self._answered(agent, before, session.machine, reply)

    async def _answered(self, agent: Agent, before: CallRecord, turn: MessageTurn, reply: Reply) -> None:
        now = self._here.store.now()
        price = conversation.price_of(agent, self._here.prices)
        record = conversation.record_after(before, turn, price, over=True)
        refused, over = turn.facts.refused, turn.ends_conversation
        if refused is not None:
            record = replace(record, status="rejected", reject_reason=refused, ended_at=now)
        elif over:
            record = replace(ended(record, now), end_reason="agent_completed")
        said = [entry.item_id for entry in turn.transcript if entry.role == "agent"]
        item_id = said[-1] if said else None
        change = Change(
            record,
            is_open=refused is None and not over,
            idle_at=now + conversation.idle_ms(agent) if refused is None and not over else None,
            taken=turn.taken,
            outbox=outgoing(reply, item_id, agent, on_whatsapp=self._key.on_whatsapp),
            failed=turn.failed is not None,
        )
        await self._change(change)
        if not change.is_open:
            self._here.on_end(record)
        _log.info("message_answered", agent=agent.name, record=record.id, failed=turn.failed)

    def _begin(self, agent: Agent, contact: Contact, before: CallRecord, words: Words | None) -> TurnSession:
        now = self._here.clock()
        tools = self._here.tools.of(agent)
        plan = conversation.plan_of(agent, tools, self._key, before, epoch_at_zero=self._here.epoch() - now)
        if plan.prep == "none":
            agent = agent.model_copy(update={"prep": None})
        engine = conversation.engine_of(agent, tools, self._key, before.caller_profile)
        variables = prep_variables(conversation.as_call(contact, before))
        surroundings = Surroundings(
            engine,
            self._here.ask,
            self._here.clock,
            on_stream=nothing,
            on_second=nothing,
            errands=self._here.tools.errands(
                agent, engine, variables, name=before.id, clock=self._here.clock
            ),
            transfer=no_transfer,
        )

        async def keep(turn: MessageTurn) -> None:
            await self._keep(agent, before, turn)

        return TurnSession(before.id, MessageTurn(plan, words, now=now), surroundings, keep=keep)

    async def _keep(self, agent: Agent, before: CallRecord, turn: MessageTurn) -> None:
        """Store how far a turn has come, so that what its tools have done is not done again."""
        price = conversation.price_of(agent, self._here.prices)
        record = conversation.record_after(before, turn, price, over=False)
        idle_at = self._here.store.now() + conversation.idle_ms(agent)
        try:
            await self._change(Change(record, is_open=True, idle_at=idle_at, taken=turn.taken, owes=True))
        except StoreUnavailableError as error:
            _log.warning("turn_not_kept", agent=agent.name, reason=error)
        except LostHoldError:
            self._drop()

    # --- what comes meanwhile

    async def _watch(self) -> None:
        """Renew the hold, and let the turn that is under way know what has come."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._nudged.wait()
            self._nudged.clear()
            try:
                await self._interrupt(await self._here.store.look(self._key))
            except StoreUnavailableError as error:
                _log.warning("contact_not_looked_at", agent=self._key.agent, reason=error)
            except LostHoldError:
                self._drop()
                return
            except Exception:
                _log.exception("message_not_joined", agent=self._key.agent)

    async def _interrupt(self, contact: Contact) -> None:
        session, agent = self._session, self._here.fleet.agents.get(self._key.agent)
        new = tuple(message for message in contact.waiting if message.sid not in self._seen)
        if session is None or session.finished or agent is None or not new:
            return
        if any(reading.wants_to_stop(contact, message) for message in new):
            session.drop()
            return
        self._seen |= {message.sid for message in new}
        words = await self._read(agent, new)
        if session is self._session:
            session.feed(words)

    def _drop(self) -> None:
        if self._session is not None and not self._session.finished:
            self._session.drop()

    async def _read(self, agent: Agent, messages: tuple[Inbound, ...]) -> Words:
        reader = MessageReader(self._here.files, self._here.fleet.account_of(agent), self._place)
        return await reader.read(messages)


def _sids(decision: reading.Decision) -> tuple[str, ...]:
    if isinstance(decision, reading.Nothing | reading.Close):
        return ()
    return tuple(message.sid for message in decision.taken)


def _with_last_words(record: CallRecord, taken: tuple[Inbound, ...]) -> CallRecord:
    """Return a record with what somebody wrote whom the agent does not answer."""
    text = "\n".join(message.text for message in taken)
    entry = TranscriptEntry(
        "caller", text, taken[-1].at - record.started_at, item_id=f"caller-{len(record.transcript) + 1}"
    )
    return replace(record, transcript=(*record.transcript, entry))
