"""When people are called: by their own clocks, in every zone that may be theirs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.outbound.hours import CallingHours, calling_hours, calling_zones, zones_of
from schemas.calling_hours import by_day
from schemas.campaign import Campaign

OFFICE = CallingHours(by_day({"mon-fri": ["09:00-18:00"]}))
BERLIN, NEW_YORK, LOS_ANGELES = "Europe/Berlin", "America/New_York", "America/Los_Angeles"
ZONES = [BERLIN, NEW_YORK, LOS_ANGELES, "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]


def at(wall: str, zone: str = BERLIN) -> float:
    """Return the time at which a clock there shows `wall`, in seconds since the epoch."""
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-20 12:00", "2026-11-20 12:00"),  # a Friday
        ("2026-11-20 09:00", "2026-11-20 09:00"),
        ("2026-11-20 08:59:59", "2026-11-20 09:00"),
        ("2026-11-20 17:59:59", "2026-11-20 17:59:59"),
        ("2026-11-20 18:00", "2026-11-23 09:00"),
        ("2026-11-22 23:00", "2026-11-23 09:00"),
    ],
)
def test_a_person_is_called_at_the_next_hour_of_the_campaign(now: str, then: str) -> None:
    assert OFFICE.next_moment(at(now), [BERLIN]) == at(then)


def test_the_hour_is_that_of_the_person_who_is_called() -> None:
    monday = at("2026-11-23 09:00", BERLIN)
    assert OFFICE.next_moment(monday, [LOS_ANGELES]) == at("2026-11-23 09:00", LOS_ANGELES)


def test_where_several_zones_may_be_theirs_the_hour_is_right_in_all() -> None:
    moment = OFFICE.next_moment(at("2026-11-23 00:00", NEW_YORK), [NEW_YORK, LOS_ANGELES])
    assert moment == at("2026-11-23 12:00", NEW_YORK) == at("2026-11-23 09:00", LOS_ANGELES)
    assert OFFICE.next_moment(at("2026-11-23 18:00", NEW_YORK), [NEW_YORK, LOS_ANGELES]) == at(
        "2026-11-24 12:00", NEW_YORK
    )


def test_hours_that_never_meet_have_no_moment() -> None:
    assert OFFICE.next_moment(0, ["Pacific/Honolulu", "Europe/Moscow"]) is None


def test_nobody_is_called_on_a_holiday() -> None:
    hours = CallingHours(OFFICE.week, frozenset({date(2026, 12, 24), date(2026, 12, 25)}))
    assert hours.next_moment(at("2026-12-23 18:00"), [BERLIN]) == at("2026-12-28 09:00")
    assert not hours.allow(at("2026-12-24 12:00"), [BERLIN])


def test_the_hour_stays_where_it_is_on_the_wall_when_clocks_are_changed() -> None:
    # Europe: 29 March 2026, 25 October 2026.
    for before, after in [("2026-03-27 18:00", "2026-03-30 09:00"), ("2026-10-23 18:00", "2026-10-26 09:00")]:
        assert OFFICE.next_moment(at(before), [BERLIN]) == at(after)


def test_a_window_that_the_clock_jumps_over_is_passed_over() -> None:
    night = CallingHours(by_day({"mon-sun": ["02:00-02:45"]}))
    assert night.next_moment(at("2026-03-29 00:00"), [BERLIN]) == at("2026-03-30 02:00")


def windows() -> st.SearchStrategy[list[str]]:
    """Windows of a day in quarters of an hour, at any time but while clocks are changed."""

    def text(quarters: tuple[int, int]) -> str:
        return "-".join(f"{quarter // 4:02}:{quarter % 4 * 15:02}" for quarter in sorted(quarters))

    times = st.integers(20, 95)
    window = st.tuples(times, times).filter(lambda pair: pair[0] != pair[1]).map(text)
    return st.lists(window, max_size=2)


WEEKS = st.dictionaries(st.sampled_from(["mon-fri", "sat", "sun", "wed-thu"]), windows(), min_size=1).map(
    by_day
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
SOME_ZONES = st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True)
HOLIDAYS = st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=5)


@given(WEEKS, HOLIDAYS, MOMENTS, SOME_ZONES)
def test_the_next_moment_is_allowed_and_nothing_before_it_was(
    week: tuple[tuple[tuple[int, int], ...], ...],
    holidays: frozenset[date],
    now: datetime,
    zones: list[str],
) -> None:
    hours, now_s = CallingHours(week, holidays), now.timestamp()
    moment = hours.next_moment(now_s, zones)
    until = now_s + 10 * 86_400 if moment is None else moment
    assert moment is None or (moment >= now_s and hours.allow(moment, zones))
    # Windows begin at quarters of an hour, in zones that are quarters of an hour apart.
    quarter = now_s - now_s % 900 + 900
    passed_over = [quarter + 900 * step for step in range(int((until - quarter) // 900) + 1)]
    assert not any(hours.allow(other, zones) for other in [now_s, *passed_over] if other < until)


@given(WEEKS, MOMENTS, SOME_ZONES)
def test_a_moment_that_is_allowed_is_the_next_one(
    week: tuple[tuple[tuple[int, int], ...], ...], now: datetime, zones: list[str]
) -> None:
    hours, now_s = CallingHours(week), now.timestamp()
    assert (hours.next_moment(now_s, zones) == now_s) is hours.allow(now_s, zones)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+14155550123", {LOS_ANGELES}),
        ("+4930555501", {BERLIN}),
        ("+80012345678", set()),
    ],
)
def test_a_number_tells_its_time_zone_where_it_is_bound_to_a_place(number: str, zones: set[str]) -> None:
    assert set(zones_of(number)) == zones


def test_a_mobile_number_may_be_anywhere_in_its_country() -> None:
    assert {"Australia/Perth", "Australia/Sydney"} < set(zones_of("+61491570156"))


def test_the_zone_of_the_list_is_believed_then_that_of_the_number_then_that_of_the_campaign() -> None:
    now = at("2026-11-20 12:00")

    def zones(number: str, own: str | None = None, usual: str | None = None) -> tuple[str, ...]:
        return calling_zones(number, own, usual, OFFICE, now)

    assert zones("+14155550123", "America/Chicago", BERLIN) == ("America/Chicago",)
    assert zones("+14155550123", None, BERLIN) == (LOS_ANGELES,)
    assert zones("+80012345678", None, BERLIN) == (BERLIN,)
    assert zones("+80012345678") == ()
    # A Russian mobile number: eleven hours from one end of the country to the other.
    assert zones("+79161234567", None, "Europe/Moscow") == ("Europe/Moscow",)
    assert len(zones("+79161234567")) > 5


def test_the_hours_of_a_campaign_are_those_it_declares() -> None:
    campaign = Campaign.model_validate(
        {
            "name": "x",
            "agent": "y",
            "leads": "z.csv",
            "hours": {"sat": "10:00-11:00"},
            "holidays": "2026-11-21",
        }
    )
    assert calling_hours(campaign).next_moment(at("2026-11-20 12:00"), [BERLIN]) == at("2026-11-28 10:00")
