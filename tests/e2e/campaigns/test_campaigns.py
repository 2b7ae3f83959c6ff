"""Campaigns from the list to the last lead, on both databases, with a network of a test's own."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from runtime.outbound.engine import CampaignEngine
from runtime.outbound.lead_store import LeadStore
from runtime.outbound.leads import Lead, RefusedLead
from runtime.outbound.orders import DialOrder, DialRefused
from runtime.outbound.processes import AnotherProcessError
from tests.e2e.campaigns.network import FileNetwork
from tests.e2e.campaigns.world import FAST, NAME, days_around_now, engine, fleet, people, wait_until_over

QUICK = "cooldown: 0.2\ncalls_per_second: 50\n"


def network(folder: Path, *, silent: bool = False) -> FileNetwork:
    return FileNetwork(folder, silent=silent)


def test_everybody_is_called_until_they_are_reached_or_the_retries_are_used_up(
    tmp_path: Path, database: str, leads: LeadStore
) -> None:
    phones = network(tmp_path)
    leads.add(NAME, people(20))
    leads.start(NAME)
    with engine(fleet(tmp_path, QUICK), database, phones):
        progress = wait_until_over(leads)
    assert progress.outcomes == {
        "completed": 12,
        "no_answer": 2,
        "voicemail": 2,
        "opted_out": 2,
        "invalid": 2,
    }
    dials = Counter(call.to[-1] for call in phones.calls())
    assert dials == {"0": 2, "1": 2, "2": 4, "3": 6, "4": 6, "5": 2, "6": 4, "7": 2, "9": 2}
    assert progress.calls == sum(dials.values()) + 2  # those that were refused were asked for, too


def test_a_call_of_which_nothing_is_heard_is_asked_about(
    tmp_path: Path, database: str, leads: LeadStore
) -> None:
    phones = network(tmp_path, silent=True)
    leads.add(NAME, people(2))
    leads.start(NAME)
    with engine(fleet(tmp_path, QUICK), database, phones):
        assert wait_until_over(leads).outcomes == {"completed": 2}


def test_who_has_asked_not_to_be_called_is_called_by_no_campaign(
    tmp_path: Path, database: str, leads: LeadStore
) -> None:
    phones = network(tmp_path)
    leads.add(NAME, [Lead(2, "+14152000007", {}, "UTC")])
    leads.start(NAME)
    declared = fleet(tmp_path, QUICK + AUTUMN)
    with engine(declared, database, phones):
        assert wait_until_over(leads).outcomes == {"opted_out": 1}
        leads.add("autumn", [Lead(2, "+14152000007", {}, "UTC")])
        leads.start("autumn")
        assert wait_until_over(leads, campaign="autumn").outcomes == {"do_not_call": 1}
    assert len(phones.calls()) == 1


AUTUMN = """\
---
kind: Campaign
name: autumn
agent: reminders
leads: leads.csv
hours: {mon-sun: 00:00-24:00}
"""


def test_a_list_is_added_once_and_a_number_waits_in_one_campaign_at_a_time(leads: LeadStore) -> None:
    refused = RefusedLead(9, "invalid", '"12" is no phone number')
    first = leads.add(NAME, [*people(3), refused])
    assert (first.new, first.known, first.refused) == (3, 0, 1)
    again = leads.add(NAME, [*people(4), refused])
    assert (again.new, again.known, again.refused) == (1, 4, 0)
    leads.start(NAME)
    other = leads.add("autumn", people(5))
    assert (other.new, other.known, other.refused) == (1, 0, 4)
    assert leads.progress("autumn").outcomes == {"duplicate": 4}


def test_a_paused_campaign_calls_nobody_until_it_goes_on(
    tmp_path: Path, database: str, leads: LeadStore
) -> None:
    phones = network(tmp_path)
    leads.add(NAME, people(2))
    leads.start(NAME)
    leads.pause(NAME)
    with engine(fleet(tmp_path, QUICK), database, phones):
        time.sleep(1)
        assert phones.calls() == []
        leads.start(NAME)
        assert wait_until_over(leads).outcomes == {"completed": 2}


def test_a_cancelled_campaign_finishes_every_lead_that_waits(
    tmp_path: Path, database: str, leads: LeadStore
) -> None:
    phones = network(tmp_path)
    leads.add(NAME, people(20))
    leads.start(NAME)
    with engine(fleet(tmp_path, "calls_per_second: 2\n"), database, phones):
        time.sleep(2)
        leads.cancel(NAME)
        progress = wait_until_over(leads)
    assert progress.outcomes["cancelled"] >= 12
    assert len(phones.calls()) <= 8


def test_people_are_called_in_the_hours_of_the_campaign_only(
    tmp_path: Path, database: str, leads: LeadStore
) -> None:
    phones = network(tmp_path)
    leads.add(NAME, people(2))
    leads.start(NAME)
    another_day = f"holidays: [{', '.join(days_around_now())}]\n"
    with engine(fleet(tmp_path, QUICK + another_day), database, phones):
        time.sleep(1)
    assert phones.calls() == []
    assert leads.progress(NAME).states["backlog"] == 2


class Refusing(FileNetwork):
    """An account whose credentials are not valid any more."""

    async def place(self, order: DialOrder) -> str:
        raise DialRefused(20003, "Authenticate", permanent=True)


def test_trouble_with_the_account_pauses_the_campaign_and_costs_nobody_a_call(
    tmp_path: Path, database: str, leads: LeadStore
) -> None:
    leads.add(NAME, people(3))
    leads.start(NAME)
    with engine(fleet(tmp_path, QUICK), database, Refusing(tmp_path)):
        until = time.monotonic() + 10
        while (status := leads.status(NAME)) is None or status.state != "paused":
            assert time.monotonic() < until
            time.sleep(0.05)
        assert status.reason == "Twilio refuses calls of the account: Authenticate (20003)"
        while (progress := leads.progress(NAME)).states["backlog"] < 3:  # those that were about to dial
            assert time.monotonic() < until, progress
            time.sleep(0.05)
        assert progress.finished == 0


def test_a_sqlite_file_has_one_process_that_runs_campaigns(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'calls.sqlite3'}"
    declared = fleet(tmp_path)
    with engine(declared, database, network(tmp_path)):
        second = CampaignEngine(declared, database, network(tmp_path), pace=FAST)
        with pytest.raises(AnotherProcessError, match="Another process runs the campaigns"):
            second.start()


def test_calls_at_a_time_are_limited_by_campaign_agent_and_number(
    tmp_path: Path, database: str, leads: LeadStore
) -> None:
    phones = FileNetwork(tmp_path, seconds=0.4)
    leads.add(NAME, (lead for lead in people(60) if lead.number[-1] in "019"))
    leads.start(NAME)
    with engine(fleet(tmp_path, QUICK + "max_concurrent_per_number: 2\n"), database, phones):
        wait_until_over(leads)
    calls = phones.calls()
    assert len(calls) == 18
    for call in calls:
        meanwhile = [other for other in calls if call.at <= other.at < call.at + 0.4]
        assert max(Counter(other.from_ for other in meanwhile).values()) <= 2
    assert {call.from_ for call in calls} == {"+14155550100", "+14155550101"}
