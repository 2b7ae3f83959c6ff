"""Whom a campaign would call when."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from runtime.outbound.leads import Lead, RefusedLead
from runtime.outbound.schedule import PlannedCall, planned_calls
from schemas.campaign import Campaign

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
FRIDAY = datetime(2026, 11, 20, 12, tzinfo=BERLIN).timestamp()


def campaign(**terms: object) -> Campaign:
    return Campaign.model_validate({"name": "spring", "agent": "x", "leads": "x.csv", **terms})


def test_calls_follow_each_other_as_fast_as_the_campaign_may_each_at_its_own_hour() -> None:
    people = [
        Lead(2, "+12125550100"),
        Lead(3, "+4930555501"),
        Lead(4, "+4930555502"),
    ]
    calls = [(call.lead.line, call.at_s) for call in _calls(people, calls_per_second=0.5)]
    assert calls == [
        (3, FRIDAY),
        (4, FRIDAY + 2),
        (2, datetime(2026, 11, 20, 9, tzinfo=NEW_YORK).timestamp()),
    ]


def test_who_is_called_by_nobody_is_told_with_the_line_of_the_list() -> None:
    refused = RefusedLead(2, "invalid", "the number is missing")
    told = list(planned_calls([refused, Lead(3, "+80012345678")], campaign(), FRIDAY))
    assert told[0] == refused
    assert isinstance(told[1], RefusedLead)
    assert told[1].line == 3
    assert told[1].detail.startswith("the time zone is not known")


def test_a_campaign_knows_the_time_zone_of_people_whose_number_does_not() -> None:
    (call,) = _calls([Lead(3, "+80012345678")], time_zone="Europe/Berlin")
    assert (call.at_s, call.zone) == (FRIDAY, "Europe/Berlin")


def _calls(people: list[Lead], **terms: object) -> list[PlannedCall]:
    planned = list(planned_calls(people, campaign(**terms), FRIDAY))
    assert all(isinstance(each, PlannedCall) for each in planned)
    return [each for each in planned if isinstance(each, PlannedCall)]
