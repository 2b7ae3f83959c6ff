"""Monitor Events: who changed what, when, from where, and the values before and after.

Twilio: `actor_type` is `user` (a person in the Console) or `account` (the API), `source` is `web` or
`api`; an update's `event_data` has `resource_properties` with `previous` and `updated` values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.account.errors import invalid_parameter
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import iso8601, new_sid, read_iso8601, stable_sid
from sandbox.account.paging import meta_page


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, and from where."""

    sid: str
    type: str
    source: str
    ip: str | None


# Somebody in the Console. 203.0.113.0/24 is reserved for documentation (RFC 5737).
CONSOLE_USER = Actor(stable_sid("US", "console user"), "user", "web", "203.0.113.77")


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a resource. `changes` maps fields to (previous, updated)."""

    account_sid: str
    actor: Actor
    event_type: str
    resource_sid: str
    at: datetime
    changes: Mapping[str, tuple[object, object]]
    sid: str = field(default_factory=lambda: new_sid("AE"))

    def json(self) -> dict[str, object]:
        """Return the event as the API answers it."""
        properties = {
            name: {"previous": before, "updated": after} for name, (before, after) in self.changes.items()
        }
        account = f"https://api.twilio.com/2010-04-01/Accounts/{self.account_sid}"
        url = f"https://monitor.twilio.com/v1/Events/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "actor_sid": self.actor.sid,
            "actor_type": self.actor.type,
            "description": None,
            "event_data": {"resource_properties": properties} if properties else None,
            "event_date": iso8601(self.at),
            "event_type": self.event_type,
            "resource_sid": self.resource_sid,
            "resource_type": self.event_type.partition(".")[0],
            "source": self.actor.source,
            "source_ip_address": self.actor.ip,
            "url": url,
            "links": {"actor": account, "resource": account},
        }


def difference(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    """Return the fields that differ between two answers of one record, without its date."""
    return {
        name: (before.get(name), value)
        for name, value in after.items()
        if before.get(name) != value and name != "date_updated"
    }


def event_list(asked: Asked) -> Answer:
    """Answer `GET /v1/Events`, newest first; both dates are inclusive."""
    asked.only("GET")
    filters = asked.single
    start, end = _date(filters, "StartDate"), _date(filters, "EndDate")
    shown = [
        event
        for event in reversed(asked.account.events)
        if filters.get("ResourceSid", event.resource_sid) == event.resource_sid
        and filters.get("ActorSid", event.actor.sid) == event.actor.sid
        and filters.get("EventType", event.event_type) == event.event_type
        and filters.get("SourceIpAddress", event.actor.ip) == event.actor.ip
        and (start is None or event.at >= start)
        and (end is None or event.at <= end)
    ]
    return Answer(200, meta_page("events", asked.url, shown, filters))


def event(asked: Asked) -> Answer:
    """Answer `GET /v1/Events/{AE}`."""
    asked.only("GET")
    wanted = (one for one in asked.account.events if one.sid == asked.name)
    return Answer(200, asked.found(next(wanted, None)).json())


def _date(filters: Mapping[str, str], name: str) -> datetime | None:
    value = filters.get(name)
    if not value:
        return None
    moment = read_iso8601(value)
    if moment is None:
        raise invalid_parameter(name, "must be a date and time such as 2015-07-30T20:12:31Z")
    return moment
