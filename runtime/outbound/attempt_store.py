"""Attempts in the database: begun before anything is dialled, dialled in their turn, concluded once.

Everything that must not happen twice is decided here, in transactions that see all processes: whether a lead
is still to be called, from which number, how many calls there are, and when the next one may be placed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from runtime.outbound.facts import merged
from runtime.outbound.numbers import free_number
from runtime.outbound.orders import TERMINAL, CallFacts, DialOrder, DialRefused, new_attempt
from runtime.outbound.outcome import Decision, Finished, Retry
from runtime.outbound.reasons import forbidden, is_cancelled, reason_not_to_call
from runtime.store.campaign_tables import attempts, campaigns, leads, never_call
from runtime.store.database import take_turns, writing_transaction
from schemas import Agent
from schemas.campaign import Campaign

# How long a lead waits for a place before it is looked at again, in seconds.
PAUSED_SECONDS: Final = 60.0
NO_ROOM_SECONDS: Final = 5.0
ON_THE_PHONE_SECONDS: Final = 120.0
FARTHEST_TURN_MS: Final = 1000
# After this a call that was never heard of again is over.
LONGEST_CALL_MS: Final = 6 * 3_600_000

_FACTS: Final = (
    "call_sid",
    "status",
    "answered_by",
    "sip_code",
    "end_reason",
    "error_code",
    "seconds",
    "opted_out",
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that is to be placed, or has been: `attempt` names it."""

    attempt: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """The lead has to wait for so many seconds, and be looked at again then."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Over:
    """Nobody calls this lead any more."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt as it is known; times are seconds since the epoch.

    `calls` counts those of the lead up to this one, `refusals` the attempts of it that were no call for now.
    `to` and `from_` are E.164.
    """

    id: str
    campaign: str
    lead: str
    agent: str
    to: str
    from_: str
    calls: int
    facts: CallFacts
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    dialled_at_s: float | None = None
    refused: DialRefused | None = None
    refusals: int = 0

    def order(self, campaign: Campaign) -> DialOrder:
        """Return the order for its call, on the terms of its campaign."""
        return DialOrder(
            attempt=self.id,
            agent=self.agent,
            to=self.to,
            from_=self.from_,
            variables=self.variables,
            machine_detection=True,
            voicemail=campaign.voicemail,
            voicemail_message=campaign.voicemail_message,
            ring_seconds=campaign.ring_seconds,
            campaign=self.campaign,
            lead=self.lead,
        )


class AttemptStore:
    """Attempts in one database. Its methods block: they belong into a thread."""

    def __init__(self, engine: Engine, epoch: Callable[[], float]) -> None:
        """`epoch` gives the time in seconds."""
        self._engine = engine
        self._epoch = epoch

    def begin(
        self,
        campaign: Campaign,
        agent: Agent,
        lead: str,
        workflow: str,
        declared: Collection[str] | None = None,
    ) -> Begun | NotNow | Over:
        """Begin an attempt to reach a lead, or return the one that is under way.

        Who is being called by another of the `declared` campaigns is not called; by any, where it is None.
        """
        with writing_transaction(self._engine) as connection:
            take_turns(connection, "dialling")
            this = (leads.c.campaign == campaign.name, leads.c.id == lead)
            row = connection.execute(select(leads).where(*this)).one()
            under_way = (attempts.c.campaign == campaign.name, attempts.c.lead == lead)
            open_one = connection.scalar(
                select(attempts.c.id).where(*under_way, attempts.c.ended_at.is_(None))
            )
            if open_one is not None:
                mine = update(attempts).where(attempts.c.id == open_one).values(workflow=workflow)
                connection.execute(mine)
                return Begun(open_one)
            if row.state == "finished":
                return Over()
            stop = reason_not_to_call(connection, campaign, row, declared)
            if stop is not None:
                gone = {"state": "finished", "outcome": stop, "changed_at": self._now()}
                connection.execute(update(leads).where(*this).values(**gone))
                return Over()
            caller = self._caller(connection, campaign, agent, row.number)
            if isinstance(caller, NotNow):
                return caller
            return Begun(self._insert(connection, row, agent, caller, workflow))

    def _caller(self, connection: Connection, campaign: Campaign, agent: Agent, number: str) -> str | NotNow:
        """Return the number to call from: that with the fewest calls; or how long there is none."""
        paused = select(campaigns.c.state).where(campaigns.c.name == campaign.name)
        if connection.scalar(paused) != "running":
            return NotNow(PAUSED_SECONDS)
        on_the_phone = select(func.count()).where(self._is_live(), attempts.c.number == number)
        if connection.scalar(on_the_phone):
            return NotNow(ON_THE_PHONE_SECONDS)
        return free_number(connection, campaign, agent) or NotNow(NO_ROOM_SECONDS)

    def _insert(
        self,
        connection: Connection,
        lead: Row[tuple[object, ...]],
        agent: Agent,
        caller: str,
        workflow: str,
    ) -> str:
        attempt, now = new_attempt(), self._now()
        connection.execute(
            insert(attempts).values(
                id=attempt,
                campaign=lead.campaign,
                lead=lead.id,
                workflow=workflow,
                agent=agent.name,
                number=lead.number,
                caller=caller,
                begun_at=now,
                status="queued",
                opted_out=False,
            )
        )
        this = (leads.c.campaign == lead.campaign, leads.c.id == lead.id)
        begun = {"state": "dialling", "calls": lead.calls + 1, "due_at": None, "changed_at": now}
        connection.execute(update(leads).where(*this).values(**begun))
        return attempt

    def find(self, attempt: str) -> Attempt | None:
        """Return an attempt; None when it was taken back."""
        of_lead = attempts.alias()
        refusals = select(func.count()).where(
            of_lead.c.campaign == attempts.c.campaign,
            of_lead.c.lead == attempts.c.lead,
            of_lead.c.refused == "for_now",
        )
        wanted = (
            select(attempts, leads.c.variables, leads.c.calls, refusals.scalar_subquery().label("refusals"))
            .join(leads, (leads.c.campaign == attempts.c.campaign) & (leads.c.id == attempts.c.lead))
            .where(attempts.c.id == attempt)
        )
        with self._engine.connect() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else _attempt(row)

    def take_turn(self, attempt: str, campaign: Campaign) -> float | None:
        """Give an attempt its turn to be dialled, and return when that is, in seconds since the epoch.

        Turns are as far apart as the campaign says, whichever process they are given to. None when they are
        given away for the next second; then it is to be asked again. A turn that nobody uses is lost.
        """
        with writing_transaction(self._engine) as connection:
            take_turns(connection, "dialling")
            this = campaigns.c.name == campaign.name
            free: int = connection.scalars(select(campaigns.c.next_call_at).where(this)).one()
            now = self._now()
            turn = max(free, now)
            if turn > now + FARTHEST_TURN_MS:
                return None
            following = turn + math.ceil(1000 / campaign.calls_per_second)
            connection.execute(update(campaigns).where(this).values(next_call_at=following))
            connection.execute(update(attempts).where(attempts.c.id == attempt).values(dialled_at=turn))
            return turn / 1000

    def is_free(self, number: str, attempt: str) -> bool:
        """Tell whether an attempt may call somebody: who asked not to be, or is on the phone, may not be."""
        other = (self._is_live(), attempts.c.number == number, attempts.c.id != attempt)
        with self._engine.connect() as connection:
            reasons = (forbidden(number), select(attempts.c.number).where(*other).limit(1))
            return all(connection.scalar(reason) is None for reason in reasons)

    def _is_live(self) -> ColumnElement[bool]:
        """Whether there is a call, or is to be one; it may have come about after it had been given up."""
        late = (
            attempts.c.call_sid.is_not(None),
            attempts.c.status.not_in(TERMINAL),
            attempts.c.dialled_at > self._now() - LONGEST_CALL_MS,
        )
        return or_(_is_open(), and_(*late))

    def has_turn(self, attempt: str, turn_s: float) -> bool:
        """Tell whether the attempt still waits for that turn: no other process has gone on with it."""
        waits = (attempts.c.call_sid.is_(None), attempts.c.refused.is_(None))
        this = (attempts.c.id == attempt, attempts.c.dialled_at == round(turn_s * 1000))
        with self._engine.connect() as connection:
            return connection.scalar(select(attempts.c.id).where(*this, *waits)) is not None

    def placed(self, attempt: str, call_sid: str) -> None:
        """Note the call that an attempt led to."""
        self._note(attempt, CallFacts(call_sid=call_sid))

    def note(self, attempt: str, news: CallFacts) -> str | None:
        """Add what was found out about an attempt; return the workflow that waits for the end of its call.

        None before that end, and when nothing waits. Who has asked not to be called again is called by no
        campaign from this moment on.
        """
        return self._note(attempt, news)

    def _note(self, attempt: str, news: CallFacts) -> str | None:
        with writing_transaction(self._engine) as connection:
            take_turns(connection, "dialling")
            this = attempts.c.id == attempt
            row = connection.execute(select(attempts).where(this)).one_or_none()
            if row is None:
                return None
            after_all = row.refused is not None and news.call_sid is not None
            known = merged(CallFacts() if after_all else _facts(row), news)
            changed: dict[str, object] = {name: getattr(known, name) for name in _FACTS}
            if after_all:
                changed |= {"refused": None, **self._reopened(connection, row)}
            connection.execute(update(attempts).where(this).values(**changed))
            if news.opted_out:
                self._never_again(connection, row.number)
            return row.workflow if known.is_final and row.ended_at is None else None

    def _reopened(self, connection: Connection, row: Row[tuple[object, ...]]) -> dict[str, object]:
        """Let whoever calls the lead next go on with a call that came about after it had been given up."""
        waits = (leads.c.campaign == row.campaign, leads.c.id == row.lead, leads.c.state == "retry")
        counted = leads.c.calls + (1 if row.refused == "for_now" else 0)
        back = {"state": "dialling", "due_at": None, "calls": counted, "changed_at": self._now()}
        if (
            row.ended_at is None
            or not connection.execute(update(leads).where(*waits).values(**back)).rowcount
        ):
            return {}
        return {"ended_at": None, "outcome": None}

    def _never_again(self, connection: Connection, number: str) -> None:
        """Keep a number from being called, and finish the leads that wait with it."""
        now = self._now()
        if connection.scalar(forbidden(number)) is None:
            connection.execute(insert(never_call).values(number=number, since=now))
        waits = leads.c.state.in_(("backlog", "retry"))
        gone = {"state": "finished", "outcome": "opted_out", "changed_at": now}
        connection.execute(update(leads).where(leads.c.number == number, waits).values(**gone))

    def refuse(self, attempt: str, refused: DialRefused) -> None:
        """Note that there is no call."""
        how = "for_good" if refused.permanent else "for_now"
        values = {"refused": how, "status": "failed", "error_code": refused.code}
        with writing_transaction(self._engine) as connection:
            connection.execute(update(attempts).where(attempts.c.id == attempt).values(**values))

    def conclude(self, attempt: str, decision: Decision) -> float | None:
        """Close an attempt, and its lead or the lead's wait; return when the lead is due, if it is again.

        In seconds since the epoch. What is closed stays as it is.
        """
        now = self._now()
        with writing_transaction(self._engine) as connection:
            take_turns(connection, "dialling")
            this = (attempts.c.id == attempt, attempts.c.ended_at.is_(None))
            row = connection.execute(select(attempts).where(attempts.c.id == attempt)).one()
            outcome = decision.outcome if isinstance(decision, Finished) else decision.reason
            connection.execute(update(attempts).where(*this).values(outcome=outcome, ended_at=now))
            values: dict[str, object] = {"outcome": outcome, "changed_at": now, "state": "finished"}
            if isinstance(decision, Retry):
                waits = {"state": "retry", "due_at": round(decision.at_s * 1000)}
                values |= {"outcome": "cancelled"} if is_cancelled(connection, row.campaign) else waits
                values |= {} if decision.counts else {"calls": leads.c.calls - 1}
            lead = (leads.c.campaign == row.campaign, leads.c.id == row.lead)
            calls = (leads.c.state == "dialling",) if row.ended_at is None else (false(),)
            connection.execute(update(leads).where(*lead, *calls).values(**values))
            due = select(leads.c.due_at).where(*lead, leads.c.state == "retry")
            return _seconds(connection.scalar(due))

    def undo(self, attempt: str) -> None:
        """Take an attempt back that was never dialled: the lead is as if there had been none.

        One of whose call was heard meanwhile stays.
        """
        with writing_transaction(self._engine) as connection:
            take_turns(connection, "dialling")
            row = connection.execute(select(attempts).where(attempts.c.id == attempt)).one_or_none()
            if row is None or row.call_sid is not None:
                return
            connection.execute(attempts.delete().where(attempts.c.id == attempt))
            lead = (leads.c.campaign == row.campaign, leads.c.id == row.lead)
            calls = connection.scalar(select(leads.c.calls).where(*lead)) or 1
            before: dict[str, object] = {"state": "backlog" if calls == 1 else "retry", "calls": calls - 1}
            if is_cancelled(connection, row.campaign):
                before |= {"state": "finished", "outcome": "cancelled"}
            connection.execute(update(leads).where(*lead).values(**before))

    def _now(self) -> int:
        return round(self._epoch() * 1000)


def _is_open() -> ColumnElement[bool]:
    return attempts.c.ended_at.is_(None)


def _attempt(row: Row[tuple[object, ...]]) -> Attempt:
    refused = None
    if row.refused is not None:
        refused = DialRefused(row.error_code, "refused", permanent=row.refused == "for_good")
    return Attempt(
        id=row.id,
        campaign=row.campaign,
        lead=row.lead,
        agent=row.agent,
        to=row.number,
        from_=row.caller,
        calls=row.calls,
        facts=_facts(row),
        variables=row.variables,
        dialled_at_s=_seconds(row.dialled_at),
        refused=refused,
        refusals=row.refusals,
    )


def _facts(row: Row[tuple[object, ...]]) -> CallFacts:
    return replace(CallFacts(), **{name: getattr(row, name) for name in _FACTS})


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
