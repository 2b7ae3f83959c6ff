"""Whom a campaign would call when, if nobody had to be called twice: for a look before it is run."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.outbound.hours import calling_hours, calling_zones
from runtime.outbound.leads import Lead, RefusedLead

if TYPE_CHECKING:
    from schemas import Campaign


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call to a lead, `at_s` seconds since the epoch at the earliest; by the clock of `zone`."""

    lead: Lead
    at_s: float
    zone: str


def planned_calls(
    people: Iterable[Lead | RefusedLead], campaign: Campaign, now_s: float
) -> Iterator[PlannedCall | RefusedLead]:
    """Yield the rows that nobody is called for, then the calls in order, as fast as the campaign may."""
    hours, moments = calling_hours(campaign), {}
    due: list[tuple[float, int, Lead, str]] = []
    for person in people:
        if isinstance(person, RefusedLead):
            yield person
            continue
        zones = calling_zones(person.number, person.time_zone, campaign.time_zone, hours, now_s)
        if zones not in moments:
            moments[zones] = hours.next_moment(now_s, zones) if zones else None
        moment = moments[zones]
        if moment is None:
            yield RefusedLead(person.line, "invalid", why_never(zones), person.number, person.own_id)
        else:
            heapq.heappush(due, (moment, person.line, person, zones[0]))
    free = now_s
    while due:
        moment, _, lead, zone = heapq.heappop(due)
        free = max(free, moment)
        yield PlannedCall(lead, free, zone)
        free += 1 / campaign.calls_per_second


def why_never(zones: tuple[str, ...]) -> str:
    """Say why there is no time at which somebody may be called."""
    if zones:
        return "no hour is right in every time zone that may be theirs; give the column time_zone"
    return "the time zone is not known; give the column time_zone, or the campaign's time_zone"
