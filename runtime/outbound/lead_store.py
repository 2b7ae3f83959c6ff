"""The people of campaigns in the database: added, counted, listed; and whether their campaign goes on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from sqlalchemy import Connection, Engine, case, func, insert, select, update

from runtime.outbound.leads import Lead, RefusedLead, lead_id
from runtime.outbound.outcome import Outcome
from runtime.outbound.progress import LeadState, Progress
from runtime.store.campaign_tables import attempts, campaigns, leads
from runtime.store.database import take_turns, writing_transaction

CampaignState: TypeAlias = Literal["running", "paused", "cancelled"]
Values: TypeAlias = dict[str, object]

BATCH: Final = 500
"""Leads of one transaction."""
WAITS: Final = ("backlog", "retry")
"""The states of leads that are to be called."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a list: leads to be called, those known before, and rows that nobody is called for."""

    new: int = 0
    known: int = 0
    refused: int = 0

    def __add__(self, other: Added) -> Added:
        return Added(self.new + other.new, self.known + other.known, self.refused + other.refused)


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """Whether a campaign goes on; `reason` says why it was paused when nobody asked for it."""

    state: CampaignState
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingLead:
    """A lead that is to be called: its number in E.164, and its time zone where the list knows it."""

    id: str
    number: str
    time_zone: str | None


class LeadStore:
    """Leads and campaigns in one database. Its methods block: they belong into a thread."""

    def __init__(self, engine: Engine, epoch: Callable[[], float]) -> None:
        """`epoch` gives the time in seconds."""
        self._engine = engine
        self._epoch = epoch

    def start(self, campaign: str) -> None:
        """Let a campaign run, whatever it did before."""
        self._set_state(campaign, "running", None)

    def pause(self, campaign: str, reason: str | None = None) -> None:
        """Place no further calls until it is started again."""
        self._set_state(campaign, "paused", reason)

    def cancel(self, campaign: str) -> None:
        """Place no further calls; leads whose call is not under way are finished."""
        self._set_state(campaign, "cancelled", None)
        gone: Values = {"state": "finished", "outcome": "cancelled", "changed_at": self._now()}
        with writing_transaction(self._engine) as connection:
            waits = leads.c.state.in_(WAITS)
            connection.execute(update(leads).where(leads.c.campaign == campaign, waits).values(gone))

    def status(self, campaign: str) -> CampaignStatus | None:
        """Return whether a campaign goes on, None when it was never run."""
        with self._engine.connect() as connection:
            row = connection.execute(select(campaigns).where(campaigns.c.name == campaign)).one_or_none()
        return None if row is None else CampaignStatus(row.state, row.reason)

    def statuses(self) -> Mapping[str, CampaignStatus]:
        """Return of every campaign that was ever run whether it goes on."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(campaigns)).all()
        return {row.name: CampaignStatus(row.state, row.reason) for row in rows}

    def add(
        self, campaign: str, people: Iterable[Lead | RefusedLead], declared: Collection[str] | None = None
    ) -> Added:
        """Add leads, a batch at a time; those that the campaign knows already stay as they are.

        A number that waits in another campaign is a duplicate: nobody is called by two of them at a time.
        Only the `declared` ones are looked at, all where it is None.
        """
        added = Added()
        rows = (_values(campaign, person, self._now()) for person in people)
        while batch := list(itertools.islice(rows, BATCH)):
            with writing_transaction(self._engine) as connection:
                take_turns(connection, "leads")
                added += _add_batch(connection, campaign, {str(row["id"]): row for row in batch}, declared)
        return added

    def progress(self, campaign: str) -> Progress:
        """Return how far a campaign is."""
        counted = (
            select(leads.c.state, leads.c.outcome, func.count())
            .where(leads.c.campaign == campaign)
            .group_by(leads.c.state, leads.c.outcome)
        )
        recently = case((attempts.c.dialled_at > self._now() - 60_000, 1))
        calls = select(func.count(attempts.c.dialled_at), func.count(recently)).where(
            attempts.c.campaign == campaign
        )
        with self._engine.connect() as connection:
            rows = connection.execute(counted).all()
            placed, last_minute = connection.execute(calls).one()
        states = dict.fromkeys(get_args(LeadState), 0)
        outcomes: dict[Outcome, int] = {}
        for state, outcome, count in rows:
            states[state] += count
            if state == "finished":
                outcomes[outcome] = count
        return Progress(states, outcomes, last_minute, placed)

    def unqueued(self, campaign: str, limit: int = BATCH) -> Sequence[WaitingLead]:
        """Return leads that no workflow waits for yet, in the order of the list."""
        wanted = (
            select(leads.c.id, leads.c.number, leads.c.time_zone)
            .where(leads.c.campaign == campaign, leads.c.queued.is_(False), leads.c.state != "finished")
            .order_by(leads.c.line)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [WaitingLead(*row) for row in connection.execute(wanted)]

    def find(self, campaign: str, lead: str) -> WaitingLead | None:
        """Return a lead that is not finished."""
        wanted = select(leads.c.id, leads.c.number, leads.c.time_zone)
        this = (leads.c.campaign == campaign, leads.c.id == lead, leads.c.state != "finished")
        with self._engine.connect() as connection:
            row = connection.execute(wanted.where(*this)).one_or_none()
        return None if row is None else WaitingLead(*row)

    def queued(self, campaign: str, due: Mapping[str, float]) -> None:
        """Note that workflows wait for these leads, until the given times (seconds since the epoch)."""
        with writing_transaction(self._engine) as connection:
            for lead, due_s in due.items():
                connection.execute(
                    update(leads)
                    .where(leads.c.campaign == campaign, leads.c.id == lead)
                    .values(queued=True, due_at=round(due_s * 1000))
                )

    def begun_by(self, workflows: Sequence[str]) -> Sequence[str]:
        """Return those of the workflows that have begun a call which is not over."""
        wanted = select(attempts.c.workflow).where(attempts.c.workflow.in_(workflows))
        with self._engine.connect() as connection:
            return connection.scalars(wanted.where(attempts.c.ended_at.is_(None))).all()

    def forget_queues(self) -> None:
        """Let every lead be queued anew: the workflows that waited for them are lost."""
        with writing_transaction(self._engine) as connection:
            connection.execute(update(leads).where(leads.c.state != "finished").values(queued=False))

    def finish(self, campaign: str, lead: str, outcome: Outcome, detail: str) -> bool:
        """Finish a lead that nobody is called for; False when its call is under way, or it was finished."""
        values = {"state": "finished", "outcome": outcome, "detail": detail, "changed_at": self._now()}
        this = (leads.c.campaign == campaign, leads.c.id == lead, leads.c.state.in_(WAITS))
        with writing_transaction(self._engine) as connection:
            return connection.execute(update(leads).where(*this).values(**values)).rowcount > 0

    def results(self, campaign: str) -> Iterator[dict[str, Any]]:
        """Yield the columns of every lead of a campaign, in the order of its list."""
        order = (leads.c.line, leads.c.id)
        wanted = select(leads).where(leads.c.campaign == campaign).order_by(*order)
        with self._engine.connect().execution_options(yield_per=BATCH) as connection:
            yield from (dict(row._mapping) for row in connection.execute(wanted))

    def _set_state(self, campaign: str, state: CampaignState, reason: str | None) -> None:
        values = {"state": state, "reason": reason, "changed_at": self._now()}
        with writing_transaction(self._engine) as connection:
            take_turns(connection, "leads")
            changed = connection.execute(
                update(campaigns).where(campaigns.c.name == campaign).values(**values)
            )
            if changed.rowcount == 0:
                connection.execute(insert(campaigns).values(name=campaign, next_call_at=0, **values))

    def _now(self) -> int:
        return round(self._epoch() * 1000)


def _values(campaign: str, person: Lead | RefusedLead, now: int) -> Values:
    """Return the row of a person; one that nobody is called for is finished from the beginning."""
    row: Values = {
        "campaign": campaign,
        "number": person.number,
        "time_zone": None,
        "variables": {},
        "own_id": person.own_id,
        "line": person.line,
        "state": "backlog",
        "outcome": None,
        "detail": None,
        "calls": 0,
        "queued": False,
        "due_at": None,
        "changed_at": now,
    }
    if isinstance(person, Lead):
        told = {"time_zone": person.time_zone, "variables": dict(person.variables)}
        return {**row, **told, "id": lead_id(campaign, person.number)}
    over = {"state": "finished", "outcome": person.reason, "detail": person.detail}
    return {**row, **over, "id": lead_id(campaign, f"line {person.line} {person.detail}")}


def _add_batch(
    connection: Connection, campaign: str, rows: Mapping[str, Values], declared: Collection[str] | None
) -> Added:
    known = set(
        connection.scalars(select(leads.c.id).where(leads.c.campaign == campaign, leads.c.id.in_(rows)))
    )
    new = [row for id_, row in rows.items() if id_ not in known]
    elsewhere = {
        number: other
        for number, other in _waiting_elsewhere(connection, campaign, [row["number"] for row in new])
        if declared is None or other in declared
    }
    for row in new:
        other = elsewhere.get(cast("str", row["number"]))
        if row["state"] == "backlog" and other is not None:
            detail = f"{row['number']} waits in campaign {other} already"
            row.update(state="finished", outcome="duplicate", detail=detail)
    if new:
        connection.execute(insert(leads), new)
    _finish_forbidden(connection, campaign, rows.values())
    refused = sum(row["state"] == "finished" for row in new)
    return Added(len(new) - refused, len(known), refused)


def _finish_forbidden(connection: Connection, campaign: str, rows: Iterable[Values]) -> None:
    """Finish who waits and stands in a list by now of numbers that are never called."""
    for row in rows:
        if row["outcome"] == "do_not_call":
            gone = {name: row[name] for name in ("state", "outcome", "detail", "changed_at")}
            waits = (leads.c.number == row["number"], leads.c.state.in_(WAITS))
            connection.execute(update(leads).where(leads.c.campaign == campaign, *waits).values(**gone))


def _waiting_elsewhere(
    connection: Connection, campaign: str, numbers: Sequence[object]
) -> Sequence[tuple[str, str]]:
    """Return those of the numbers that are to be called by another campaign, and by which; run or not yet."""
    wanted = (
        select(leads.c.number, leads.c.campaign)
        .outerjoin(campaigns, campaigns.c.name == leads.c.campaign)
        .where(leads.c.number.in_(number for number in numbers if number is not None))
        .where(leads.c.state != "finished", leads.c.campaign != campaign)
        .where(campaigns.c.state.is_(None) | (campaigns.c.state != "cancelled"))
    )
    return [(row.number, row.campaign) for row in connection.execute(wanted)]
