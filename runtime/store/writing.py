"""Changes to the call store, each inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select, update

from runtime.call_record import CallRecord
from runtime.store.tables import LIVE_STATUSES, calls


def row_of(record: CallRecord, node: str) -> Mapping[str, object]:
    """Return the table row of a record: the columns that lists need, and the record itself."""
    return {
        "id": record.id,
        "call_sid": record.call_sid,
        "node": node,
        "channel": record.channel,
        "direction": record.direction,
        "agent": record.agent,
        "status": record.status,
        "reject_reason": record.reject_reason,
        "end_reason": record.end_reason,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "duration_seconds": record.duration_seconds,
        "record": record.to_json(),
    }


def upsert(connection: Connection, row: Mapping[str, object]) -> None:
    """Store the row in place of the call's earlier one. One thread of one node writes a call, so no race."""
    changed = connection.execute(update(calls).where(calls.c.id == row["id"]).values(row))
    if changed.rowcount == 0:
        connection.execute(insert(calls).values(row))


def set_duration(connection: Connection, call_sid: str, seconds: int) -> None:
    """Set the duration of the call's ended records, in the column and in the record."""
    ended = select(calls.c.id, calls.c.record).where(
        calls.c.call_sid == call_sid, calls.c.status.not_in(LIVE_STATUSES)
    )
    for call_id, record in connection.execute(ended).all():
        corrected = {**record, "duration_seconds": seconds}
        connection.execute(
            update(calls).where(calls.c.id == call_id).values(duration_seconds=seconds, record=corrected)
        )


def close_leftovers(connection: Connection, node: str) -> int:
    """End the records that a crash of this node left live, and return how many there were.

    Such a call lost its media with the process: `media_error`. When it ended is not known, so `ended_at`
    and the duration stay null.
    """
    live = select(calls.c.id, calls.c.record).where(calls.c.node == node, calls.c.status.in_(LIVE_STATUSES))
    left = connection.execute(live).all()
    for call_id, record in left:
        ended = {**record, "status": "completed", "end_reason": "media_error"}
        connection.execute(
            update(calls)
            .where(calls.c.id == call_id)
            .values(status="completed", end_reason="media_error", record=ended)
        )
    return len(left)
