"""Calls that an operator has hung up, whichever node has them; each change in the caller's transaction.

The mark is in the database before anything is done about the call, so that its record says `cancelled`
whatever its node hears first: the operator's wish, the end of the stream, or Twilio's report.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, or_, select, update

from runtime.call_progress import read_record
from runtime.call_record import CallRecord
from runtime.store.dial_tables import DIALLED_NODE
from runtime.store.tables import LIVE_STATUSES, MESSAGES_NODE, calls


@dataclass(frozen=True, slots=True)
class LiveElsewhere:
    """A call that goes on, as the database shows it: `node` has it, or nobody does."""

    id: str
    call_sid: str | None
    agent: str
    node: str

    @property
    def in_writing(self) -> bool:
        """Whether it is a conversation in writing."""
        return self.node == MESSAGES_NODE

    @property
    def rings(self) -> bool:
        """Whether it is a call of ours that nobody has answered."""
        return self.node == DIALLED_NODE


def mark(connection: Connection, name: str, now: int) -> LiveElsewhere | None:
    """Note that the call of this id or SID is to end, and return it; None when none such goes on.

    A conversation in writing gets no mark: it is ended in the database itself.
    """
    named = or_(calls.c.id == name, calls.c.call_sid == name), calls.c.status.in_(LIVE_STATUSES)
    newest = select(calls).where(*named).order_by(calls.c.started_at.desc()).limit(1)
    found = connection.execute(newest.with_for_update()).one_or_none()
    if found is None:
        return None
    if found.node != MESSAGES_NODE and found.cancelled_at is None:
        connection.execute(update(calls).where(calls.c.id == found.id).values(cancelled_at=now))
    return LiveElsewhere(found.id, found.call_sid, found.agent, found.node)


def marked(connection: Connection, node: str) -> list[str]:
    """Return the ids of the calls that a node is to end."""
    query = select(calls.c.id).where(
        calls.c.node == node, calls.c.status.in_(LIVE_STATUSES), calls.c.cancelled_at.is_not(None)
    )
    return list(connection.execute(query).scalars())


def is_live(connection: Connection, call_id: str) -> bool:
    """Tell whether a call goes on."""
    query = select(calls.c.id).where(calls.c.id == call_id, calls.c.status.in_(LIVE_STATUSES))
    return connection.execute(query).first() is not None


def close(connection: Connection, call_id: str, now: int) -> CallRecord | None:
    """End the record of a call whose node did not do it, and return it; None when it has."""
    live = select(calls).where(calls.c.id == call_id, calls.c.status.in_(LIVE_STATUSES))
    found = connection.execute(live.with_for_update()).one_or_none()
    if found is None:
        return None
    since_answer = None if found.answered_at is None else (now - found.answered_at) / 1000
    record = replace(
        read_record(found.record),
        status="completed",
        end_reason="cancelled",
        ended_at=now,
        duration_seconds=since_answer if found.duration_seconds is None else found.duration_seconds,
    )
    connection.execute(
        update(calls)
        .where(calls.c.id == call_id)
        .values(
            status=record.status,
            end_reason=record.end_reason,
            ended_at=now,
            duration_seconds=record.duration_seconds,
            record=record.to_json(),
        )
    )
    return record


def count_live(connection: Connection, node: str, now: int) -> dict[str, int]:
    """Return how many calls each agent has on other nodes than this one.

    Those that ring count, those whose limit is over do not, and conversations in writing are no calls.
    """
    query = (
        select(calls.c.agent, func.count().label("live"))
        .where(
            calls.c.status.in_(LIVE_STATUSES),
            calls.c.node.not_in((node, MESSAGES_NODE)),
            or_(calls.c.expires_at.is_(None), calls.c.expires_at >= now),
        )
        .group_by(calls.c.agent)
    )
    return {row.agent: row.live for row in connection.execute(query)}
