"""Gather mode through real sockets: the carrier hears and speaks, a text model thinks.

The callers make short sounds, and the carrier's recogniser makes long sentences of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox import Phone, PhoneCall
from sandbox.model import Call, Script, when
from sandbox.model import Say as Write
from sandbox.model.text.faults import BreakOff, Deny, TextFault
from sandbox.network import HangUp, Interrupt, Kind, Listen, Press, Say, Step, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.test_tools import Service
from tests.e2e.world import CALLER, FRONT_DESK, World, play

PERSON = "+14155550177"
CALL_SECONDS = 30
AGENT = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
voice: {{mode: gather, api: API}}
greeting: GREETING
instructions: Take reservations.
fallback_message: Call again later.
transfer: {{number: "{PERSON}", mode: cold, timeout: 8}}
tool_hosts: 127.0.0.1
tools:
  - name: find_table
    description: Finds a free table.
    parameters: {{type: object, properties: {{day: {{type: string}}}}, required: [day]}}
    http: {{url: "http://127.0.0.1:PORT/tables/{{{{ day }}}}"}}
  - builtin: [collect_digits]
"""
GREETING = "Harbour Bistro?"
LONG_GREETING = "Good evening, this is the Harbour Bistro. How can I help you tonight?"


def write(text: str) -> Write:
    return Write(text, b"")


def ask(name: str) -> Say:
    """Say briefly what is understood as the words of a longer clip."""
    return Say("caller-yes", heard_as=clip(name).text)


SCRIPT = Script(
    (
        when("caller-friday-two", Call("find_table", {"day": "friday"})),
        when("find_table", write("It is booked.")),
        when("caller-menu", Call("collect_digits", {"max_digits": 4})),
        when("collect_digits", write("Thank you.")),
        when("caller-person", (write("One moment."), Call("transfer", {"summary": "Wants a table."}))),
        when("caller-thanks-goodbye", (write("Goodbye."), Call("hang_up"))),
    ),
    otherwise=(write("Yes?"),),
)
BYE: tuple[Step, ...] = (Listen(), ask("caller-thanks-goodbye"), Wait(8000), HangUp())


def call(
    tmp_path: Path,
    *steps: Step,
    api: str = "responses",
    greeting: str = GREETING,
    faults: Sequence[TextFault] = (),
    phone: Phone | None = None,
    tool_seconds: float = 0.0,
    text_ms: float = 0.0,
) -> tuple[PhoneCall, dict[str, Any]]:
    """Play one call, and return it with its record."""
    played: list[tuple[PhoneCall, dict[str, Any]]] = []
    agent = AGENT.replace("API", api).replace("GREETING", greeting)

    async def story(world: World) -> None:
        world.box.model.script = replace(SCRIPT, text_ms=text_ms)
        world.box.model.text_faults.extend(faults)
        if phone is not None:
            world.box.network.phones[PERSON] = phone
        async with Service(seconds=tool_seconds).running() as port:
            world.declare(front_desk=agent.replace("PORT", str(port)))
            await world.tm("apply", "--yes")
            async with world.serving():
                caller = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=steps)
                await caller.ended(CALL_SECONDS)
                played.append((caller, await world.record_of(caller.sid)))
        assert world.box.alerts == []

    play(tmp_path, story, front_desk=agent.replace("PORT", "1"))
    return played[0]


@pytest.mark.parametrize(("api", "faults"), [("responses", ()), ("chat", (None, BreakOff(1)))])
def test_a_caller_books_a_table_and_says_goodbye(
    tmp_path: Path, api: str, faults: Sequence[TextFault]
) -> None:
    caller, record = call(tmp_path, Listen(), ask("caller-friday-two"), *BYE, api=api, faults=faults)

    assert (record["status"], record["end_reason"]) == ("completed", "agent_completed")
    words = [clip("caller-friday-two").text, clip("caller-thanks-goodbye").text]
    assert said(record, "caller") == words
    assert said(record, "agent") == [GREETING, "It is booked.", "Goodbye."]
    assert caller.heard_words == (GREETING, "It is booked.", "Goodbye.")
    assert [(use["name"], use["result"]) for use in record["tools"]] == [
        ("find_table", {"table": 4}),
        ("hang_up", None),
    ]
    assert len(record["latency"]["turns"]) == 2


def test_a_caller_who_interrupts_is_answered_and_the_record_ends_where_they_stopped_hearing(
    tmp_path: Path,
) -> None:
    steps = (Interrupt("caller-yes", 1500), Wait(3000), HangUp())
    caller, record = call(tmp_path, *steps, greeting=LONG_GREETING)

    greeting = record["transcript"][0]
    assert greeting["interrupted"] is True
    assert LONG_GREETING.startswith(greeting["text"])
    assert abs(len(greeting["text"]) - len(caller.heard_words[0])) <= 12  # less than a second
    assert said(record, "agent")[1] == "Yes?"


def test_digits_are_collected_by_the_carrier(tmp_path: Path) -> None:
    steps = (Listen(), ask("caller-menu"), Wait(2500), Press("4711"), *BYE)
    _, record = call(tmp_path, *steps)

    assert record["tools"][0]["result"] == {"digits": "4711", "ended_by": "max_digits"}


def test_a_caller_hears_a_sound_while_a_tool_takes_long(tmp_path: Path) -> None:
    steps = (Listen(), ask("caller-friday-two"), Wait(9000), HangUp())
    caller, record = call(tmp_path, *steps, tool_seconds=4.8)

    assert "It is booked." in said(record, "agent")
    assert caller.heard_words[-1] == "It is booked."
    assert any(event.kind is Kind.REQUESTED and "/media/" in event.detail for event in caller.events)


def test_a_cold_transfer_puts_the_caller_through(tmp_path: Path) -> None:
    phone = Phone(caller=(Say("caller-hello"), Wait(1000), HangUp()))
    caller, record = call(tmp_path, Listen(), ask("caller-person"), Wait(20_000), HangUp(), phone=phone)

    assert (record["status"], record["end_reason"]) == ("completed", "transferred")
    assert said(record, "agent")[-1] == "One moment."
    assert clip("caller-hello").ulaw in caller.heard


def test_a_model_that_is_gone_leads_to_the_fallback_message(tmp_path: Path) -> None:
    caller, record = call(tmp_path, *BYE, faults=[Deny(500)] * 20)

    assert (record["status"], record["end_reason"]) == ("completed", "model_error")
    assert caller.heard_words[-1] == "Call again later."


def test_an_answer_that_was_begun_early_leaves_with_the_callers_last_words(tmp_path: Path) -> None:
    _, record = call(tmp_path, Listen(), Say("caller-yes"), Wait(2500), HangUp(), text_ms=250)

    (turn,) = record["latency"]["turns"]
    assert turn["frame_ms"] <= 50
    assert record["cost"]["tokens"]["text_out"] > 0
