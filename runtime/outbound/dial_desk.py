"""Calls that a node places and lives through, from the order to the last report.

    order ── record ── dialled ── answered: a session begins ── … ── one exit
                          ├── busy, nobody there, taken back: the record ends
                          └── nothing is heard: the account is asked

Nothing is opened for a call before somebody answers it. Twilio's reports may come to any node, twice and in
any order; what they amount to is decided in the database. Who has answered is told to whatever node has the
call: it looks there until it is known.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from runtime import twiml
from runtime.call.ending import REPORTED_ENDINGS
from runtime.call.events import AnswererKnown
from runtime.call.tools.built_in import DO_NOT_CALL
from runtime.figures.logs import get_logger
from runtime.outbound.dial import LOST_SECONDS, AlreadyOrderedError, Dial, Noted, call_status
from runtime.outbound.ordering import CallRequest, order_of
from runtime.outbound.orders import CallFacts, DialRefused
from runtime.outbound.variables import filled_in
from runtime.reception import Answer
from runtime.store import StoreUnavailableError
from runtime.twilio_api import TwilioApiError
from runtime.webhook import VoiceWebhook

if TYPE_CHECKING:
    from runtime.call_record import CallRecord
    from runtime.calls import Calls, LiveCall
    from runtime.outbound.dial_store import DialStore
    from runtime.outbound.placing import Placing
    from runtime.reception import Reception
    from schemas import Agent

_log = get_logger(__name__)

OnFacts = Callable[[str, CallFacts], None]
"""Is told, by the attempt, what has become known of a placed call."""

DETECTION_POLL_SECONDS: Final = 1.0
# Twilio: a detection takes 59 s at most.
LONGEST_DETECTION_SECONDS: Final = 90.0
LOST_POLL_SECONDS: Final = 5.0


ATTEMPT: Final = re.compile(r"[0-9a-f]{32}")


class NotNowError(Exception):
    """No call is placed now; the message says why."""


class DialDesk:
    """The placed calls of one node. `on_end` is given the records of calls that were never answered."""

    def __init__(
        self,
        reception: Reception,
        store: DialStore,
        placing: Placing,
        *,
        on_end: Callable[[CallRecord], None],
        on_facts: OnFacts = lambda _attempt, _facts: None,
    ) -> None:
        self._reception = reception
        self._store = store
        self._placing = placing
        self._on_end = on_end
        self.on_facts = on_facts
        self._undetected: dict[str, float] = {}

    @property
    def _calls(self) -> Calls:
        return self._reception.calls

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look for what nobody has told: lost reports, and what other nodes were told."""
        tasks = [
            asyncio.create_task(_repeat(LOST_POLL_SECONDS, self.ask_about_lost)),
            asyncio.create_task(_repeat(DETECTION_POLL_SECONDS, self.look_who_answered)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- orders

    async def order(self, request: CallRequest) -> str:
        """Place the call that somebody asks for, and return the id of its record.

        One whose id was ordered before is not placed again. One that is hung up meanwhile is taken back.
        Raises `BadOrderError`, `NotNowError`, `DialRefused`, `StoreUnavailableError`; `TwilioApiError` when
        nobody knows whether there is a call.
        """
        agents = self._reception.fleet.agents
        order = order_of(request, agents)
        if self._calls.draining:
            raise NotNowError("this node is about to stop: ask another one, or ask again in a moment")
        order = await self._placing.within_trial(order)
        agent, room = agents[order.agent], None
        if agent.max_concurrent_calls is not None:
            room = agent.max_concurrent_calls - self._calls.active(agent.name)
        try:
            begun = await self._placing.begin(order, room=room, once=True)
        except AlreadyOrderedError:
            return order.attempt
        if not begun:
            raise NotNowError(f"{agent.name} has all the calls that it may have at a time")
        await self._end_if_taken_back(order.attempt, await self._placing.dial(order))
        return order.attempt

    async def _end_if_taken_back(self, attempt: str, call_sid: str) -> None:
        """End a call that was hung up before it was placed. It is placed, whatever comes of this."""
        try:
            if await self._store.is_taken_back(attempt):
                await self._placing.cancel(call_sid)
        except (StoreUnavailableError, TwilioApiError) as error:
            _log.error("placed_call_not_taken_back", attempt=attempt, detail=str(error))

    async def cancel(self, call_id: str) -> bool:
        """End a placed call of which this node has no session; False when there is nothing to end.

        Raises `StoreUnavailableError`, `TwilioApiError`.
        """
        dial = await self._store.find(call_id)
        if dial is None or dial.facts.is_final or dial.facts.call_sid is None:
            return False
        await self._placing.cancel(dial.facts.call_sid)
        return True

    # --- answers

    async def answer(self, agent: Agent, webhook: VoiceWebhook) -> Answer:
        """Begin the session of a call that was answered. A repeated webhook gets the same answer."""
        reception, call_sid = self._reception, webhook.call_sid
        assert webhook.attempt is not None
        if self._calls.knows(call_sid):
            return reception.answer(agent, webhook)
        if self._calls.draining:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            taken = await self._store.take(webhook.attempt, agent.name, call_sid, agent.max_call_seconds)
        except StoreUnavailableError as error:
            _log.error("answered_call_not_taken", call=call_sid, reason=str(error))
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE)
        if self._calls.knows(call_sid):  # Twilio asked twice at once
            return reception.answer(agent, webhook)
        if taken is None:
            _log.warning("answered_call_unknown", call=call_sid)
            return Answer(HTTPStatus.OK, twiml.hang_up())
        dial, record = taken
        call = reception.begin_placed(agent, webhook, record, dial.order)
        if dial.order.machine_detection:
            self._undetected[dial.order.attempt] = reception.clock() + LONGEST_DETECTION_SECONDS
        return Answer(HTTPStatus.OK, call.answer)

    async def second_chance(self, agent: Agent, webhook: VoiceWebhook) -> Answer | None:
        """Begin the session of a call whose answer no other node could take; None when one has."""
        is_over = webhook.status in REPORTED_ENDINGS
        if webhook.attempt is None or is_over or self._calls.knows(webhook.call_sid):
            return None
        try:
            dial = await self._store.find(webhook.attempt)
        except StoreUnavailableError:
            return None
        if dial is None or dial.taken:
            return None
        answer = await self.answer(agent, webhook)
        return answer if answer.status is HTTPStatus.OK else None

    async def progress(self, call_id: str) -> CallFacts | None:
        """Return what Twilio has told of a placed call; None for others. Raises `StoreUnavailableError`."""
        dial = await self._store.find(call_id)
        return None if dial is None else dial.facts

    async def stream(self, token: str) -> LiveCall | None:
        """Return the call whose document Twilio had from the beginning, for the stream that it asks for.

        None for a token that is no attempt of this kind, or whose stream has been here.
        """
        if not ATTEMPT.fullmatch(token):
            return None
        try:
            dial = await self._store.find(token)
        except StoreUnavailableError:
            return None
        agent = self._reception.fleet.agents.get(dial.order.agent) if dial is not None else None
        if dial is None or agent is None or agent.dial != "inline" or dial.facts.call_sid is None:
            return None
        order, call_sid = dial.order, dial.facts.call_sid
        if self._calls.find(call_sid) is None:
            webhook = VoiceWebhook(
                call_sid, order.to, order.from_, None, "in-progress", None, attempt=order.attempt
            )
            await self.answer(agent, webhook)
        call = self._calls.find(call_sid)
        if call is None or call.claimed:
            return None
        claimed = self._calls.claim(call.token)
        return claimed if claimed is call else None

    # --- reports

    async def report(self, agent: Agent, webhook: VoiceWebhook) -> None:
        """Take a status callback of a placed call."""
        status = call_status(webhook.status)
        if status is None or webhook.attempt is None:
            return
        news = CallFacts(
            call_sid=webhook.call_sid,
            status=status,
            sip_code=webhook.sip_code,
            error_code=webhook.error_code,
            seconds=webhook.duration_seconds,
        )
        noted = await self._note(webhook.attempt, news, agent=agent.name)
        starts = status == "in-progress" and agent.dial == "inline" and agent.voice.mode != "gather"
        if noted is not None and starts and not noted.dial.taken:
            await self.answer(agent, webhook)

    async def detect(self, agent: Agent, attempt: str, call_sid: str, who: str, ms: int) -> None:
        """Take what answering machine detection has found."""
        news = CallFacts(call_sid=call_sid, answered_by=who)
        noted = await self._note(attempt, news, agent=agent.name, detection_ms=ms)
        if noted is not None:
            self._tell(noted.dial)

    def session_over(self, record: CallRecord) -> None:
        """Report how a session of this node has ended."""
        if record.direction == "outbound" and record.channel == "twilio":
            self._undetected.pop(record.id, None)
            news = CallFacts(
                record.call_sid,
                "in-progress",
                end_reason=record.end_reason or "failed",
                opted_out=any(use.name == DO_NOT_CALL for use in record.tools),
            )
            self.on_facts(record.id, news)

    async def _note(
        self, attempt: str, news: CallFacts, *, agent: str | None = None, detection_ms: int | None = None
    ) -> Noted | None:
        try:
            noted = await self._store.note(attempt, news, agent=agent, detection_ms=detection_ms)
        except StoreUnavailableError as error:  # the account is asked later
            _log.warning("report_not_noted", call=news.call_sid, reason=str(error))
            return None
        if noted is not None:
            self._hand_on(noted, news)
        return noted

    def _hand_on(self, noted: Noted, news: CallFacts) -> None:
        """Let those know who have to."""
        self.on_facts(noted.dial.order.attempt, news)
        if noted.ended is not None:
            _log.info("call_not_answered", call=news.call_sid, reason=noted.ended.end_reason)
            self._on_end(noted.ended)

    # --- what nobody has told

    async def look_who_answered(self) -> None:
        """Tell the calls of this node who has answered, where another node was told."""
        if not self._undetected:
            return
        now = self._reception.clock()
        self._undetected = {attempt: until for attempt, until in self._undetected.items() if now < until}
        for dial in await self._store.detected(tuple(self._undetected)):
            self._tell(dial)

    async def ask_about_lost(self) -> None:
        """Ask the account about calls of which something should have been heard."""
        for dial in await self._store.due():
            try:
                news = await self._ask(dial)
            except StoreUnavailableError:
                raise
            except Exception:  # whatever it is about this one, the others are asked about
                _log.exception("account_not_asked", attempt=dial.order.attempt)
                continue
            if news is not None:
                await self._note(dial.order.attempt, news)

    async def _ask(self, dial: Dial) -> CallFacts | None:
        call_sid = dial.facts.call_sid
        try:
            if call_sid is not None:
                return await self._placing.facts(call_sid)
            call_sid = await self._placing.placed_since(dial.order, dial.placed_at / 1000)
            if call_sid is not None:  # what became of it is asked the next time
                return CallFacts(call_sid=call_sid)
        except (TwilioApiError, DialRefused) as error:
            _log.warning("account_not_asked", attempt=dial.order.attempt, detail=str(error))
            return None
        waited = (self._store.now() - dial.placed_at) / 1000
        if waited < dial.order.ring_seconds + LOST_SECONDS:
            return None
        _log.error("call_never_placed", attempt=dial.order.attempt)
        return CallFacts(status="failed")

    def _tell(self, dial: Dial) -> None:
        """Tell a call of this node who has answered it."""
        order, who = dial.order, dial.facts.answered_by
        if who is None or order.attempt not in self._undetected:
            return
        call = self._calls.find(order.attempt)
        if call is None:
            return
        del self._undetected[order.attempt]
        leaves = order.voicemail == "message" and order.voicemail_message is not None
        message = filled_in(order.voicemail_message or "", order.variables) if leaves else None
        _log.info("answered_by", call=call.session.name, who=who)
        call.session.feed(AnswererKnown(who, dial.detection_ms or 0, message))


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except StoreUnavailableError as error:
            _log.warning("placed_calls_not_looked_at", reason=str(error))
        except Exception:  # the next look may go well, and nobody else looks
            _log.exception("placed_calls_not_looked_at")
