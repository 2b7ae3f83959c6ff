"""An agent whose model is GPT-Live, through real sockets: no turns, no clears, and a bill by the second."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox import NumberSeed, Phone
from sandbox.model import Call, Drop, Fault, Refuse, Script, Stall, When, say, when
from sandbox.model.faults import LastOnly
from sandbox.network import HangUp, Interrupt, Kind, Listen, PhoneCall, Press, Say, Step, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import dial, longest_prefix_in, said
from tests.e2e.test_model_faults import dial_into
from tests.e2e.test_tools import Service
from tests.e2e.world import FRONT_DESK, World, play, until
from tests.sandbox.model.live.oracle import judge_live

PERSON = "+14155550999"
CALL_SECONDS = 60
GREETING, MENU = clip("agent-greeting-bistro"), clip("agent-menu")
AGENT = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
greeting: {GREETING.text}
instructions: Take reservations.
fallback_message: Please call again later.
voice: {{model: gpt-live-1, name: vesper}}
transfer: {{number: "{PERSON}", mode: warm, timeout: 5}}
tool_hosts: 127.0.0.1
tools:
  - name: find_table
    description: Finds a free table.
    parameters: {{type: object, properties: {{day: {{type: string}}}}, required: [day]}}
    http: {{url: "http://127.0.0.1:PORT/tables"}}
"""
TOOLS = (
    when("caller-book-table", Call("find_table", {"day": "friday"})),
    when("find_table", say("agent-booked")),
    when("caller-person", (say("agent-still-there"), Call("transfer", {"summary": "Wants a table."}))),
    when("caller-thanks-goodbye", (say("agent-goodbye"), Call("hang_up"))),
)
TOLERATED = 800  # bytes at the edges of a clip: a busy machine may be late by more than the head start


def reached(call: PhoneCall, name: str) -> bool:
    """Whether the caller heard a line from its beginning to its end."""
    line = clip(name).ulaw
    return line[TOLERATED : 2 * TOLERATED] in call.heard and line[-2 * TOLERATED : -TOLERATED] in call.heard


def of_kind(world: World, kind: str) -> int:
    """How many events of a type were sent to the model."""
    frames = [frame for session in world.box.model.live_sessions for frame in session.frames]
    return sum(frame.direction == "in" and f'"{kind}"' in str(frame.text)[:60] for frame in frames)


async def sessions_closed(world: World) -> None:
    async def closed() -> bool:
        return all(session.ended.is_set() for session in world.box.model.live_sessions)

    await until(closed, what="the end of every session with the model", seconds=6)


def test_a_caller_talks_and_interrupts_and_the_session_is_closed_and_counted(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        async with world.serving():
            call = await dial(
                world,
                Listen(),
                Say("caller-menu"),
                Interrupt("caller-friday-two", after_ms=2000),
                Listen(),
                HangUp(),
            )
            record = await world.record_of(call.sid)
            await sessions_closed(world)
        judge_live(world.box.model)

        assert reached(call, "agent-greeting-bistro")
        assert reached(call, "agent-booked")
        assert said(record, "caller") == [clip("caller-menu").text, clip("caller-friday-two").text]
        menu = next(entry for entry in record["transcript"] if entry["interrupted"])
        assert MENU.text.startswith(menu["text"])
        assert said(record, "agent") == [GREETING.text, menu["text"], clip("agent-booked").text]
        heard_of_menu = longest_prefix_in(MENU.ulaw[TOLERATED:], call.heard) + TOLERATED
        assert call.happened(Kind.CLEARED)
        assert MENU.ulaw[heard_of_menu : heard_of_menu + TOLERATED] not in call.heard
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        assert of_kind(world, "session.close") == 1
        counted = record["cost"]["tokens"]["session_seconds"]
        assert abs(counted - record["duration_seconds"]) < 3
        assert record["cost"]["unpriced"] == ["gpt-live-1"]
        assert len(record["latency"]["turns"]) >= 1

    play(tmp_path, story, front_desk=AGENT.replace("PORT", "9"))


def test_tools_transfer_and_hang_up_come_by_delegation(tmp_path: Path) -> None:
    service = Service()
    people = (Phone(caller=(Wait(1500), Press("1"), Wait(800), Say("caller-hello"), Wait(300), HangUp())),)

    async def story(world: World) -> None:
        async with service.running() as port:
            world.declare(front_desk=AGENT.replace("PORT", str(port)))
            world.box.model.script = Script(TOOLS)
            world.box.network.phones[PERSON] = people[0]
            assert (await world.tm("apply", "--yes")).code == 0
            async with world.serving():
                asks = (Listen(), Say("caller-book-table"), Listen(), HangUp())
                thanks = (Listen(), Say("caller-thanks-goodbye"), Wait(20_000))
                person = (Listen(), Say("caller-person"), Wait(60_000))
                calls = await asyncio.gather(*(dial(world, *steps) for steps in (asks, thanks, person)))
                booked, ended, transferred = [await world.record_of(call.sid) for call in calls]
                await sessions_closed(world)
        judge_live(world.box.model)

        (use,) = booked["tools"]
        assert (use["name"], use["result"]) == ("find_table", {"table": 4})
        assert reached(calls[0], "agent-booked")
        assert len(service.requests) == 1
        assert ended["end_reason"] == "agent_completed"
        assert reached(calls[1], "agent-goodbye")
        assert transferred["end_reason"] == "transferred"
        assert reached(calls[2], "agent-still-there")
        assert clip("caller-hello").ulaw in calls[2].heard

    play(
        tmp_path,
        story,
        numbers=(NumberSeed(FRONT_DESK), NumberSeed("+14155550998")),
        front_desk=AGENT.replace("PORT", "9"),
    )


def test_whatever_the_model_does_the_line_stays_up_and_the_next_session_knows_the_call(
    tmp_path: Path,
) -> None:
    def broken(number: int) -> Fault:
        return Drop(When(turn=2, connection=number))

    def silent(number: int) -> Fault:
        return Stall(When(turn=2, connection=number))

    def short(number: int) -> Fault:
        return LastOnly(20, connection=number)

    steps: tuple[Step, ...] = (Listen(), Say("caller-opening-hours"), Wait(22_000), HangUp())

    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        async with world.serving():
            calls = {each.__name__: await dial_into(world, each, steps) for each in (broken, silent, short)}
            await asyncio.gather(*(call.ended(CALL_SECONDS) for call in calls.values()))
            records = {name: await world.record_of(call.sid) for name, call in calls.items()}
            await sessions_closed(world)
        judge_live(world.box.model)
        assert world.box.model.attempts == 2 * len(calls)
        for name, record in records.items():
            check(name, record)
            assert GREETING.ulaw[TOLERATED : 2 * TOLERATED] in calls[name].heard, name
        for session in world.box.model.live_sessions[len(calls) :]:
            (start,) = session.received("session.start")
            assert '"input": [' in json.dumps(start)
            assert GREETING.text in json.dumps(start)

    def check(name: str, record: Mapping[str, Any]) -> None:
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup"), name
        assert said(dict(record), "caller") == [clip("caller-opening-hours").text], name
        assert said(dict(record), "agent")[0] == GREETING.text, name
        assert len(said(dict(record), "agent")) >= 2, name

    play(tmp_path, story, front_desk=AGENT.replace("PORT", "9"))


def test_a_refused_key_leaves_the_caller_with_the_fallback_message(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        world.box.model.faults = [Refuse(401, connections=9)]
        async with world.serving():
            call = await dial(world, Listen(), Wait(20_000))
            record = await world.record_of(call.sid)
        assert (record["status"], record["reject_reason"]) == ("rejected", "model_unavailable")
        assert world.box.model.attempts == 1

    play(tmp_path, story, front_desk=AGENT.replace("PORT", "9"))
