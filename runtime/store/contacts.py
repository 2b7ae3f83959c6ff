"""Changes to contacts and messages, each inside the caller's writing transaction.

Those about one contact take turns, whichever nodes they come from: a message that comes while a node lets go
of the contact is either seen by that node, or comes to somebody whom nobody holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from runtime.call_progress import Progress, read_record
from runtime.figures.logs import get_logger
from runtime.messages import statuses
from runtime.messages.contact import Change, Contact, ContactKey, Inbound, inbound_of, outgoing_of
from runtime.messages.record import Fate, ended, with_fates
from runtime.store import writing
from runtime.store.database import take_turns
from runtime.store.message_tables import contacts, messages
from runtime.store.tables import MESSAGES_NODE, calls

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row

    from runtime.call_record import CallRecord
    from runtime.messages.contact import Outgoing

_log = get_logger(__name__)

HOLD_MS: Final = 60_000
"""How long a node that says nothing more is taken to be at work for a contact."""
MOST_WAITING: Final = 50
"""Messages of one contact that wait for an answer; what comes beyond is not answered."""
DAY_MS: Final = 24 * 3600 * 1000
TAKEN: Final = "taken"
DROPPED: Final = "dropped"
_UNREADABLE: Final = (KeyError, TypeError, ValueError)
"""What reading a record raises that another version has stored."""


class LostHoldError(Exception):
    """Another node works for the contact now."""


def _take_turns(connection: Connection, key: ContactKey) -> None:
    take_turns(connection, f"contact {key.agent} {key.contact}")


def _is(key: ContactKey) -> ColumnElement[bool]:
    return and_(contacts.c.agent == key.agent, contacts.c.contact == key.contact)


def _messages_of(key: ContactKey) -> ColumnElement[bool]:
    return and_(messages.c.agent == key.agent, messages.c.contact == key.contact)


# --- what comes in


def receive(connection: Connection, key: ContactKey, ours: str, country: str | None, came: Inbound) -> bool:
    """Store a message of a contact; False for one that is known already."""
    _take_turns(connection, key)
    values = {"ours": ours, "country": country, "last_in_at": came.at, "due_at": came.at}
    _touch(connection, key, values)
    if connection.execute(select(messages.c.id).where(messages.c.name == came.sid)).first():
        return False
    waiting = select(func.count()).where(
        _messages_of(key), messages.c.inbound, messages.c.status == statuses.WAITING
    )
    room = connection.execute(waiting).scalar_one() < MOST_WAITING
    connection.execute(
        insert(messages).values(
            name=came.sid,
            sid=came.sid,
            agent=key.agent,
            contact=key.contact,
            inbound=True,
            at=came.at,
            status=statuses.WAITING if room else DROPPED,
            content=came.to_json() if room else None,
        )
    )
    return True


def _touch(connection: Connection, key: ContactKey, values: dict[str, Any]) -> None:
    """Change a contact's row, which is there afterwards."""
    if connection.execute(update(contacts).where(_is(key)).values(**values)).rowcount:
        return
    blank = {"opted_out": False, "owes": False, "failed": False, "held_until": 0}
    connection.execute(insert(contacts).values(agent=key.agent, contact=key.contact, **{**blank, **values}))


def know(connection: Connection, key: ContactKey, ours: str) -> None:
    """Have a row for a contact; `ours` is the address to write from to one who has not written yet."""
    _take_turns(connection, key)
    if connection.execute(select(contacts.c.agent).where(_is(key))).first() is None:
        _touch(connection, key, {"ours": ours})


def report(
    connection: Connection, name: str | None, sid: str, status: str, error_code: int | None, now: int
) -> None:
    """Note what has become of a message of ours, by our name for it or by Twilio's, if that is news."""
    named = messages.c.sid == sid if name is None else or_(messages.c.name == name, messages.c.sid == sid)
    query = select(messages).where(named, messages.c.inbound.is_(False)).limit(1)
    found = connection.execute(query).one_or_none()
    if found is None:
        return
    key = ContactKey(found.agent, found.contact)
    _take_turns(connection, key)
    if error_code == statuses.OPTED_OUT:
        connection.execute(update(contacts).where(_is(key)).values(opted_out=True))
    found = connection.execute(query).one()
    if found.sid not in (None, sid) or not statuses.further(status, found.status):
        return
    changed = {"sid": sid or None, "status": status, "status_at": now, "error_code": error_code}
    connection.execute(update(messages).where(messages.c.id == found.id).values(**changed, content=None))
    _show_fates(connection, found.record_id)


# --- who works


def due(connection: Connection, now: int, most: int) -> list[ContactKey]:
    """Return contacts for whom something is to be done, whom nobody works for."""
    query = select(contacts.c.agent, contacts.c.contact).where(
        contacts.c.due_at <= now, contacts.c.held_until <= now
    )
    rows = connection.execute(query.order_by(contacts.c.due_at).limit(most))
    return [ContactKey(row.agent, row.contact) for row in rows]


def hold(connection: Connection, key: ContactKey, node: str, now: int) -> Contact | None:
    """Let a node work for a contact, and return how it stands with them; None while another does."""
    _take_turns(connection, key)
    mine = update(contacts).where(_is(key), contacts.c.held_until <= now)
    if not connection.execute(mine.values(held_by=node, held_until=now + HOLD_MS)).rowcount:
        return None
    return _read(connection, key)


def look(connection: Connection, key: ContactKey, node: str, now: int) -> Contact:
    """Return how it stands with a contact, whom the node goes on to hold. Raises `LostHoldError`."""
    _change_held(connection, key, node, {"held_until": now + HOLD_MS})
    return _read(connection, key)


def release(connection: Connection, key: ContactKey, node: str, idle_at: int | None) -> bool:
    """Let go of a contact until something comes or `idle_at`; False when something has come already."""
    _change_held(connection, key, node, {"due_at": idle_at})
    waiting = select(messages.c.id).where(_messages_of(key), messages.c.status == statuses.WAITING)
    if connection.execute(waiting.limit(1)).first():
        return False
    _change_held(connection, key, node, {"held_until": 0, "held_by": None})
    return True


def abandon(connection: Connection, node: str, key: ContactKey | None = None) -> None:
    """Let go of a contact, or of all whom a node held, with whatever is still to be done for them."""
    held = update(contacts).where(contacts.c.held_by == node)
    mine = held if key is None else held.where(_is(key))
    connection.execute(mine.values(held_until=0, held_by=None, due_at=0))


def _change_held(connection: Connection, key: ContactKey, node: str, values: dict[str, Any]) -> None:
    _take_turns(connection, key)
    changed = update(contacts).where(_is(key), contacts.c.held_by == node).values(**values)
    if not connection.execute(changed).rowcount:
        raise LostHoldError(key.agent)


# --- what is done


def change(connection: Connection, key: ContactKey, node: str, done: Change, now: int) -> None:
    """Store what a step of work has changed. Raises `LostHoldError`."""
    values: dict[str, Any] = {
        "record_id": done.record.id if done.record is not None and done.is_open else None,
        "idle_at": done.idle_at,
        "owes": done.owes,
        "failed": done.failed,
        "held_until": now + HOLD_MS,
    }
    if done.opted_out is not None:
        values["opted_out"] = done.opted_out
    _change_held(connection, key, node, values)
    _write(connection, key, done, now)


def _write(connection: Connection, key: ContactKey, done: Change, now: int) -> None:
    record_id = None if done.record is None else done.record.id
    if done.taken:
        taken = update(messages).where(messages.c.name.in_(done.taken))
        connection.execute(taken.values(status=TAKEN, record_id=record_id, content=None))
    for message in done.outbox:
        connection.execute(insert(messages).values(_row(key, message, record_id, now)))
    if done.record is not None:
        net = None if done.idle_at is None else Progress(done.idle_at + DAY_MS)
        writing.upsert(connection, writing.row_of(done.record, MESSAGES_NODE, net))
        _show_fates(connection, record_id)


def _row(key: ContactKey, message: Outgoing, record_id: str | None, now: int) -> dict[str, Any]:
    return {
        "name": message.name,
        "agent": key.agent,
        "contact": key.contact,
        "inbound": False,
        "at": now,
        "record_id": record_id,
        "item_id": message.item_id,
        "status": message.status,
        "content": message.to_json(),
    }


def trying(connection: Connection, key: ContactKey, node: str, name: str, now: int) -> None:
    """Note that Twilio is about to be asked for a message. Raises `LostHoldError`."""
    _change_held(connection, key, node, {"held_until": now + HOLD_MS})
    connection.execute(
        update(messages)
        .where(messages.c.name == name, messages.c.status == statuses.WAITING)
        .values(status=statuses.TRYING, at=now)
    )


def cancel(connection: Connection, record_id: str, now: int) -> tuple[ContactKey, CallRecord] | None:
    """End a conversation for an operator, and return its record; None when it is over.

    Who works for its contact has lost them by that. What waits to be answered or sent stays so no longer: it
    was part of this conversation, and does not begin another one.
    """
    query = select(contacts.c.agent, contacts.c.contact).where(contacts.c.record_id == record_id)
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    key = ContactKey(found.agent, found.contact)
    _take_turns(connection, key)
    let_go = {"held_by": None, "held_until": 0, "due_at": now}
    over = {"record_id": None, "idle_at": None, "owes": False, "failed": False}
    theirs = update(contacts).where(_is(key), contacts.c.record_id == record_id)
    if not connection.execute(theirs.values(**over, **let_go)).rowcount:
        return None
    unsent = update(messages).where(_messages_of(key), messages.c.status == statuses.WAITING)
    came = unsent.where(messages.c.inbound).values(status=TAKEN, record_id=record_id, content=None)
    ours = unsent.where(messages.c.inbound.is_(False), messages.c.record_id == record_id)
    connection.execute(came)
    connection.execute(ours.values(status=statuses.CANCELED, status_at=now, content=None))
    kept = _record(connection, record_id)
    if kept is None:  # closed with what else has no end
        return None
    record = replace(ended(kept, now), end_reason="cancelled")
    writing.upsert(connection, writing.row_of(record, MESSAGES_NODE))
    _show_fates(connection, record_id)
    return key, record


# --- reading


def _read(connection: Connection, key: ContactKey) -> Contact:
    row = connection.execute(select(contacts).where(_is(key))).one()
    unsent = (statuses.WAITING, statuses.TRYING)
    query = select(messages).where(_messages_of(key), messages.c.status.in_(unsent))
    rows = connection.execute(query.order_by(messages.c.id)).all()
    record = _record(connection, row.record_id)
    is_lost = record is None and row.record_id is not None
    return Contact(
        key=key,
        ours=row.ours,
        country=row.country,
        opted_out=row.opted_out,
        last_in_at=row.last_in_at,
        record=record,
        idle_at=None if is_lost else row.idle_at,
        owes=row.owes and not is_lost,
        failed=row.failed and not is_lost,
        waiting=tuple(inbound_of(each.sid, each.at, each.content) for each in rows if each.inbound),
        outbox=_outbox(rows),
    )


def known(connection: Connection, sids: Sequence[str]) -> frozenset[str]:
    """Return those of the SIDs that messages have which are stored."""
    return frozenset(connection.execute(select(messages.c.sid).where(messages.c.sid.in_(sids))).scalars())


def _outbox(rows: Sequence[Row[Any]]) -> tuple[Outgoing, ...]:
    ours: Iterable[Row[Any]] = (each for each in rows if not each.inbound and each.content is not None)
    return tuple(outgoing_of(each.name, each.item_id, each.status, each.at, each.content) for each in ours)


def _record(connection: Connection, record_id: str | None) -> CallRecord | None:
    """Return the record of the open conversation; None also for one that nobody can read, or that is gone.

    The contact's next message begins another conversation then.
    """
    if record_id is None:
        return None
    stored = connection.execute(select(calls.c.record).where(calls.c.id == record_id)).scalar()
    if stored is None:
        return None
    try:
        return read_record(stored)
    except _UNREADABLE:
        _log.warning("conversation_unreadable", record=record_id)
        return None


def _show_fates(connection: Connection, record_id: str | None) -> None:
    """Let the record of a conversation show what has become of its messages."""
    if record_id is None:
        return
    ours = select(messages).where(
        messages.c.record_id == record_id, messages.c.inbound.is_(False), messages.c.item_id.is_not(None)
    )
    fates = [
        Fate(
            row.item_id,
            row.status,
            row.error_code,
            None if row.status_at is None else row.status_at - row.at,
        )
        for row in connection.execute(ours.order_by(messages.c.id))
    ]
    record = connection.execute(select(calls.c.record).where(calls.c.id == record_id)).scalar()
    if record is None or not fates:
        return
    try:
        shown = with_fates(record, fates)
    except _UNREADABLE:
        _log.warning("conversation_unreadable", record=record_id)
        return
    connection.execute(update(calls).where(calls.c.id == record_id).values(record=shown))
