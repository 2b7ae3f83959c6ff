"""Transfers of callers in relay and gather mode, and calls that go on at another node.

All ways that a transfer can go are played at the same time in both modes, each with an agent and a person of
its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import NumberSeed, Phone, PhoneCall, voicemail
from sandbox.model import Call, Script, when
from sandbox.network import Listen, Press, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.test_transfers import TALKS, line_of, nobody_is_left, person_of
from tests.e2e.text_calls import BYE, CALL_SECONDS, SCRIPT, ask, write
from tests.e2e.world import CALLER, FRONT_DESK, World, play, until

MODES = ("relay", "gather")
AGENT = """\
kind: Agent
name: {name}
numbers: "{number}"
voice: {{mode: {voice}}}
greeting: Harbour Bistro?
instructions: Take reservations.
transfer: {{number: "{person}", mode: {mode}, timeout: 5}}
"""
TRANSFERS = Script(
    (
        when("caller-person", (write("One moment."), Call("transfer", {"summary": "Wants a table."}))),
        when("transfer", write("Nobody is there.")),
        *SCRIPT.rules,
    ),
    otherwise=SCRIPT.otherwise,
)


@dataclass(frozen=True)
class Course:
    """One way that a transfer goes: the person's phone, the mode, and why the caller is back, if so."""

    phone: Phone
    mode: str
    why: str | None = None


COURSES: Mapping[str, Course] = {
    "cold": Course(Phone(caller=TALKS), "cold"),
    "warm": Course(Phone(caller=(Wait(1500), Press("1"), *TALKS)), "warm"),
    "cold-busy": Course(Phone(outcome="busy"), "cold", why="busy"),
    "warm-refused": Course(Phone(caller=(Wait(1500), Press("2"), Wait(60_000))), "warm", why="did not take"),
    "warm-voicemail": Course(voicemail(), "warm", why="voicemail"),
}
PLAYED = [(voice, name) for voice in MODES for name in COURSES]


async def go(world: World, index: int, course: Course) -> tuple[PhoneCall, dict[str, Any]]:
    """Play one course; a caller who is back with the agent hangs up when they have heard it."""
    world.box.network.phones[person_of(index)] = course.phone
    steps = (Listen(), ask("caller-person"), Wait(60_000))
    caller = world.box.network.dial(from_=CALLER, to=line_of(index), caller=steps)
    if course.why is not None:

        async def heard() -> bool:
            return "Nobody is there." in caller.heard_words

        await until(heard, what="the agent", seconds=CALL_SECONDS)
        caller.hang_up()
    await caller.ended(CALL_SECONDS)
    return caller, await world.record_of(caller.sid)


def fleet() -> str:
    """Declare an agent for each course in each mode."""
    return "---\n".join(
        AGENT.format(
            name=f"{voice}-{name}",
            voice=voice,
            number=line_of(index),
            person=person_of(index),
            mode=COURSES[name].mode,
        )
        for index, (voice, name) in enumerate(PLAYED)
    )


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[tuple[str, str], tuple[PhoneCall, dict[str, Any]]]:
    """Play all courses at the same time, and see that nothing is left of them at Twilio."""
    played: dict[tuple[str, str], tuple[PhoneCall, dict[str, Any]]] = {}

    async def story(world: World) -> None:
        world.box.model.script = TRANSFERS
        await world.tm("apply", "--yes")
        async with world.serving():
            courses = [COURSES[name] for _, name in PLAYED]
            done = await asyncio.gather(*(go(world, i, each) for i, each in enumerate(courses)))
            await nobody_is_left(world)
        assert world.box.alerts == []
        played.update(zip(PLAYED, done, strict=True))

    numbers = tuple(NumberSeed(line_of(index)) for index in range(len(PLAYED)))
    play(tmp_path_factory.mktemp("transfers"), story, numbers=numbers, fleet=fleet())
    return played


@pytest.mark.parametrize(("voice", "name"), PLAYED)
def test_a_caller_meets_the_person_or_is_back_with_an_agent_who_knows_why(
    played: Mapping[tuple[str, str], tuple[PhoneCall, dict[str, Any]]], voice: str, name: str
) -> None:
    (caller, record), why = played[voice, name], COURSES[name].why
    assert caller.heard_words[1] == "One moment."
    (use,) = record["tools"]
    if why is None:
        assert (record["status"], record["end_reason"]) == ("completed", "transferred")
        assert clip("caller-hello").ulaw in caller.heard
        assert use["result"] == {"transferred": True}
    else:
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        assert said(record, "agent")[-1] == "Nobody is there."
        assert why in use["result"]["error"]


@pytest.mark.parametrize("voice", MODES)
def test_after_a_kill_the_call_goes_on_at_another_node_that_knows_what_was_said(
    tmp_path: Path, voice: str
) -> None:
    async def story(world: World) -> None:
        world.box.model.script = TRANSFERS
        other = World(world.box, world.folder)
        service = (world.folder / "agents.d" / "service.yaml").read_text()
        world.declare(service=service + f"fallback_url: {other.base}/voice/front-desk/fallback\n")
        assert (await world.tm("apply", "--yes")).code == 0
        nodes = {
            each.base: {"TM_PUBLIC_URL": world.base, "TM_NODE_URL": each.base} for each in (world, other)
        }
        async with world.serving(nodes[world.base]) as first, other.serving(nodes[other.base]):
            steps = (Listen(), ask("caller-yes"), Wait(5000), ask("caller-yes"), Wait(4000), *BYE[1:])
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=steps)

            async def answered() -> bool:
                return "Yes?" in call.heard_words

            await until(answered, what="the first answer", seconds=20)
            await asyncio.sleep(2.5)  # the checkpoint after it
            first.kill()
            await first.wait()
            await call.ended(CALL_SECONDS)
            record = await other.record_of(call.sid, seconds=20)  # the status goes to the dead node
        assert record["end_reason"] == "agent_completed"
        assert said(record, "agent")[:2] == ["Harbour Bistro?", "Yes?"]
        assert said(record, "agent")[-1] == "Goodbye."
        assert said(record, "caller")[0] == clip("caller-yes").text

    agent = AGENT.format(
        name="front-desk", voice=voice, number=FRONT_DESK, person="+14155550177", mode="cold"
    )
    play(tmp_path, story, front_desk=agent)
