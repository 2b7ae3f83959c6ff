"""Reads Monitor Events: the changes of one resource, newest first, through a client that can only GET."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from reconciler.api.errors import ApiError
from reconciler.api.library import Session
from reconciler.applying.report import key_of
from reconciler.drift.attribution import Attribution, MonitorEvent, attributed
from reconciler.planning.plan import Change, Plan

MOST_EVENTS = 50
"""How far back a resource's history is read: the change that is drift is among the last ones."""

_AT_ONCE = 4


class EventReader(Protocol):
    """The port: what happened to one resource lately."""

    async def events_of(self, sid: str) -> Sequence[MonitorEvent]:
        """Return the last events. Raises ApiError."""
        ...


class MonitorEvents:
    """The events of one account in one region."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._events = session.client.monitor.v1.events

    async def events_of(self, sid: str) -> list[MonitorEvent]:
        """Return the last events of a resource, newest first. Raises ApiError."""
        asked = self._events.list_async(resource_sid=sid, limit=MOST_EVENTS, page_size=MOST_EVENTS)
        records = await self.session.listed(asked, "monitor event")
        return [event for record in records if (event := _event(record)) is not None]


async def who_changed(
    drift: Plan, readers: Callable[[str, str], EventReader]
) -> tuple[Mapping[str, Sequence[Attribution]], ApiError | None]:
    """Return who is behind each change of `drift` (by `key_of`), and why some of it could not be learned.

    After the first failure nothing more is asked: drift is told with or without names.
    """
    found: dict[str, Sequence[Attribution]] = {}
    failures: list[ApiError] = []
    turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(change: Change) -> None:
        async with turns:
            if failures:
                return
            try:
                events = await readers(change.account, change.region).events_of(change.sid)
            except ApiError as error:
                failures.append(error)
                return
            found[key_of(change)] = attributed(change, events)

    async with asyncio.TaskGroup() as group:
        for change in drift.changes:
            group.create_task(ask(change))
    return found, failures[0] if failures else None


def _event(record: object) -> MonitorEvent | None:
    """Take over a record of the library; None for one without a date, which says nothing here."""
    at = getattr(record, "event_date", None)
    if not isinstance(at, datetime):
        return None
    listed = _properties(getattr(record, "event_data", None))
    source_ip = getattr(record, "source_ip_address", None)
    return MonitorEvent(
        actor=str(getattr(record, "actor_sid", None) or "unknown"),
        actor_type=str(getattr(record, "actor_type", None) or "somebody"),
        at=at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC),
        source_ip=source_ip if isinstance(source_ip, str) else None,
        previous=_texts(listed, "previous"),
        updated=_texts(listed, "updated"),
    )


def _properties(data: object) -> Mapping[str, object]:
    """Return what an event tells of each property.

    Twilio's documentation has both forms: `{"resource_properties": {name: {previous, updated}}}`, and the
    same without the outer name.
    """
    if not isinstance(data, Mapping):
        return {}
    nested = data.get("resource_properties")
    return nested if isinstance(nested, Mapping) else data


def _texts(properties: Mapping[str, object], side: str) -> dict[str, str]:
    """Return one side of each property as text; null is the same as empty."""
    return {
        str(name): "" if values.get(side) is None else str(values[side])
        for name, values in properties.items()
        if isinstance(values, Mapping) and side in values
    }
