"""Changes to placed calls, each inside the caller's writing transaction.

A call's row and its record are made together before it is dialled. Reports about it may come twice, in any
order, to any node: each is merged into what is known, and the first end is its end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from runtime.call.ending import REPORTED_ENDINGS
from runtime.call_progress import Progress, read_record
from runtime.call_record import CallRecord, EndReason
from runtime.outbound.dial import (
    CALL_MARGIN_SECONDS,
    LATE_SECONDS,
    AlreadyOrderedError,
    Dial,
    Noted,
    order_json,
    read_order,
)
from runtime.outbound.facts import merged
from runtime.outbound.orders import CallFacts, DialOrder
from runtime.store import writing
from runtime.store.database import take_turns
from runtime.store.dial_tables import DIALLED_NODE, dials
from runtime.store.reading import count_live_elsewhere
from runtime.store.tables import LIVE_STATUSES, calls

AGAIN_MS: Final = 30_000
"""How long the account is not asked again about a call."""
MOST_DUE: Final = 20


def begin(
    connection: Connection,
    order: DialOrder,
    record: CallRecord,
    *,
    expires_at: int,
    room: int | None = None,
    node: str = "",
    since: int = 0,
    once: bool = False,
) -> bool:
    """Store a call that is about to be placed; False when its agent has `room` live calls besides a node's.

    The calls that `node` has are not counted: it has done so. Those begun before `since` (epoch ms) are over,
    whatever their records say. An order that is stored already stays as it is; with `once` it raises
    `AlreadyOrderedError`.
    """
    known = _row(connection, order.attempt) is not None
    if known and once:
        raise AlreadyOrderedError
    if known:
        return True
    if room is not None:
        take_turns(connection, f"agent {order.agent}")
        if count_live_elsewhere(connection, order.agent, node, since) >= room:
            return False
    due_at = record.started_at + round((order.ring_seconds + LATE_SECONDS) * 1000)
    connection.execute(
        insert(dials).values(
            attempt=order.attempt,
            agent=order.agent,
            order=order_json(order),
            placed_at=record.started_at,
            due_at=due_at,
            taken=False,
            status="queued",
        )
    )
    connection.execute(
        insert(calls).values(writing.row_of(record, DIALLED_NODE, Progress(expires_at=expires_at)))
    )
    return True


def find(connection: Connection, attempt: str) -> Dial | None:
    """Return a placed call, None for one that was not."""
    row = _row(connection, attempt)
    return None if row is None else _dial(row)


def find_by_sid(connection: Connection, call_sid: str) -> str | None:
    """Return the attempt that a call of Twilio's belongs to, None for one that is nobody's."""
    return connection.execute(select(dials.c.attempt).where(dials.c.call_sid == call_sid)).scalar()


def is_taken_back(connection: Connection, attempt: str) -> bool:
    """Tell whether an operator has hung up the call, answered or not."""
    wanted = select(calls.c.cancelled_at).where(calls.c.id == attempt)
    return connection.execute(wanted).scalar() is not None


def order_of(connection: Connection, call_id: str) -> DialOrder | None:
    """Return the order that a call record came from, None for a call that came in."""
    row = _row(connection, call_id)
    return None if row is None else read_order(row.order)


def take(
    connection: Connection, attempt: str, agent: str, call_sid: str, node: str, *, due_at: int
) -> tuple[Dial, CallRecord] | None:
    """Give an answered call to a node, and return it with its record; None when there is nothing to take.

    That is so for calls of other agents, and for those that are over. One that another node has taken is
    given away again: Twilio asks elsewhere when it has waited too long. At `due_at` its end has to be known.
    """
    row = _row(connection, attempt, agent, lock=True)
    if row is None or row.call_sid not in (None, call_sid):
        return None
    mine = calls.c.id == attempt, calls.c.status.in_(LIVE_STATUSES)
    kept = connection.execute(select(calls).where(*mine).with_for_update()).one_or_none()
    if kept is None:
        return None
    changed = {**kept.record, "call_sid": call_sid}
    connection.execute(update(calls).where(*mine).values(node=node, call_sid=call_sid, record=changed))
    values = {"taken": True, "call_sid": call_sid, "due_at": due_at}
    connection.execute(update(dials).where(dials.c.attempt == attempt).values(values))
    return _dial(row), read_record(changed)


def note(
    connection: Connection,
    attempt: str,
    news: CallFacts,
    now: int,
    *,
    agent: str | None = None,
    detection_ms: int | None = None,
) -> Noted | None:
    """Add what was reported of a call at `now`; None for a call that is not known, or not this agent's.

    A call that nobody of ours has talked on is over with Twilio's last word about it.
    """
    row = _row(connection, attempt, agent, lock=True)
    if row is None or (news.call_sid or row.call_sid) != (row.call_sid or news.call_sid):
        return None
    facts = merged(_facts(row), news)
    values: dict[str, object] = {
        "call_sid": facts.call_sid,
        "status": facts.status,
        "answered_by": facts.answered_by,
        "sip_code": facts.sip_code,
        "error_code": facts.error_code,
        "seconds": facts.seconds,
    }
    if detection_ms is not None and row.detection_ms is None:
        values["detection_ms"] = detection_ms
    if facts.is_final:
        values["due_at"] = None
    connection.execute(update(dials).where(dials.c.attempt == attempt).values(values))
    ended = None if row.taken or not facts.is_final else _end(connection, attempt, facts, now)
    return Noted(_dial(_row(connection, attempt)), ended)


def _end(connection: Connection, attempt: str, facts: CallFacts, now: int) -> CallRecord | None:
    """End the record of a call that was not answered, or whose answer nobody of ours could take."""
    live = calls.c.id == attempt, calls.c.status.in_(LIVE_STATUSES)
    kept = connection.execute(select(calls.c.record, calls.c.cancelled_at).where(*live)).one_or_none()
    if kept is None:
        return None
    reason: EndReason = REPORTED_ENDINGS[facts.status]
    if facts.status == "completed":
        reason = "failed" if kept.cancelled_at is None else "cancelled"
    ended = {
        **kept.record,
        "call_sid": facts.call_sid,
        "status": "completed",
        "end_reason": reason,
        "ended_at": now,
    }
    columns = ("call_sid", "status", "end_reason", "ended_at")
    values = {name: ended[name] for name in columns}
    connection.execute(update(calls).where(calls.c.id == attempt).values(record=ended, **values))
    return replace(read_record(ended), status="completed", end_reason=reason, ended_at=now)


def detected(connection: Connection, attempts: Collection[str]) -> list[Dial]:
    """Return those of the calls of which it is known who has answered."""
    query = select(dials).where(dials.c.attempt.in_(attempts), dials.c.answered_by.is_not(None))
    return [_dial(row) for row in connection.execute(query)]


def due(connection: Connection, now: int) -> list[Dial]:
    """Return calls of which something should have been heard by now; for a while they are nobody else's."""
    late = dials.c.due_at < now
    query = select(dials).where(late).order_by(dials.c.due_at).limit(MOST_DUE)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    for row in rows:
        later = update(dials).where(dials.c.attempt == row.attempt)
        connection.execute(later.values(due_at=now + AGAIN_MS))
    return [_dial(row) for row in rows]


def end_of_call_ms(now: int, max_call_seconds: float) -> int:
    """Return when (epoch ms) the end of a call that was answered at `now` has to be known."""
    return now + round((max_call_seconds + CALL_MARGIN_SECONDS) * 1000)


def _row(
    connection: Connection, attempt: str, agent: str | None = None, *, lock: bool = False
) -> Row[Any] | None:
    query = select(dials).where(dials.c.attempt == attempt)
    if agent is not None:
        query = query.where(dials.c.agent == agent)
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def _dial(row: Row[Any] | None) -> Dial:
    assert row is not None
    return Dial(read_order(row.order), row.placed_at, row.taken, _facts(row), row.detection_ms)


def _facts(row: Row[Any]) -> CallFacts:
    return CallFacts(
        call_sid=row.call_sid,
        status=row.status,
        answered_by=row.answered_by,
        sip_code=row.sip_code,
        error_code=row.error_code,
        seconds=row.seconds,
    )
