"""Relay mode through real sockets: the carrier hears and speaks over one connection, a text model thinks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox import Phone, PhoneCall, StreamFaults
from sandbox.model import Call, Script, when
from sandbox.model import Say as Write
from sandbox.model.text.faults import BreakOff, Deny, TextFault
from sandbox.network import HangUp, Interrupt, Kind, Listen, Press, Say, Step, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.test_tools import Service
from tests.e2e.world import CALLER, FRONT_DESK, World, play

PERSON = "+14155550177"
CALL_SECONDS = 40
GREETING = "Harbour Bistro?"
LONG_GREETING = "Good evening, this is the Harbour Bistro. How can I help you tonight?"
AGENT = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
voice: {{mode: relay, api: API}}
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
  - builtin: [collect_digits, send_digits]
"""


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
    faults: Sequence[TextFault | None] = (),
    stream: StreamFaults | None = None,
    phone: Phone | None = None,
    text_ms: float = 0.0,
    alerts: frozenset[int] = frozenset(),
) -> tuple[PhoneCall, dict[str, Any]]:
    """Play one call, and return it with its record."""
    played: list[tuple[PhoneCall, dict[str, Any]]] = []
    agent = AGENT.replace("API", api).replace("GREETING", greeting)

    async def story(world: World) -> None:
        world.box.model.script = replace(SCRIPT, text_ms=text_ms)
        world.box.model.text_faults.extend(faults)
        if phone is not None:
            world.box.network.phones[PERSON] = phone
        async with Service().running() as port:
            world.declare(front_desk=agent.replace("PORT", str(port)))
            await world.tm("apply", "--yes")
            async with world.serving():
                caller = world.box.network.dial(
                    from_=CALLER, to=FRONT_DESK, caller=steps, faults=stream or StreamFaults()
                )
                await caller.ended(CALL_SECONDS)
                played.append((caller, await world.record_of(caller.sid)))
        assert {alert.code for alert in world.box.alerts} == alerts

    play(tmp_path, story, front_desk=agent.replace("PORT", "1"))
    return played[0]


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_a_caller_books_a_table_and_says_goodbye(tmp_path: Path, api: str) -> None:
    caller, record = call(tmp_path, Listen(), ask("caller-friday-two"), *BYE, api=api)

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
    assert record["cost"]["tokens"]["text_out"] > 0


def test_an_answer_that_breaks_off_in_the_middle_is_gone_on_from(tmp_path: Path) -> None:
    caller, record = call(tmp_path, Listen(), ask("caller-friday-two"), *BYE, faults=(None, BreakOff(1)))

    assert record["end_reason"] == "agent_completed"
    assert said(record, "agent") == [GREETING, "It", "It is booked.", "Goodbye."]
    assert caller.heard_words[-1] == "Goodbye."


def test_what_is_told_of_an_agent_who_was_interrupted_is_what_the_caller_heard(tmp_path: Path) -> None:
    caller, record = call(tmp_path, Interrupt("caller-yes", after_ms=1200), *BYE, greeting=LONG_GREETING)

    greeting = record["transcript"][0]
    assert greeting["interrupted"]
    assert greeting["text"] == caller.heard_words[0]
    assert 0 < len(greeting["text"]) < len(LONG_GREETING)
    assert abs(greeting["heard_ms"] - 1200) < 500


def test_keys_reach_the_agent_as_one_message(tmp_path: Path) -> None:
    _, record = call(tmp_path, Listen(), Press("12"), *BYE)

    assert said(record, "caller")[0] == "[keys: 12]"


def test_keys_that_the_agent_asked_for_reach_its_tool(tmp_path: Path) -> None:
    steps = (Listen(), ask("caller-menu"), Wait(1500), Press("4711"))
    _, record = call(tmp_path, *steps, *BYE)

    assert {use["name"]: use["result"] for use in record["tools"]}["collect_digits"] == {
        "digits": "4711",
        "ended_by": "max_digits",
    }


def test_a_caller_whose_connection_breaks_is_back_in_the_same_conversation(tmp_path: Path) -> None:
    steps = (Listen(), ask("caller-friday-two"), Wait(6000))
    caller, record = call(
        tmp_path, *steps, *BYE, stream=StreamFaults(drop_after_ms=3500, streams=1), alerts=frozenset({64105})
    )

    assert (record["status"], record["end_reason"]) == ("completed", "agent_completed")
    assert sum(event.kind is Kind.STREAM_OPENED for event in caller.events) == 2
    assert said(record, "agent")[0] == GREETING
    assert said(record, "agent")[-1] == "Goodbye."


def test_a_caller_who_hangs_up_ends_the_call(tmp_path: Path) -> None:
    _, record = call(tmp_path, Listen(), HangUp())

    assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")


def test_a_model_that_cannot_be_had_is_answered_for_by_the_fallback_message(tmp_path: Path) -> None:
    faults = (Deny(500),) * 6
    caller, record = call(tmp_path, Listen(), ask("caller-friday-two"), Wait(8000), faults=faults)

    assert record["end_reason"] == "model_error"
    assert caller.heard_words[-1] == "Call again later."


def test_a_caller_is_put_through_to_a_person(tmp_path: Path) -> None:
    phone = Phone(caller=[Listen(), Say("caller-hello"), Wait(1000), HangUp()])
    _, record = call(tmp_path, Listen(), ask("caller-person"), Wait(12000), phone=phone)

    assert record["end_reason"] == "transferred"


def test_a_caller_who_reaches_nobody_is_back_with_the_agent(tmp_path: Path) -> None:
    steps = (Listen(), ask("caller-person"), Wait(6000))
    _, record = call(tmp_path, *steps, *BYE, phone=Phone(outcome="busy"))

    assert record["end_reason"] == "agent_completed"
    assert said(record, "agent")[-1] == "Goodbye."
