"""Lists that are added to what the database knows already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.outbound.lead_store import Added, LeadStore
from runtime.outbound.leads import Lead, RefusedLead
from runtime.store.database import migrate, open_engine

PERSON, OTHER = "+14155550123", "+14155550124"


@pytest.fixture
def leads(database: str) -> Iterator[LeadStore]:
    engine = open_engine(database)
    migrate(engine)
    yield LeadStore(engine, lambda: 1_800_000_000.0)
    engine.dispose()


def test_who_is_in_a_list_never_to_be_called_waits_no_longer(leads: LeadStore) -> None:
    leads.add("spring", [Lead(2, PERSON), Lead(3, OTHER)])
    leads.add("autumn", [Lead(2, "+14155550125")])
    refused = RefusedLead(2, "do_not_call", f"{PERSON} is never to be called", PERSON)
    assert leads.add("spring", [refused, Lead(3, OTHER)]) == Added(known=1, refused=1)
    by_number = {row["number"]: (row["state"], row["outcome"]) for row in leads.results("spring")}
    assert by_number == {PERSON: ("finished", "do_not_call"), OTHER: ("backlog", None)}
    assert [lead.number for lead in leads.unqueued("spring")] == [OTHER]


def test_a_number_waits_in_one_campaign_whether_that_was_run_yet_or_not(leads: LeadStore) -> None:
    leads.add("spring", [Lead(2, PERSON)])
    assert leads.add("autumn", [Lead(2, PERSON)]) == Added(refused=1)


def test_a_campaign_that_is_declared_no_more_keeps_no_number_from_others(leads: LeadStore) -> None:
    leads.add("gone", [Lead(2, PERSON)])
    leads.start("gone")
    declared = ("spring", "autumn")
    assert leads.add("spring", [Lead(2, PERSON)], declared) == Added(new=1)
    assert leads.add("autumn", [Lead(2, PERSON)], declared) == Added(refused=1)
