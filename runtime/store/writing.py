"""Changes to the call store, each inside the caller's writing transaction.

What is read to be changed is locked: other nodes may be told of the same call at the same moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from runtime.call.ending import Ending, hung_up_elsewhere
from runtime.call_progress import Progress
from runtime.call_record import CallRecord, JsonValue
from runtime.store.database import take_turns
from runtime.store.reading import count_live_elsewhere
from runtime.store.tables import LIVE_STATUSES, calls

# When a call is over at the latest that says nothing about it: the longest call, and what comes before it.
LONGEST_CALL_MS = (14_400 + 1_200) * 1000


class TakenOverError(Exception):
    """Another node has the call now; what this one knows of it is out of date."""


def row_of(record: CallRecord, node: str, progress: Progress | None = None) -> Mapping[str, object]:
    """Return the table row of a record: the columns that lists need, and the record itself.

    Without `progress` its columns stay as they are.
    """
    row: dict[str, object] = {
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
    if progress is not None:
        row |= {
            "answered_at": progress.answered_at,
            "expires_at": progress.expires_at,
            "returns": progress.returns,
        }
    return row


def upsert(connection: Connection, row: Mapping[str, object]) -> None:
    """Store the row in place of the call's earlier one.

    Raises `TakenOverError` when the call is another node's by now. Recordings that were reported meanwhile
    are kept, and so is the duration that Twilio has counted: a live call has no other. What an operator has
    hung up elsewhere has ended by that.
    """
    columns = (
        calls.c.node,
        calls.c.status,
        calls.c.duration_seconds,
        calls.c.record["recordings"],
        calls.c.cancelled_at,
    )
    kept = select(*columns).where(calls.c.id == row["id"]).with_for_update()
    earlier = connection.execute(kept).one_or_none()
    if earlier is None:
        connection.execute(insert(calls).values(row))
        return
    node, status, seconds, recordings, cancelled_at = earlier
    if status in LIVE_STATUSES and seconds is not None:
        row = _with_duration(row, seconds)
    if node != row["node"]:
        raise TakenOverError(str(row["id"]))
    if cancelled_at is not None:
        if row["status"] in LIVE_STATUSES and status not in LIVE_STATUSES:  # closed in its node's place
            return
        row = _as_hung_up(row, cancelled_at)
    connection.execute(update(calls).where(calls.c.id == row["id"]).values(_with_recordings(row, recordings)))


def _with_duration(row: Mapping[str, object], seconds: float) -> Mapping[str, object]:
    record = row["record"]
    assert isinstance(record, dict)
    if row["status"] not in LIVE_STATUSES:
        record = {**record, "duration_seconds": seconds}
    return {**row, "duration_seconds": seconds, "record": record}


def _as_hung_up(row: Mapping[str, object], cancelled_at: int) -> Mapping[str, object]:
    record, ended_at = row["record"], row["ended_at"]
    assert isinstance(record, dict)
    assert ended_at is None or isinstance(ended_at, int)
    ending = Ending(record["status"], record["reject_reason"], record["end_reason"])
    reason = hung_up_elsewhere(ending, ended_at, cancelled_at).end_reason
    return {**row, "end_reason": reason, "record": {**record, "end_reason": reason}}


def _with_recordings(row: Mapping[str, object], earlier: list[str] | None) -> Mapping[str, object]:
    record = row["record"]
    assert isinstance(record, dict)
    merged = list(dict.fromkeys([*(earlier or ()), *(record["recordings"] or ())]))
    return {**row, "record": {**record, "recordings": merged}} if merged else row


def take_over(connection: Connection, call_sid: str, agent: str, node: str, *, most: int) -> Any | None:
    """Make a live call this node's, and return its row with `returns` counted up; None where there is none.

    A call that has come back `most` times does not come back again. Of two nodes that want it at once, the
    later one has it: Twilio asks elsewhere when it has waited too long.
    """
    of_call = calls.c.call_sid == call_sid, calls.c.agent == agent, calls.c.status.in_(LIVE_STATUSES)
    newest = select(calls).where(*of_call).order_by(calls.c.started_at.desc()).limit(1)
    found = connection.execute(newest.with_for_update()).one_or_none()
    if found is None or found.returns >= most:
        return None
    mine = update(calls).where(calls.c.id == found.id)
    connection.execute(mine.values(node=node, returns=found.returns + 1))
    return found


def reserve(connection: Connection, row: Mapping[str, object], *, room: int, since: int) -> int:
    """Store a call that is about to be taken, unless its agent has `room` live calls on other nodes already.

    Returns how many those are, of calls begun at `since` (epoch ms) or later. Of nodes that reserve at once,
    each sees those before it.
    """
    agent = str(row["agent"])
    take_turns(connection, f"agent {agent}")
    elsewhere = count_live_elsewhere(connection, agent, str(row["node"]), since)
    if elsewhere < room:
        connection.execute(insert(calls).values(row))
    return elsewhere


def release(connection: Connection, call_id: str) -> None:
    """Forget a call that was reserved and not taken; one that was refused keeps its record."""
    connection.execute(delete(calls).where(calls.c.id == call_id, calls.c.status.in_(LIVE_STATUSES)))


def set_duration(connection: Connection, call_sid: str, seconds: int) -> None:
    """Set the duration that Twilio has counted, in the column and in the records that have ended.

    One that is still another node's to end gets it then, by the column.
    """
    of_call = select(calls.c.id, calls.c.status, calls.c.record).where(calls.c.call_sid == call_sid)
    for call_id, status, record in connection.execute(of_call.with_for_update()).all():
        live = status in LIVE_STATUSES
        corrected = record if live else {**record, "duration_seconds": seconds}
        connection.execute(
            update(calls).where(calls.c.id == call_id).values(duration_seconds=seconds, record=corrected)
        )


def add_recording(connection: Connection, call_sid: str, agent: str, recording: str) -> None:
    """Add a recording to the call's record, once."""
    of_call = select(calls.c.id, calls.c.record).where(calls.c.call_sid == call_sid, calls.c.agent == agent)
    for call_id, record in connection.execute(of_call.with_for_update()).all():
        recordings = list(dict.fromkeys([*(record["recordings"] or ()), recording]))
        changed = {**record, "recordings": recordings}
        connection.execute(update(calls).where(calls.c.id == call_id).values(record=changed))


def answer_tool(
    connection: Connection, call_id: str, node: str, place: int, result: JsonValue, ms: int
) -> None:
    """Set what a tool answered, at its place in the record of a call of this node."""
    of_call = select(calls.c.record).where(calls.c.id == call_id, calls.c.node == node)
    record = connection.execute(of_call.with_for_update()).scalar_one_or_none()
    if record is None or place >= len(record["tools"]):
        return
    tools = [*record["tools"]]
    tools[place] = {**tools[place], "result": result, "ms": ms}
    connection.execute(update(calls).where(calls.c.id == call_id).values(record={**record, "tools": tools}))


def shorten_leftovers(connection: Connection, node: str, expires_at: int) -> int:
    """Let what a crash of this node left live expire soon, and return how many calls there are.

    Their callers may be on their way back to us.
    """
    left = update(calls).where(calls.c.node == node, calls.c.status.in_(LIVE_STATUSES))
    return connection.execute(left.values(expires_at=expires_at)).rowcount


def close_expired(connection: Connection, now: int) -> int:
    """End the records of calls that cannot be live any more at `now`, and return how many there were.

    Nobody went on with them: their media was lost with their node, `media_error`, unless an operator had hung
    up. When they ended is not known, so `ended_at` and the duration stay null.
    """
    latest = func.coalesce(calls.c.expires_at, calls.c.started_at + LONGEST_CALL_MS)
    columns = calls.c.id, calls.c.record, calls.c.cancelled_at
    expired = select(*columns).where(calls.c.status.in_(LIVE_STATUSES), latest < now)
    left = connection.execute(expired.with_for_update(skip_locked=True)).all()
    for call_id, record, cancelled_at in left:
        reason = "media_error" if cancelled_at is None else "cancelled"
        ended = {**record, "status": "completed", "end_reason": reason}
        connection.execute(
            update(calls)
            .where(calls.c.id == call_id)
            .values(status="completed", end_reason=reason, record=ended)
        )
    return len(left)
