"""What is done for one lead of a campaign, step by step; the workflow says in which order.

A step may be done twice: a process can die after it has been done and before that is known. So each looks
at what is there first. Nobody is dialled without a row that says so, and whoever finds such a row without a
call asks the account what became of it before dialling again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from runtime.figures.logs import get_logger
from runtime.outbound.attempt_store import PAUSED_SECONDS, Attempt, AttemptStore, Begun, NotNow
from runtime.outbound.dial import LOST_SECONDS
from runtime.outbound.facts import is_told, merged
from runtime.outbound.hours import calling_hours, calling_zones
from runtime.outbound.lead_store import LeadStore, WaitingLead
from runtime.outbound.never import NeverCalled
from runtime.outbound.orders import CallFacts, Dialer, DialOrder, DialRefused, NoRoomError, TooLateError
from runtime.outbound.outcome import Outcome, RetryPolicy, decide, is_account_trouble
from runtime.outbound.schedule import why_never
from schemas import Fleet
from schemas.campaign import Campaign
from schemas.errors import TmError

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long is waited for what, in seconds.

    `settle` from the moment when it is looked for a call that a process which died, or a lost answer, may
    have placed: the account lists it by then.
    `ring_margin` beyond the ringing until the account is asked, and then again each `ask_every`.
    `report_grace` after the end of a call, for our own report on it. `longest` is when a call that is never
    heard of again is given up.
    """

    settle: float = 10
    ring_margin: float = 20
    ask_every: float = 60
    report_grace: float = 10
    longest: float = 6 * 3600
    turn_poll: float = 0.5


# A turn to dial that was checked longer ago than this may have passed to another process.
STALE_SECONDS: Final = 3.0


class CampaignDesk:
    """Does the steps, in whichever event loop they are called."""

    def __init__(
        self,
        fleet: Fleet,
        leads: LeadStore,
        attempts: AttemptStore,
        dialer: Dialer,
        epoch: Callable[[], float],
        timing: Timing,
    ) -> None:
        self._fleet = fleet
        self._leads = leads
        self._attempts = attempts
        self._never = NeverCalled(fleet)
        self._dialer = dialer
        self._epoch = epoch
        self._timing = timing
        self._next_dials: dict[str, float] = {}

    async def begin(self, campaign: str, lead: str, workflow: str) -> Begun | NotNow | None:
        """Begin an attempt to reach a lead, if it is time; None when nobody calls it any more."""
        terms = self._fleet.campaigns.get(campaign)
        if terms is None:  # not declared any more: it may be again
            return NotNow(PAUSED_SECONDS)
        wait = await self._until_it_may(terms, lead)
        if wait is None or wait > 0:
            return None if wait is None else NotNow(wait)
        agent = self._fleet.agents[terms.agent]
        begun = await asyncio.to_thread(
            self._attempts.begin, terms, agent, lead, workflow, self._fleet.campaigns
        )
        return begun if isinstance(begun, Begun | NotNow) else None

    async def _until_it_may(self, campaign: Campaign, lead: str) -> float | None:
        """Return how many seconds it is until the lead may be called, None when it never may."""
        person = await asyncio.to_thread(self._leads.find, campaign.name, lead)
        if person is None:
            return None
        forbidden = await self._is_forbidden(campaign, person.number)
        if forbidden is None:
            return PAUSED_SECONDS
        if forbidden:
            detail = f"{person.number} is never to be called"
            return await self._finish(campaign, lead, "do_not_call", detail)
        now, zones = self._epoch(), self._zones(campaign, person)
        moment = calling_hours(campaign).next_moment(now, zones) if zones else None
        if moment is None:
            return await self._finish(campaign, lead, "invalid", why_never(zones))
        return moment - now

    async def _finish(self, campaign: Campaign, lead: str, outcome: Outcome, detail: str) -> float | None:
        """Finish a lead; one whose call is under way is gone on with at once."""
        waits = await asyncio.to_thread(self._leads.finish, campaign.name, lead, outcome, detail)
        return None if waits else 0

    async def _is_forbidden(self, campaign: Campaign, number: str) -> bool | None:
        """Tell whether the declared lists forbid to call somebody; None while they cannot be read."""
        try:
            return await asyncio.to_thread(self._never.forbids, campaign, number)
        except TmError as error:
            _log.error("do_not_call_unreadable", campaign=campaign.name, detail=error.message)
            return None

    def _zones(self, campaign: Campaign, person: WaitingLead) -> tuple[str, ...]:
        hours = calling_hours(campaign)
        return calling_zones(person.number, person.time_zone, campaign.time_zone, hours, self._epoch())

    async def place(self, campaign: str, attempt: str) -> float | None:
        """Place the call of an attempt, unless it has been; return how many seconds to wait for news of it.

        0 when there is no call. None when the attempt was taken back, and the lead waits on: its campaign
        stands still, its agent has no room, or it may not be called any more at this moment.
        """
        known = await asyncio.to_thread(self._attempts.find, attempt)
        terms = self._fleet.campaigns.get(campaign)
        if known is None or terms is None:
            return None
        order = known.order(terms)
        if known.facts.call_sid is None and known.refused is None:
            found = known.dialled_at_s is not None and await self._find_call(order, known.dialled_at_s)
            if not found:
                return await self._dial(terms, order)
        return 0 if known.refused is not None else order.ring_seconds + self._timing.ring_margin

    async def _dial(self, campaign: Campaign, order: DialOrder) -> float | None:
        while True:
            turn = await self._turn(campaign, order)
            if turn is None:
                await asyncio.to_thread(self._attempts.undo, order.attempt)
                return None
            try:
                return await self._ask_for(campaign, order, turn)
            except TooLateError:
                _log.warning("turn_missed", attempt=order.attempt)
                await self._end_if_taken_over(order.attempt, turn)
            except NoRoomError:
                await self._end_if_taken_over(order.attempt, turn)
                await asyncio.to_thread(self._attempts.undo, order.attempt)
                return None

    async def _ask_for(self, campaign: Campaign, order: DialOrder, turn: float) -> float | None:
        try:
            call_sid = await self._dialer.place(replace(order, dial_by_s=turn + STALE_SECONDS))
        except (TooLateError, NoRoomError):
            raise
        except DialRefused as refused:
            return await self._refused(campaign, order, refused)
        except Exception as error:
            # It may have been placed all the same, or may be yet: Twilio's answer was lost. `look` goes on.
            _log.warning("dial_unknown", attempt=order.attempt, detail=type(error).__name__)
        else:
            await asyncio.to_thread(self._attempts.placed, order.attempt, call_sid)
        return order.ring_seconds + self._timing.ring_margin

    async def _turn(self, campaign: Campaign, order: DialOrder) -> float | None:
        """Wait for an attempt's turn to be dialled and return it; None when it is not to be dialled now."""
        attempt = order.attempt
        while True:
            if not await self._may_dial(campaign, order):
                return None
            turn = await asyncio.to_thread(self._attempts.take_turn, attempt, campaign)
            if turn is None:
                await asyncio.sleep(self._timing.turn_poll)
                continue
            await asyncio.sleep(turn - self._epoch())
            await self._end_if_taken_over(attempt, turn)
            await self._keep_distance(campaign)
            if self._epoch() - turn < STALE_SECONDS:
                return turn

    async def _end_if_taken_over(self, attempt: str, turn: float) -> None:
        if not await asyncio.to_thread(self._attempts.has_turn, attempt, turn):
            _log.warning("attempt_taken_over", attempt=attempt)
            await asyncio.get_running_loop().create_future()  # this process has no part in it any more

    async def _may_dial(self, campaign: Campaign, order: DialOrder) -> bool:
        """Tell whether what held when the attempt was begun holds still: that may have been yesterday."""
        status = await asyncio.to_thread(self._leads.status, campaign.name)
        person = await asyncio.to_thread(self._leads.find, campaign.name, order.lead or "")
        if status is None or status.state != "running" or person is None:
            return False
        now, zones = self._epoch(), self._zones(campaign, person)
        if not zones or calling_hours(campaign).next_moment(now, zones) != now:
            return False
        if await self._is_forbidden(campaign, order.to) is not False:
            return False
        return await asyncio.to_thread(self._attempts.is_free, order.to, order.attempt)

    async def _keep_distance(self, campaign: Campaign) -> None:
        """Wait until the last call of this process is long enough ago: turns may have been taken up late."""
        now = self._epoch()
        at = max(now, self._next_dials.get(campaign.name, 0))
        self._next_dials[campaign.name] = at + 1 / campaign.calls_per_second
        if at > now:
            await asyncio.sleep(at - now)

    async def _refused(self, campaign: Campaign, order: DialOrder, refused: DialRefused) -> float | None:
        """Keep to a refusal. What concerns the account concerns everybody: then the campaign stands still."""
        if is_account_trouble(refused):
            reason = f"Twilio refuses calls of the account: {refused.message} ({refused.code})"
            _log.error("campaign_paused", campaign=campaign.name, code=refused.code)
            await asyncio.to_thread(self._leads.pause, campaign.name, reason)
            await asyncio.to_thread(self._attempts.undo, order.attempt)
            return None
        await asyncio.to_thread(self._attempts.refuse, order.attempt, refused)
        return 0

    async def _find_call(self, order: DialOrder, since: float) -> bool:
        """Tell whether a call was placed that nobody noted, once the account would list it.

        An account that does not answer has not said that there is none: it is asked until it answers.
        """
        await asyncio.sleep(self._timing.settle)  # from now on: who placed it may have done so a moment ago
        pause = 1.0
        while True:
            try:
                call_sid = await self._dialer.placed_since(order, since)
            except Exception as error:
                _log.warning("look_up_failed", attempt=order.attempt, detail=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._timing.ask_every)
            else:
                if call_sid is not None:
                    await asyncio.to_thread(self._attempts.placed, order.attempt, call_sid)
                return call_sid is not None

    async def look(self, attempt: str, *, silent: bool) -> float:
        """Return how many seconds to wait for more news of a call, 0 when all is known.

        `silent`: the last wait brought nothing. Then the account is asked.
        """
        known = await asyncio.to_thread(self._attempts.find, attempt)
        if known is None or known.refused is not None:
            return 0
        if known.facts.call_sid is None:
            return await self._look_for_lost(known)
        facts = known.facts
        if silent and not facts.is_final:
            facts = await self._ask(known, known.facts.call_sid)
        if is_told(facts) or (facts.is_final and silent):
            return 0
        if facts.is_final:
            return self._timing.report_grace
        if self._epoch() - (known.dialled_at_s or 0) > self._timing.longest:
            _log.error("call_never_ended", attempt=attempt, call_sid=facts.call_sid)
            await asyncio.to_thread(self._attempts.note, attempt, CallFacts(status="failed"))
            return 0
        return self._timing.ask_every

    async def _look_for_lost(self, attempt: Attempt) -> float:
        """Look for a call whose placing was not answered; there is none when it should have rung long ago."""
        terms = self._fleet.campaigns.get(attempt.campaign)
        if terms is None:
            return PAUSED_SECONDS
        order, since = attempt.order(terms), attempt.dialled_at_s or 0
        try:
            call_sid = await self._dialer.placed_since(order, since)
        except Exception as error:
            _log.warning("look_up_failed", attempt=attempt.id, detail=type(error).__name__)
            return self._timing.ask_every
        if call_sid is not None:
            await asyncio.to_thread(self._attempts.placed, attempt.id, call_sid)
            return self._timing.ring_margin
        wait = since + order.ring_seconds + LOST_SECONDS - self._epoch()
        if wait > 0:
            return min(wait, self._timing.ask_every)
        lost = DialRefused(None, "no answer", permanent=False)
        await asyncio.to_thread(self._attempts.refuse, attempt.id, lost)
        return 0

    async def _ask(self, attempt: Attempt, call_sid: str) -> CallFacts:
        """Ask the account about a call of which nothing was heard, and keep the answer."""
        try:
            news = await self._dialer.facts(call_sid)
        except Exception as error:
            _log.warning("facts_unknown", call_sid=call_sid, detail=type(error).__name__)
            return attempt.facts
        await asyncio.to_thread(self._attempts.note, attempt.id, news)
        return merged(attempt.facts, news)

    async def conclude(self, campaign: str, attempt: str) -> float | None:
        """Decide what follows from an attempt; return in how many seconds its lead is called again."""
        known = await asyncio.to_thread(self._attempts.find, attempt)
        if known is None:
            return None
        if known.refused is None and not known.facts.is_final:  # its call was heard of in this very moment
            return self._timing.ring_margin
        now = self._epoch()
        policy, came_to = self._policy(campaign), known.refused or known.facts
        decision = decide(came_to, policy, known.calls, now, known.refusals)
        due = await asyncio.to_thread(self._attempts.conclude, attempt, decision)
        return None if due is None else max(due - now, 0)

    def _policy(self, campaign: str) -> RetryPolicy:
        """Return on what terms people are called again; one that is not declared any more calls nobody."""
        terms = self._fleet.campaigns.get(campaign)
        if terms is None:
            return RetryPolicy(0, 0)
        return RetryPolicy(terms.max_retries, terms.cooldown, terms.voicemail)
