"""Everything that a model can do to a call, done to it through real sockets: the line stays up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.model import (
    Close,
    Drop,
    Duplicate,
    EchoPcm,
    Expire,
    Fault,
    Malformed,
    Refuse,
    Stall,
    UnknownEvent,
    When,
)
from sandbox.model.faults import Complain, LastOnly
from sandbox.network import HangUp, Kind, Listen, PhoneCall, Say, Step, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import ONE_QUESTION, said
from tests.e2e.world import CALLER, FRONT_DESK, World, play, until

CALL_SECONDS = 60
GREETING = clip("agent-greeting-bistro")
ANSWER = clip("agent-hours")
FALLBACK = "Please call again later."
SECOND_TURN = 2

Faulty = Callable[[int], Fault]

# What is mended inside the call, by what happens while the second answer begins to be spoken.
MENDED: Mapping[str, Faulty] = {
    "the line breaks": lambda number: Drop(When(turn=SECOND_TURN, connection=number)),
    "the server has an error": lambda number: Close(when=When(turn=SECOND_TURN, connection=number)),
    "the session expires": lambda number: Expire(When(turn=SECOND_TURN, connection=number)),
    "the server falls silent": lambda number: Stall(When(turn=SECOND_TURN, connection=number)),
    "half an event comes": lambda number: Malformed(When(turn=SECOND_TURN, connection=number)),
    "an unknown event comes": lambda number: UnknownEvent(When(turn=SECOND_TURN, connection=number)),
    "an event comes twice": lambda number: Duplicate(When(turn=SECOND_TURN, connection=number)),
    "a race is complained of": lambda number: Complain(when=When(turn=SECOND_TURN, connection=number)),
    "another format is echoed once": lambda number: EchoPcm(connection=number),
}


async def sockets_closed(world: World) -> None:
    """Wait for the end of every connection to the model: two seconds, not more."""

    async def closed() -> bool:
        return all(session.ended.is_set() for session in world.box.model.sessions)

    await until(closed, what="the end of every connection to the model", seconds=2)


async def records(world: World) -> list[Mapping[str, Any]]:
    """All call records of the node, without their transcripts."""
    found: list[Mapping[str, Any]] = (await world.get("/api/calls")).json()["calls"]
    return found


async def dial_into(world: World, faulty: Faulty, steps: tuple[Step, ...]) -> PhoneCall:
    """Let a phone call whose first connection to the model has the fault; return once that is open."""
    model = world.box.model
    number = model.attempts + 1
    model.faults = [*model.faults, faulty(number)]
    call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=steps)

    async def connected() -> bool:
        return model.attempts >= number

    await until(connected, what="the connection to the model")
    return call


def test_whatever_the_model_does_in_the_middle_of_an_answer_the_caller_gets_one(tmp_path: Path) -> None:
    steps = (Listen(), Say("caller-opening-hours"), Wait(14_000), HangUp())

    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        world.box.model.script = replace(world.box.model.script, transcription_ms=(20, 100))
        async with world.serving():
            calls = {name: await dial_into(world, faulty, steps) for name, faulty in MENDED.items()}
            await asyncio.gather(*(call.ended(CALL_SECONDS) for call in calls.values()))
            await sockets_closed(world)
            for name, call in calls.items():
                record = await world.record_of(call.sid)
                assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup"), name
                assert said(record, "caller") == [clip("caller-opening-hours").text], name
                assert GREETING.ulaw in call.heard, name
                assert said(record, "agent")[0] == GREETING.text, name
                assert ANSWER.text in said(record, "agent")[-1], name
                assert ANSWER.ulaw in call.heard, name
            assert len(await records(world)) == len(MENDED)
        assert "ERROR" not in world.server_log()

    play(tmp_path, story)


def test_a_server_that_falls_silent_between_two_turns_is_replaced_when_the_caller_speaks(
    tmp_path: Path,
) -> None:
    steps = (Listen(), Wait(1500), Say("caller-opening-hours"), Wait(9_000), HangUp())

    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        async with world.serving():
            call = await dial_into(world, lambda number: Stall(When(ms=5_500, connection=number)), steps)
            await call.ended(CALL_SECONDS)
            await sockets_closed(world)
            record = await world.record_of(call.sid)
        assert world.box.model.attempts == 2
        assert len(said(record, "agent")) == 2

    play(tmp_path, story)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_tried_again_and_the_greeting_comes(tmp_path: Path, status: int) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        world.box.model.faults = [Refuse(status, connections=2)]
        async with world.serving():
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=ONE_QUESTION)
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
        assert said(record, "agent") == [GREETING.text, ANSWER.text]
        assert world.box.model.attempts == 3

    play(tmp_path, story)


def test_a_refused_key_is_not_tried_again_and_the_caller_hears_the_fallback_message(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        world.box.model.faults = [Refuse(401, connections=99)]
        async with world.serving():
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=(Wait(20_000),))
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
            assert len(await records(world)) == 1
        assert (record["status"], record["reject_reason"]) == ("rejected", "model_unavailable")
        assert world.box.model.attempts == 1
        assert any("/after" in event.detail for event in call.happened(Kind.REQUESTED))

    play(tmp_path, story)


def test_a_server_that_drops_every_connection_is_given_up_and_the_call_ends_politely(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        world.box.model.faults = [Drop(When(turn=1, connection=None))]
        async with world.serving():
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=(Wait(30_000),))
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
            await sockets_closed(world)
            assert len(await records(world)) == 1
        assert (record["status"], record["end_reason"]) == ("completed", "model_error")
        assert world.box.model.attempts == 5

    play(tmp_path, story)


def test_a_session_that_is_about_to_expire_is_handed_over_and_nobody_notices(tmp_path: Path) -> None:
    steps = (Listen(), Wait(8_000), Say("caller-opening-hours"), Listen(), HangUp())

    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        world.box.model.faults = [LastOnly(10)]
        async with world.serving():
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=steps)
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
            await sockets_closed(world)
        assert said(record, "agent") == [GREETING.text, ANSWER.text]
        assert ANSWER.ulaw in call.heard
        first, second = world.box.model.sessions
        assert not first.sent("error")
        assert len(second.received("conversation.item.create")) == 1
        assert not second.sent("error")
        assert "event=model_lost" not in world.server_log()

    play(tmp_path, story)
