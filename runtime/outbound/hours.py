"""When somebody may be called, by every clock that may be theirs.

A number tells the country, and the time zone too where it is bound to a place. Most mobile numbers are not:
then the hour must be right in all of the country's zones. All times are seconds since the epoch; what a clock
on the wall shows decides, on the days on which it is changed too.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone

from schemas.calling_hours import Week, by_day, is_time_zone
from schemas.campaign import Campaign

HORIZON_DAYS: Final = 100
"""How far ahead is looked; a day that comes later than that does not come."""

_UNKNOWN: Final = "Etc/Unknown"


@dataclass(frozen=True, slots=True)
class CallingHours:
    """The windows of each day of the week, by the clock of whom is called, and the days without any."""

    week: Week
    holidays: frozenset[date] = frozenset()

    def allow(self, now_s: float, zones: Collection[str]) -> bool:
        """Tell whether it is a time to call in all of the time zones."""
        return all(self._open_at(now_s, ZoneInfo(zone)) for zone in zones)

    def next_moment(self, now_s: float, zones: Collection[str]) -> float | None:
        """Return the first time from now on at which it is a time to call in all of the zones.

        None when there is none within the horizon: windows that never meet, or holidays without end. A window
        that would begin while a clock is put forward is passed over.
        """
        moment, last = now_s, now_s + HORIZON_DAYS * 86_400
        while moment <= last:
            later = moment
            for zone in zones:
                opens = self._opens(later, ZoneInfo(zone))
                if opens is None:
                    return None
                later = opens
            if later == moment:
                return moment
            moment = later
        return None

    def _open_at(self, now_s: float, zone: ZoneInfo) -> bool:
        return self._allows(datetime.fromtimestamp(now_s, zone))

    def _allows(self, wall: datetime) -> bool:
        if wall.date() in self.holidays:
            return False
        minute = wall.hour * 60 + wall.minute
        return any(start <= minute < end for start, end in self.week[wall.weekday()])

    def _opens(self, from_s: float, zone: ZoneInfo) -> float | None:
        """Return the first time from then on at which a window is open in one zone."""
        wall = datetime.fromtimestamp(from_s, zone)
        if self._allows(wall):
            return from_s
        for days in range(HORIZON_DAYS):
            day = wall.date() + timedelta(days)
            if day in self.holidays:
                continue
            for start, _ in self.week[day.weekday()]:
                opens = datetime.combine(day, time(start // 60, start % 60), zone).timestamp()
                if opens > from_s and self._open_at(opens, zone):
                    return opens
        return None


def calling_hours(campaign: Campaign) -> CallingHours:
    """Return when a campaign may call."""
    return CallingHours(by_day(campaign.hours), frozenset(campaign.holidays))


def zones_of(number: str) -> tuple[str, ...]:
    """Return the time zones that an E.164 number may be in; none when it does not tell."""
    parsed = phonenumbers.parse(number)
    for read in (timezone.time_zones_for_number, timezone.time_zones_for_geographical_number):
        zones = tuple(zone for zone in read(parsed) if zone != _UNKNOWN and is_time_zone(zone))
        if zones:
            return zones
    return ()


def calling_zones(
    number: str, own: str | None, usual: str | None, hours: CallingHours, now_s: float
) -> tuple[str, ...]:
    """Return the zones whose clocks decide when somebody is called; none when nobody can tell.

    Their `own`, where it is known. Else those of the number, unless it tells none, or no hour is right in all
    of them: then the `usual` one of the campaign.
    """
    if own is not None:
        return (own,)
    zones = zones_of(number)
    if zones and (usual is None or hours.next_moment(now_s, zones) is not None):
        return zones
    return (usual,) if usual is not None else ()
