"""Questions to the call store: the newest calls, page by page, and one call."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, and_, func, or_, select

from runtime.store.tables import LIVE_STATUSES, MESSAGES_NODE, calls

# A call record as `GET /api/calls/{id}` answers it.
RecordJson = Mapping[str, object]

NOT_IN_LISTS = frozenset({"transcript", "tools"})
LATEST = 2**63 - 1  # the largest number that databases compare with


class InvalidCursorError(ValueError):
    """The cursor is not one that a page was answered with."""


@dataclass(frozen=True, slots=True)
class CallPage:
    """Records, newest first, without transcript and tools; `next_cursor` is None on the last page."""

    records: tuple[RecordJson, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls a list is about; None means all."""

    agent: str | None = None
    channel: str | None = None


def read_page(connection: Connection, wanted: CallFilter, limit: int, cursor: str | None) -> CallPage:
    """Return up to `limit` calls before `cursor`. Raises `InvalidCursorError`."""
    query = select(calls.c.started_at, calls.c.id, calls.c.record)
    if wanted.agent is not None:
        query = query.where(calls.c.agent == wanted.agent)
    if wanted.channel is not None:
        query = query.where(calls.c.channel == wanted.channel)
    if cursor is not None:
        started_at, call_id = _position(cursor)
        earlier = and_(calls.c.started_at == started_at, calls.c.id < call_id)
        query = query.where(or_(calls.c.started_at < started_at, earlier))
    query = query.order_by(calls.c.started_at.desc(), calls.c.id.desc()).limit(limit + 1)
    rows = connection.execute(query).all()
    records = tuple(list_row(row.record) for row in rows[:limit])
    last = rows[limit - 1] if len(rows) > limit else None
    return CallPage(records, None if last is None else _cursor(last.started_at, last.id))


def read_call(connection: Connection, call_id: str) -> RecordJson | None:
    """Return the record of a call by its id or its Twilio call SID, or None."""
    query = (
        select(calls.c.record)
        .where(or_(calls.c.id == call_id, calls.c.call_sid == call_id))
        .order_by(calls.c.started_at.desc())
        .limit(1)
    )
    return cast("RecordJson | None", connection.execute(query).scalar())


def read_node(connection: Connection, call_id: str) -> str | None:
    """Return the node that has the call, None for an unknown one."""
    return connection.execute(select(calls.c.node).where(calls.c.id == call_id)).scalar()


def count_live_elsewhere(connection: Connection, agent: str, node: str, since: int) -> int:
    """Return how many of an agent's calls other nodes have live that began at `since` (epoch ms) or later."""
    query = select(func.count()).where(
        calls.c.agent == agent,
        calls.c.started_at >= since,
        calls.c.node.not_in((node, MESSAGES_NODE)),
        calls.c.status.in_(LIVE_STATUSES),
    )
    return connection.execute(query).scalar_one()


def list_row(record: RecordJson) -> RecordJson:
    """Return the record as lists show it."""
    return {key: value for key, value in record.items() if key not in NOT_IN_LISTS}


def _cursor(started_at: int, call_id: str) -> str:
    return base64.urlsafe_b64encode(f"{started_at}:{call_id}".encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[int, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        started_at, separator, call_id = text.partition(":")
        moment = int(started_at)
        if not separator or abs(moment) > LATEST:
            raise InvalidCursorError(cursor)
        return moment, call_id
    except (ValueError, binascii.Error) as error:
        raise InvalidCursorError("the cursor is not one of ours") from error
