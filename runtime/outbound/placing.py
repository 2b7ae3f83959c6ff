"""Placing calls, so that neither a crash nor a lost answer calls somebody twice.

The call's record is stored before Twilio is asked. The attempt stands in every URL that Twilio is given, so
whoever hears of the call knows what it is. When Twilio's answer is lost, the account is looked at for the
call before it is given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import phonenumbers

from runtime.call_record import Caller, CallRecord
from runtime.calls import EXPIRY_MARGIN
from runtime.figures.logs import get_logger
from runtime.outbound.account_calls import calls_between, fetch_call, is_trial, may_be_called
from runtime.outbound.call_parameters import call_parameters
from runtime.outbound.dial import CALL_MARGIN_SECONDS
from runtime.outbound.orders import CallFacts, DialOrder, DialRefused, NoRoomError, TooLateError
from runtime.outbound.refusals import refused, unverified
from runtime.reception import revision_of
from runtime.store import StoreUnavailableError
from runtime.twilio_api import TwilioApiError

if TYPE_CHECKING:
    from runtime.outbound.dial import Noted
    from runtime.outbound.dial_store import DialStore
    from runtime.twilio_api import AccountApi, TwilioApi
    from schemas import Agent, Fleet

_log = get_logger(__name__)

TRIAL_SECONDS: Final = 570
"""Twilio: a trial account's calls end at ten minutes; the agent says goodbye before that."""
# When the account is looked at for a call whose placing was not answered, in seconds after each other.
LOOKS: Final = (1.0, 2.0, 4.0, 8.0)

Document = Callable[["Agent", DialOrder], str | None]
"""Returns what Twilio is given along with a call of an agent; None where it is to ask when it is answered."""


def asks_when_answered(_agent: Agent, _order: DialOrder) -> None:
    """Let Twilio ask for every document when the call is answered."""


class Placing:
    """Places the calls of a fleet's agents: a `Dialer`. `epoch` is in seconds.

    `on_end` is given the records of calls that were not placed, `active` tells how many calls of an agent
    this node has.
    """

    def __init__(
        self,
        fleet: Fleet,
        twilio: TwilioApi,
        store: DialStore,
        *,
        epoch: Callable[[], float],
        document: Document = asks_when_answered,
        on_end: Callable[[CallRecord], None] = lambda _record: None,
        active: Callable[[str], int] = lambda _agent: 0,
    ) -> None:
        self._fleet = fleet
        self._twilio = twilio
        self._store = store
        self._epoch = epoch
        self._document = document
        self._on_end = on_end
        self._active = active
        self._trials: dict[str, bool | None] = {}

    async def place(self, order: DialOrder) -> str:
        """Place the call and return its SID.

        Raises `DialRefused`, `TooLateError`, `NoRoomError`; `TwilioApiError` when nobody knows whether there
        is a call.
        """
        order = await self.within_trial(order)
        try:
            has_room = await self.begin(order, room=self._room(order))
        except StoreUnavailableError:
            raise DialRefused(None, "the call database does not answer", permanent=False) from None
        if not has_room:
            raise NoRoomError
        return await self.dial(order)

    def _room(self, order: DialOrder) -> int | None:
        """Return how many calls the agent may have besides those of this node."""
        agent = self._fleet.agents[order.agent]
        limit = agent.max_concurrent_calls
        return None if limit is None else limit - self._active(agent.name)

    async def within_trial(self, order: DialOrder) -> DialOrder:
        """Return the order with the limits of a trial account. Raises `DialRefused` for a number beyond."""
        api, account = self._api(order), self._fleet.account_of(self._fleet.agents[order.agent]).name
        if account not in self._trials:
            self._trials[account] = await is_trial(api)
        if not self._trials[account]:
            return order
        if not await may_be_called(api, order.to):
            raise unverified()
        _log.info("trial_account", account=account, seconds=TRIAL_SECONDS)
        return replace(order, most_seconds=TRIAL_SECONDS)

    async def begin(self, order: DialOrder, *, room: int | None = None, once: bool = False) -> bool:
        """Store the call and its record; False when its agent has `room` calls besides those of this node.

        Raises `StoreUnavailableError`; `AlreadyOrderedError` for one that is stored, if it is to be `once`.
        """
        agent = self._fleet.agents[order.agent]
        now = self._store.now()
        longest = order.ring_seconds + agent.max_call_seconds + CALL_MARGIN_SECONDS + EXPIRY_MARGIN
        longest_ms = round(longest * 1000)
        record = CallRecord(
            id=order.attempt,
            agent=agent.name,
            direction="outbound",
            status="incoming",
            started_at=now,
            agent_revision=revision_of(agent),
            caller=Caller(order.to, _country(order.to)),
            model=agent.voice.model,
        )
        return await self._store.begin(
            order, record, expires_at=now + longest_ms, room=room, since=now - longest_ms, once=once
        )

    async def dial(self, order: DialOrder) -> str:
        """Ask Twilio for a call that is stored, and return its SID.

        Raises `DialRefused`, `TooLateError`; `TwilioApiError` when Twilio does not say whether it places the
        call, and does not list it either. It may still come about: the account is asked again when it should
        have rung.
        """
        agent = self._fleet.agents[order.agent]
        asked = call_parameters(order, agent, self._fleet.service, self._document(agent, order))
        since = self._epoch()
        if order.dial_by_s is not None and since > order.dial_by_s:
            raise TooLateError
        try:
            call_sid = await self._api(order).create_call(order.to, order.from_, **asked)
        except TwilioApiError as error:
            if error.status is not None and error.status < 500:
                await self._note_refusal(order, error)
                raise refused(error) from None
            found = await self._look_for(order, since)
            if found is None:
                raise
            call_sid = found
        await self._note(order, CallFacts(call_sid=call_sid))
        _log.info("call_placed", call=call_sid, agent=agent.name, campaign=order.campaign)
        return call_sid

    async def placed_since(self, order: DialOrder, since_epoch_s: float) -> str | None:
        """Return the SID of the call that this order led to at or after that time, if there is one.

        Raises `TwilioApiError`, `StoreUnavailableError`.
        """
        dial = await self._store.find(order.attempt)
        if dial is not None and dial.facts.call_sid is not None:
            return dial.facts.call_sid
        for call in await calls_between(self._api(order), order.to, order.from_, since_epoch_s):
            attempt = await self._store.attempt_of(call.sid)
            if attempt in (None, order.attempt):
                return call.sid
        return None

    async def facts(self, call_sid: str) -> CallFacts:
        """Ask the account what became of the call. Raises `TwilioApiError`, `StoreUnavailableError`."""
        return (await fetch_call(await self._api_of(call_sid), call_sid)).facts()

    async def cancel(self, call_sid: str) -> None:
        """End the call, whether it rings or talks; one that is over stays as it is.

        Raises `TwilioApiError`, `StoreUnavailableError`.
        """
        api = await self._api_of(call_sid)
        for end in (api.cancel_call, api.complete_call):
            try:
                await end(call_sid)
            except TwilioApiError as error:
                if not error.call_is_over:
                    raise
            else:
                return

    async def _look_for(self, order: DialOrder, since: float) -> str | None:
        """Look whether a call was placed though Twilio did not say so."""
        for seconds in LOOKS:
            await asyncio.sleep(seconds)
            try:
                found = await self.placed_since(order, since)
            except (TwilioApiError, StoreUnavailableError) as error:
                _log.warning("placed_call_not_looked_for", attempt=order.attempt, detail=str(error))
                continue
            if found is not None:
                return found
        return None

    async def _note_refusal(self, order: DialOrder, error: TwilioApiError) -> None:
        noted = await self._note(order, CallFacts(status="failed", error_code=error.code))
        if noted is not None and noted.ended is not None:
            self._on_end(noted.ended)

    async def _note(self, order: DialOrder, news: CallFacts) -> Noted | None:
        """Keep what is known; what cannot be kept now is found out when the call is due."""
        try:
            return await self._store.note(order.attempt, news)
        except StoreUnavailableError as error:
            _log.warning("placed_call_not_noted", attempt=order.attempt, reason=str(error))
            return None

    def _api(self, order: DialOrder) -> AccountApi:
        try:
            return self._twilio.of_number(order.agent, order.from_)
        except TwilioApiError as error:  # the account has no credentials for the region
            raise refused(error) from None

    async def _api_of(self, call_sid: str) -> AccountApi:
        attempt = await self._store.attempt_of(call_sid)
        dial = await self._store.find(attempt) if attempt is not None else None
        if dial is None:
            raise TwilioApiError("the call is none that was placed here")
        return self._twilio.of_number(dial.order.agent, dial.order.from_)


def _country(number: str) -> str | None:
    """Return the country of an E.164 number, where it tells one."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number))
