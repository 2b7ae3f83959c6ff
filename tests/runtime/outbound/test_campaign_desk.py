"""The steps of a lead's call, as they are gone on with after a crash: in virtual time, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from runtime.outbound.attempt_store import AttemptStore, Begun, NotNow
from runtime.outbound.campaign_desk import CampaignDesk, Timing
from runtime.outbound.lead_store import LeadStore
from runtime.outbound.leads import Lead, lead_id
from runtime.outbound.orders import CallFacts, DialOrder, DialRefused, NoRoomError, TooLateError
from runtime.store.database import migrate, open_engine
from schemas import Fleet, load_fleet
from tests.runtime.virtual_time import run
from tests.schemas.fleets import ENVIRONMENT

PERSON = "+12125550188"
LEAD = lead_id("spring", PERSON)
NOON = datetime(2026, 11, 18, 17, tzinfo=UTC).timestamp()  # in New York, a Wednesday
DECLARED = """\
kind: Agent
name: reminders
inbound: false
instructions: You call.
numbers: +14155550100
---
kind: Campaign
name: spring
agent: reminders
leads: leads.csv
max_retries: 1
"""


@dataclass
class Network:
    """Places calls and keeps them; `trouble` befalls who asks next, each once."""

    clock: Callable[[], float]
    placed: dict[str, float] = field(default_factory=dict)
    lists: bool = True
    place_trouble: list[Exception] = field(default_factory=list)
    look_trouble: list[Exception] = field(default_factory=list)
    looks: int = 0
    orders: list[DialOrder] = field(default_factory=list)

    async def place(self, order: DialOrder) -> str:
        if self.place_trouble:
            raise self.place_trouble.pop(0)
        self.orders.append(order)
        self.placed[order.attempt] = self.clock()
        return self._sid(order.attempt)

    async def placed_since(self, order: DialOrder, since_epoch_s: float) -> str | None:
        self.looks += 1
        if self.look_trouble:
            raise self.look_trouble.pop(0)
        return self._sid(order.attempt) if self.lists and order.attempt in self.placed else None

    async def facts(self, call_sid: str) -> CallFacts:
        return CallFacts(call_sid, "ringing")

    async def cancel(self, call_sid: str) -> None:
        raise NotImplementedError("nobody cancels these calls")

    def _sid(self, attempt: str) -> str:
        return f"CA{attempt}"


class World:
    """A campaign of one person whom nobody has called yet."""

    def __init__(self, folder: Path, fleet: Fleet) -> None:
        loop = asyncio.get_running_loop()
        self._offset = NOON - loop.time()
        self._loop = loop
        self.fleet = fleet
        self.engine = open_engine(f"sqlite:///{folder / 'calls.sqlite3'}")
        migrate(self.engine)
        self.leads = LeadStore(self.engine, self.now)
        self.attempts = AttemptStore(self.engine, self.now)
        self.network = Network(self.now)
        self.desk = CampaignDesk(fleet, self.leads, self.attempts, self.network, self.now, Timing())
        self.leads.add("spring", [Lead(2, PERSON)])
        self.leads.start("spring")

    def now(self) -> float:
        return self._offset + self._loop.time()

    async def begin(self) -> str:
        begun = await self.desk.begin("spring", LEAD, "spring:lead:0")
        assert isinstance(begun, Begun), begun
        return begun.attempt

    async def dialled(self) -> str:
        """Give an attempt its turn, as a process does that dies in this moment."""
        attempt = await self.begin()
        self.attempts.take_turn(attempt, self.fleet.campaigns["spring"])
        return attempt

    def lead(self) -> tuple[str, str | None, int]:
        (row,) = self.leads.results("spring")
        return row["state"], row["outcome"], row["calls"]


def play(folder: Path, story: Callable[[World], Awaitable[None]], terms: str = "") -> None:
    (folder / "leads.csv").write_text("number\n")
    (folder / "never.csv").write_text("number\n")
    (folder / "fleet.yaml").write_text(DECLARED + terms)
    loaded = load_fleet(folder, ENVIRONMENT)
    assert loaded.fleet is not None, loaded.diagnostics
    fleet = loaded.fleet

    async def told() -> None:
        world = World(folder, fleet)
        try:
            await story(world)
        finally:
            world.engine.dispose()

    run(told())


def test_who_is_gone_on_with_after_a_crash_is_not_called_at_night(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        attempt = await world.begin()
        await asyncio.sleep(10 * 3600)
        assert await world.desk.place("spring", attempt) is None
        assert world.network.placed == {}
        assert world.lead() == ("backlog", None, 0)
        waits = await world.desk.begin("spring", LEAD, "spring:lead:1")
        assert waits == NotNow(11 * 3600)  # until nine

    play(tmp_path, story)


def test_who_opts_out_between_the_steps_of_a_call_is_not_called(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        attempt = await world.begin()
        world.attempts.note(attempt, CallFacts(opted_out=True))
        assert await world.desk.place("spring", attempt) is None
        assert world.network.placed == {}
        assert await world.desk.begin("spring", LEAD, "spring:lead:1") is None
        assert world.lead() == ("finished", "do_not_call", 0)

    play(tmp_path, story)


def test_nobody_is_dialled_while_the_account_does_not_say_whether_there_is_a_call(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        attempt = await world.dialled()
        world.network.placed[attempt] = world.now()
        world.network.look_trouble = [TimeoutError()] * 100
        assert await world.desk.place("spring", attempt) == 50
        assert world.network.looks == 101
        known = world.attempts.find(attempt)
        assert known is not None
        assert known.facts.call_sid == f"CA{attempt}"
        assert len(world.network.placed) == 1

    play(tmp_path, story)


def test_a_process_that_goes_on_waits_until_the_account_lists_what_the_other_placed_last(
    tmp_path: Path,
) -> None:
    async def story(world: World) -> None:
        attempt = await world.dialled()
        await asyncio.sleep(3600)
        before = world.now()
        await world.desk.place("spring", attempt)
        assert world.network.placed[attempt] >= before + Timing().settle

    play(tmp_path, story)


def test_a_turn_that_has_passed_before_twilio_is_asked_is_followed_by_another(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        attempt = await world.begin()
        world.network.place_trouble = [TooLateError()]
        assert await world.desk.place("spring", attempt) == 50
        assert list(world.network.placed) == [attempt]
        assert world.network.looks == 0

    play(tmp_path, story)


def test_a_call_is_to_be_dialled_within_three_seconds_of_its_turn(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.desk.place("spring", await world.begin())
        (order,) = world.network.orders
        assert order.dial_by_s == world.now() + 3

    play(tmp_path, story)


def test_a_call_whose_placing_was_not_answered_is_waited_for_and_found(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        attempt = await world.begin()
        world.network.place_trouble = [TimeoutError()]
        patience = await world.desk.place("spring", attempt)
        assert patience == 50
        await asyncio.sleep(patience)
        assert await world.desk.look(attempt, silent=True) == 60
        await asyncio.sleep(60)
        world.network.placed[attempt] = world.now()
        assert await world.desk.look(attempt, silent=True) > 0
        world.attempts.note(attempt, CallFacts(f"CA{attempt}", "completed", end_reason="caller_hangup"))
        assert await world.desk.look(attempt, silent=False) == 0
        assert await world.desk.conclude("spring", attempt) is None
        assert world.lead() == ("finished", "completed", 1)

    play(tmp_path, story)


async def given_up(world: World) -> str:
    """Lose the answer to a dial, and wait until nobody believes in its call any more."""
    attempt = await world.begin()
    world.network.place_trouble = [TimeoutError()]
    wait = await world.desk.place("spring", attempt)
    while wait:
        await asyncio.sleep(wait)
        wait = await world.desk.look(attempt, silent=True)
    return attempt


def test_a_call_that_comes_about_after_it_was_given_up_is_gone_on_with(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        started = world.now()
        attempt = await given_up(world)
        assert world.now() - started == 150
        due = await world.desk.conclude("spring", attempt)
        assert due is not None
        world.attempts.note(attempt, CallFacts(f"CA{attempt}", "ringing"))
        assert world.lead()[0] == "dialling"
        await asyncio.sleep(due)
        world.attempts.note(attempt, CallFacts(status="completed", end_reason="caller_hangup"))
        assert await world.begin() == attempt
        assert await world.desk.place("spring", attempt) == 50
        assert await world.desk.look(attempt, silent=True) == 0
        assert await world.desk.conclude("spring", attempt) is None
        assert world.lead() == ("finished", "completed", 1)
        assert world.network.placed == {}

    play(tmp_path, story)


def test_nobody_is_called_while_an_earlier_call_that_was_given_up_is_live(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        lost = await given_up(world)
        due = await world.desk.conclude("spring", lost)
        assert due is not None
        await asyncio.sleep(due)
        second = await world.begin()
        assert second != lost
        world.attempts.note(lost, CallFacts(f"CA{lost}", "in-progress"))
        assert await world.desk.place("spring", second) is None
        assert world.network.placed == {}

    play(tmp_path, story)


def test_a_report_that_comes_between_giving_up_and_concluding_is_kept_to(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        attempt = await given_up(world)
        world.attempts.note(attempt, CallFacts(f"CA{attempt}", "ringing"))
        assert await world.desk.conclude("spring", attempt) == 20
        assert world.lead()[0] == "dialling"
        assert await world.begin() == attempt

    play(tmp_path, story)


def test_refusals_that_are_no_fault_of_the_number_use_up_no_retry(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        busy = DialRefused(20429, "Too many requests", permanent=False)
        for wait in (60, 120, 240):
            world.network.place_trouble = [busy]
            attempt = await world.begin()
            assert await world.desk.place("spring", attempt) == 0
            assert await world.desk.conclude("spring", attempt) == wait
            assert await world.desk.conclude("spring", attempt) == wait  # it is closed
            assert world.lead() == ("retry", "failed", 0)
            await asyncio.sleep(wait)
        await world.desk.place("spring", await world.begin())
        assert world.lead() == ("dialling", "failed", 1)

    play(tmp_path, story)


def test_a_list_of_numbers_that_has_grown_holds_for_who_waits_already(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        never = tmp_path / "never.csv"
        attempt = await world.begin()
        never.write_text(f"number\n+14155550199\n{PERSON}\n")
        assert await world.desk.place("spring", attempt) is None
        never.write_text("number\nnobody\n")
        assert await world.desk.begin("spring", LEAD, "spring:lead:1") == NotNow(60)  # cannot be kept to
        never.write_text(f"number\n{PERSON}\n")
        assert await world.desk.begin("spring", LEAD, "spring:lead:2") is None
        assert world.lead() == ("finished", "do_not_call", 0)
        assert world.network.placed == {}

    play(tmp_path, story, "do_not_call: never.csv\n")


def test_a_call_that_is_under_way_is_gone_on_with_whatever_list_its_number_comes_into(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        attempt = await world.begin()
        await world.desk.place("spring", attempt)
        (tmp_path / "never.csv").write_text(f"number\n{PERSON}\n")
        assert await world.begin() == attempt
        world.attempts.note(attempt, CallFacts(status="completed", end_reason="caller_hangup"))
        assert await world.desk.conclude("spring", attempt) is None
        assert world.lead() == ("finished", "completed", 1)

    play(tmp_path, story, "do_not_call: never.csv\n")


def test_who_cannot_be_called_because_the_agent_has_no_room_waits_on(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.network.place_trouble = [NoRoomError()]
        attempt = await world.begin()
        assert await world.desk.place("spring", attempt) is None
        assert world.attempts.find(attempt) is None
        assert world.lead() == ("backlog", None, 0)

    play(tmp_path, story)
