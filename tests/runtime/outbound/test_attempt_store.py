"""What must not happen twice, decided in the database: on both kinds, with a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Engine

from runtime.outbound.attempt_store import Attempt, AttemptStore, Begun, NotNow, Over
from runtime.outbound.lead_store import LeadStore
from runtime.outbound.leads import Lead, lead_id
from runtime.outbound.orders import CallFacts, DialRefused
from runtime.outbound.outcome import Finished, Retry
from runtime.store.database import migrate, open_engine
from schemas import Agent, NumberEntry
from schemas.campaign import Campaign

NUMBERS = ("+14155550100", "+14155550101")


def campaign(name: str = "spring", **terms: object) -> Campaign:
    return Campaign.model_validate({"name": name, "agent": "x", "leads": "x.csv", **terms})


def agent(limit: int | None = None) -> Agent:
    numbers = tuple(NumberEntry(number=number) for number in NUMBERS)
    return Agent(name="x", instructions="x", numbers=numbers, max_concurrent_calls=limit)


@dataclass
class World:
    """Two campaigns that run, with ten people each."""

    engine: Engine
    now: float = 1_800_000_000.0
    attempts: AttemptStore = field(init=False)
    leads: LeadStore = field(init=False)

    def __post_init__(self) -> None:
        self.attempts = AttemptStore(self.engine, lambda: self.now)
        self.leads = LeadStore(self.engine, lambda: self.now)
        for index, name in enumerate(("spring", "autumn")):
            people = (Lead(line, f"+1415200{index}{line:03}") for line in range(10))
            self.leads.add(name, people)
            self.leads.start(name)

    def begin(self, line: int, terms: Campaign | None = None, limit: int | None = None) -> object:
        terms = terms or campaign()
        index = ("spring", "autumn").index(terms.name)
        lead = lead_id(terms.name, f"+1415200{index}{line:03}")
        return self.attempts.begin(terms, agent(limit), lead, f"{terms.name}:{lead}:0")

    def begun(self, line: int, terms: Campaign | None = None) -> str:
        begun = self.begin(line, terms)
        assert isinstance(begun, Begun)
        return begun.attempt

    def found(self, attempt: str) -> Attempt:
        found = self.attempts.find(attempt)
        assert found is not None
        return found


@pytest.fixture
def world(database: str) -> Iterator[World]:
    engine = open_engine(database)
    migrate(engine)
    yield World(engine)
    engine.dispose()


def test_an_attempt_that_was_begun_is_gone_on_with_until_it_is_over(world: World) -> None:
    first = world.begun(0)
    assert world.begun(0) == first
    assert world.attempts.conclude(first, Retry(world.now + 60, "busy")) == world.now + 60
    assert world.attempts.conclude(first, Finished("failed")) == world.now + 60  # it is closed
    second = world.begun(0)
    assert second != first
    assert world.found(second).calls == 2
    world.attempts.conclude(second, Finished("completed"))
    assert world.begin(0) == Over()


def test_turns_are_as_far_apart_as_the_campaign_says(world: World) -> None:
    terms = campaign(calls_per_second=4)
    turns = [world.attempts.take_turn(world.begun(line), terms) for line in range(7)]
    start = world.now
    assert turns == [start, start + 0.25, start + 0.5, start + 0.75, start + 1, None, None]
    world.now += 10
    assert world.attempts.take_turn(world.begun(8), terms) == world.now


def test_a_turn_that_another_process_has_taken_up_is_lost(world: World) -> None:
    attempt = world.begun(0)
    first = world.attempts.take_turn(attempt, campaign())
    assert first is not None
    assert world.attempts.has_turn(attempt, first)
    world.now += 20
    second = world.attempts.take_turn(attempt, campaign())
    assert second is not None
    assert not world.attempts.has_turn(attempt, first)
    assert world.attempts.has_turn(attempt, second)
    world.attempts.placed(attempt, "CA1")
    assert not world.attempts.has_turn(attempt, second)


def test_calls_at_a_time_are_counted_for_the_campaign_the_number_and_the_agent(world: World) -> None:
    one_each = campaign(max_concurrent_per_number=1)
    callers = [world.found(world.begun(line, one_each)).from_ for line in range(2)]
    assert sorted(callers) == sorted(NUMBERS)
    assert isinstance(world.begin(2, one_each), NotNow)
    assert isinstance(world.begin(2, campaign(max_concurrent_calls=2)), NotNow)
    autumn = campaign("autumn", max_concurrent_calls=2)
    assert isinstance(world.begin(0, autumn, limit=2), NotNow)
    assert isinstance(world.begin(0, autumn, limit=3), Begun)


def test_who_opts_out_is_called_by_no_campaign_from_then_on(world: World) -> None:
    attempt = world.begun(0)
    world.leads.add("autumn", [Lead(99, "+14152000000")])
    assert world.leads.progress("autumn").outcomes == {"duplicate": 1}
    assert world.attempts.note(attempt, CallFacts(status="in-progress", opted_out=True)) is None
    waiting = world.attempts.note(attempt, CallFacts(status="completed"))
    assert waiting == world.found(attempt).campaign + ":" + world.found(attempt).lead + ":0"
    world.attempts.conclude(attempt, Finished("opted_out"))
    world.leads.add("winter", [Lead(1, "+14152000000")])
    world.leads.start("winter")
    lead = lead_id("winter", "+14152000000")
    assert world.attempts.begin(campaign("winter"), agent(), lead, "winter") == Over()
    assert world.leads.progress("winter").outcomes == {"do_not_call": 1}


def test_an_attempt_that_was_taken_back_counts_for_nothing(world: World) -> None:
    attempt = world.begun(0)
    world.attempts.undo(attempt)
    assert world.attempts.find(attempt) is None
    assert world.found(world.begun(0)).calls == 1


def test_a_refusal_is_known_again_as_what_it_was(world: World) -> None:
    attempt = world.begun(0)
    world.attempts.refuse(attempt, DialRefused(21211, "no", permanent=True))
    refused = world.found(attempt).refused
    assert refused is not None
    assert (refused.code, refused.permanent) == (21211, True)


def test_a_campaign_that_was_cancelled_calls_nobody_again(world: World) -> None:
    retried, undone = world.begun(0), world.begun(1)
    world.leads.cancel("spring")
    assert world.attempts.conclude(retried, Retry(world.now + 60, "busy")) is None
    world.attempts.undo(undone)
    assert world.leads.progress("spring").outcomes == {"cancelled": 10}


def both_waiting(world: World) -> tuple[str, str]:
    """Let one person wait in both campaigns, as lists left it that were added while one was not declared."""
    number = "+14152000000"
    world.leads.add("autumn", [Lead(99, number)], declared=("autumn",))
    assert world.leads.progress("autumn").outcomes == {}
    return lead_id("spring", number), lead_id("autumn", number)


def test_who_waits_in_two_campaigns_is_called_by_the_one_that_comes_first(world: World) -> None:
    _, second = both_waiting(world)
    first = world.begun(0)
    assert world.attempts.begin(campaign("autumn"), agent(), second, "second") == Over()
    assert world.leads.progress("autumn").outcomes == {"duplicate": 1}
    world.attempts.conclude(first, Retry(world.now + 60, "busy"))
    assert isinstance(world.begin(0), Begun)


def test_a_retry_of_a_campaign_that_is_declared_no_more_holds_nobody_back(world: World) -> None:
    _, second = both_waiting(world)
    world.attempts.conclude(world.begun(0), Retry(world.now + 60, "busy"))
    declared = ("autumn",)
    begun = world.attempts.begin(campaign("autumn"), agent(), second, "second", declared)
    assert isinstance(begun, Begun)
