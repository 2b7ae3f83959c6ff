"""Who changed it: Monitor Events set beside drift, as a pure function.

Twilio: every change of a resource leaves an event with its actor, time, source address and, in
`event_data.resource_properties`, the previous and updated value of each property. Events are kept for 30
days and more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.planning.plan import Change
from reconciler.resource.credentials import sealed_text
from reconciler.resource.marker import strip_marker


@dataclass(frozen=True, slots=True)
class MonitorEvent:
    """One change of a resource as Twilio recorded it; `previous` and `updated` map properties to texts."""

    actor: str
    actor_type: str
    at: datetime
    source_ip: str | None
    previous: Mapping[str, str]
    updated: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who made fields what they are. `previous` holds what they were before, where that is known."""

    actor: str
    actor_type: str
    at: datetime
    source_ip: str | None
    previous: Mapping[str, str]

    def __str__(self) -> str:
        """Return it as one phrase, such as `user US… from 203.0.113.7 at 2026-11-20 12:00:00 UTC`."""
        source = f" from {self.source_ip}" if self.source_ip else ""
        before = "".join(f"; {field} was {value or 'blank'}" for field, value in self.previous.items())
        return f"{self.actor_type} {self.actor}{source} at {self.at:%Y-%m-%d %H:%M:%S} UTC{before}"


def attributed(change: Change, events: Iterable[MonitorEvent]) -> tuple[Attribution, ...]:
    """Return who made the drifted fields what they are, newest first.

    An event counts for a field when it is the last that updated it. Where no event tells of any of the
    fields (Twilio does not document which properties it lists), it is the last event of the resource.
    """
    newest = sorted(events, key=lambda event: event.at, reverse=True)
    open_fields = {field.field for field in change.fields}
    found = []
    for event in newest:
        told = open_fields & event.updated.keys()
        if told:
            open_fields -= told
            found.append(_attribution(event, sorted(told)))
    return tuple(found) or tuple(_attribution(event, ()) for event in newest[:1])


def _attribution(event: MonitorEvent, fields: Iterable[str]) -> Attribution:
    previous = {
        field: sealed_text(strip_marker(event.previous[field])) for field in fields if field in event.previous
    }
    return Attribution(event.actor, event.actor_type, event.at, event.source_ip, previous)
