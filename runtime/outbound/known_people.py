"""Whom a campaign does not call any more, by what the database has of it: for a look before it is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from runtime.outbound.leads import Lead, RefusedLead, lead_id
from runtime.store.campaign_tables import leads, never_call
from runtime.store.database import unreadable


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """What is known before a campaign is run.

    `never` are the numbers that asked not to be called again, `finished` the outcomes of the campaign's leads
    that nobody calls again, by their ids.
    """

    never: frozenset[str] = frozenset()
    finished: Mapping[str, str] = field(default_factory=dict)


def known_people(engine: Engine, campaign: str) -> KnownPeople:
    """Return what the database knows; nothing where no campaign was ever run. Raises `DatabaseError`."""
    over = select(leads.c.id, leads.c.outcome).where(
        leads.c.campaign == campaign, leads.c.state == "finished"
    )
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(never_call.name):
                return KnownPeople()
            never = frozenset(connection.scalars(select(never_call.c.number)))
            finished = {row.id: row.outcome for row in connection.execute(over)}
    except SQLAlchemyError as error:
        raise unreadable(engine, error) from None
    return KnownPeople(never, finished)


def not_called_again(
    people: Iterable[Lead | RefusedLead], known: KnownPeople, campaign: str
) -> Iterator[Lead | RefusedLead]:
    """Yield the rows of a list, with those refused whom the campaign would not call because of the past."""
    for person in people:
        if isinstance(person, RefusedLead):
            yield person
        elif person.number in known.never:
            detail = f"{person.number} asked not to be called again"
            yield RefusedLead(person.line, "do_not_call", detail, person.number, person.own_id)
        elif (outcome := known.finished.get(lead_id(campaign, person.number))) is not None:
            detail = f"{person.number} is finished already: {outcome.replace('_', ' ')}"
            yield RefusedLead(person.line, "duplicate", detail, person.number, person.own_id)
        else:
            yield person
