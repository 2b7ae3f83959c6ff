"""Transfers through real sockets: caller, agent and person, and nobody left ringing or waiting.

All ways that a transfer can go are played at the same time, each with an agent and a person of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox import NumberSeed, Phone, PhoneCall, Press, voicemail
from sandbox.model import Call, Script, say, when
from sandbox.network import HangUp, Listen, Say, Step, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.world import CALLER, World, play, until

CALL_SECONDS = 40
AGENT = """\
kind: Agent
name: {name}
numbers: "{number}"
greeting: Hello. How can I help you?
instructions: Take reservations.
transfer: {{number: "{person}", mode: {mode}, timeout: 5}}
"""
# The agent says a line and transfers; when that has failed, it says another.
SCRIPT = Script(
    (
        when("caller-person", (say("agent-still-there"), Call("transfer", {"summary": "Wants a table."}))),
        when("transfer", say("agent-goodbye")),
    )
)
LAST_WORDS, BACK, PERSONS_VOICE = clip("agent-still-there"), clip("agent-goodbye"), clip("caller-hello")
ASKS: tuple[Step, ...] = (Listen(), Say("caller-person"))
WAITS: tuple[Step, ...] = (*ASKS, Wait(60_000))
TALKS: tuple[Step, ...] = (Wait(800), Say("caller-hello"), Wait(300), HangUp())
FOREVER: tuple[Step, ...] = (Wait(60_000),)


@dataclass(frozen=True)
class Course:
    """One way that a transfer goes: the person's phone, what the caller does, and what comes of it."""

    phone: Phone
    end_reason: str = "caller_hangup"
    why: str | None = None
    mode: str = "warm"
    steps: Sequence[Step] = WAITS


@dataclass(frozen=True)
class Played:
    """A course that was played: both calls and the record."""

    caller: PhoneCall
    person: PhoneCall
    record: dict[str, Any]


TOGETHER = {
    "accepted": Course(Phone(caller=(Wait(1500), Press("1"), *TALKS)), "transferred"),
    "cold": Course(Phone(caller=TALKS), "transferred", mode="cold"),
}
NOT_TAKEN = {
    "busy": Course(Phone(outcome="busy"), why="busy"),
    "no-answer": Course(Phone(outcome="no-answer"), why="nobody answered"),
    "refused": Course(Phone(caller=(Wait(1500), Press("2"), *FOREVER)), why="did not take the call"),
    "hangs-up": Course(Phone(caller=(Wait(1000), HangUp())), why="did not take the call"),
    "voicemail": Course(voicemail(), why="voicemail"),
    "cold-busy": Course(Phone(outcome="busy"), why="busy", mode="cold"),
}
CALLER_LEAVES = {
    "while-it-rings": Course(Phone(ring_ms=60_000), steps=(*ASKS, Wait(3500), HangUp())),
    "during-the-brief": Course(Phone(caller=FOREVER), steps=(*ASKS, Wait(4500), HangUp())),
}


COURSES: Mapping[str, Course] = {**TOGETHER, **NOT_TAKEN, **CALLER_LEAVES}


def line_of(index: int) -> str:
    return f"+1415555{1000 + index}"


def person_of(index: int) -> str:
    return f"+1415555{2000 + index}"


async def go(world: World, index: int, course: Course) -> Played:
    """Play one course; a caller who is back with the agent hangs up when they have heard it."""
    world.box.network.phones[person_of(index)] = course.phone
    caller = world.box.network.dial(from_=CALLER, to=line_of(index), caller=course.steps)
    person = await world.box.network.called(person_of(index))
    if course.why is not None:

        async def heard() -> bool:
            return BACK.ulaw in caller.heard

        await until(heard, what="the agent", seconds=CALL_SECONDS)
        caller.hang_up()
    await caller.ended(CALL_SECONDS)
    return Played(caller, person, await world.record_of(caller.sid))


def fleet() -> str:
    """Declare an agent for each course."""
    return "---\n".join(
        AGENT.format(name=name, number=line_of(index), person=person_of(index), mode=course.mode)
        for index, (name, course) in enumerate(COURSES.items())
    )


async def nobody_is_left(world: World) -> None:
    """See that all calls and conferences are over at Twilio."""
    for call in world.box.network.calls.values():
        await call.ended(5)
    await world.box.network.quiet()
    assert not any(call.live for call in world.box.account.calls.values())
    assert not any(conference.live for conference in world.box.account.conferences.values())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Played]:
    """Play all courses at the same time, and see that nothing is left of them at Twilio."""
    played: dict[str, Played] = {}

    async def story(world: World) -> None:
        world.box.model.script = SCRIPT
        await world.tm("apply", "--yes")
        async with world.serving():
            done = await asyncio.gather(*(go(world, i, each) for i, each in enumerate(COURSES.values())))
            await nobody_is_left(world)
        assert world.box.alerts == []
        played.update(zip(COURSES, done, strict=True))

    numbers = tuple(NumberSeed(line_of(index)) for index in range(len(COURSES)))
    play(tmp_path_factory.mktemp("transfers"), story, numbers=numbers, fleet=fleet())
    return played


@pytest.mark.parametrize("name", COURSES)
def test_the_last_words_are_heard_and_the_record_says_how_it_ended(
    played: Mapping[str, Played], name: str
) -> None:
    record = played[name].record
    assert (record["status"], record["end_reason"]) == ("completed", COURSES[name].end_reason)
    assert LAST_WORDS.ulaw in played[name].caller.heard


@pytest.mark.parametrize("name", TOGETHER)
def test_a_person_who_takes_the_call_meets_the_caller(played: Mapping[str, Played], name: str) -> None:
    caller, record = played[name].caller, played[name].record
    assert PERSONS_VOICE.ulaw in caller.heard
    assert BACK.ulaw not in caller.heard
    (use,) = record["tools"]
    assert (use["name"], use["result"]) == ("transfer", {"transferred": True})


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_a_caller_whom_the_person_does_not_take_is_back_with_an_agent_who_knows_why(
    played: Mapping[str, Played], name: str
) -> None:
    record = played[name].record
    assert said(record, "agent")[-1] == BACK.text
    (use,) = record["tools"]
    assert str(NOT_TAKEN[name].why) in use["result"]["error"]


@pytest.mark.parametrize("name", CALLER_LEAVES)
def test_a_caller_who_hangs_up_stops_the_persons_phone(played: Mapping[str, Played], name: str) -> None:
    assert played[name].person.is_over
    assert BACK.ulaw not in played[name].caller.heard
