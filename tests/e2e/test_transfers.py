"""Transfers through real sockets: caller, agent and person, and nobody left ringing or waiting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox import Phone, PhoneCall, Press, voicemail
from sandbox.model import Call, Script, say, when
from sandbox.network import HangUp, Kind, Listen, Say, Step, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.world import CALLER, FRONT_DESK, World, play

PERSON = "+14155550177"
CALL_SECONDS = 40
AGENT = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
greeting: Good evening, this is the Harbour Bistro. How can I help you?
instructions: Take reservations.
transfer: {{number: "{PERSON}", mode: MODE, timeout: 8}}
"""
# The agent says a line and transfers; when that has failed, it says another.
SCRIPT = Script(
    (
        when("caller-person", (say("agent-staff-line"), Call("transfer", {"summary": "Wants a table."}))),
        when("transfer", say("agent-hours")),
    )
)
ASKS: tuple[Step, ...] = (Listen(), Say("caller-person"))
WITH_THE_PERSON: tuple[Step, ...] = (*ASKS, Listen(), Listen(), Say("caller-yes"), Wait(4000), HangUp())
ACCEPTS: tuple[Step, ...] = (Listen(), Press("1"), Wait(1500), Say("caller-hello"), Wait(60_000))
BACK = clip("agent-hours")


async def left_alone(world: World) -> None:
    """Wait until every call is over, and see that nothing of a transfer is left at Twilio."""
    for call in world.box.network.calls.values():
        await call.ended(10)
    await world.box.network.quiet()
    assert not any(call.live for call in world.box.account.calls.values())
    assert not any(conference.live for conference in world.box.account.conferences.values())


def transfer(
    tmp_path: Path, phone: Phone, steps: Sequence[Step], *, mode: str = "warm"
) -> tuple[PhoneCall, PhoneCall, dict[str, Any]]:
    """Play one call of an agent who transfers, and return caller's and person's calls and the record."""
    played: list[tuple[PhoneCall, PhoneCall, dict[str, Any]]] = []

    async def story(world: World) -> None:
        world.box.model.script = SCRIPT
        await world.tm("apply", "--yes")
        async with world.serving():
            world.box.network.phones[PERSON] = phone
            caller = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=steps)
            person = await world.box.network.called(PERSON)
            await caller.ended(CALL_SECONDS)
            record = await world.record_of(caller.sid)
            await left_alone(world)
        assert world.box.alerts == []
        played.append((caller, person, record))

    play(tmp_path, story, front_desk=AGENT.replace("MODE", mode))
    return played[0]


def test_a_person_who_presses_1_meets_the_caller(tmp_path: Path) -> None:
    caller, person, record = transfer(tmp_path, Phone(caller=ACCEPTS), WITH_THE_PERSON)

    assert (record["status"], record["end_reason"]) == ("completed", "transferred")
    assert clip("agent-staff-line").ulaw in caller.heard
    assert clip("caller-hello").ulaw in caller.heard
    assert BACK.ulaw not in caller.heard
    (use,) = record["tools"]
    assert (use["name"], use["result"]) == ("transfer", {"transferred": True})
    assert person.status == "completed"


@pytest.mark.parametrize(
    ("phone", "why"),
    [
        (Phone(outcome="busy"), "busy"),
        (Phone(outcome="no-answer"), "nobody answered"),
        (Phone(caller=(Listen(), Press("2"), Wait(60_000))), "did not take the call"),
        (Phone(caller=(Listen(), HangUp())), "did not take the call"),
        (voicemail(), "voicemail"),
    ],
    ids=["busy", "no answer", "refused", "hangs up", "voicemail"],
)
def test_a_caller_whom_the_person_does_not_take_is_back_with_an_agent_who_knows_why(
    tmp_path: Path, phone: Phone, why: str
) -> None:
    steps = (*ASKS, Listen(), Wait(5000), Listen(at_most_s=20), Say("caller-yes"), Wait(2000), HangUp())
    caller, _, record = transfer(tmp_path, phone, steps)

    assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
    assert BACK.ulaw in caller.heard
    assert BACK.text in said(record, "agent")
    (use,) = record["tools"]
    assert why in use["result"]["error"]


@pytest.mark.parametrize(
    "phone",
    [Phone(ring_ms=60_000), Phone(caller=(Wait(60_000),))],
    ids=["while it rings", "during the brief"],
)
def test_a_caller_who_hangs_up_stops_the_persons_phone(tmp_path: Path, phone: Phone) -> None:
    caller, person, record = transfer(tmp_path, phone, (*ASKS, Listen(), Wait(2500), HangUp()))

    assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
    assert person.is_over
    assert not any(event.kind is Kind.CONNECTED and event.detail == "person" for event in caller.events)


def test_a_cold_transfer_puts_the_caller_through(tmp_path: Path) -> None:
    phone = Phone(caller=(Say("caller-hello"), Wait(3000), HangUp()))
    caller, person, record = transfer(tmp_path, phone, (*ASKS, Wait(20_000), HangUp()), mode="cold")

    assert (record["status"], record["end_reason"]) == ("completed", "transferred")
    assert clip("caller-hello").ulaw in caller.heard
    assert person.status == "completed"


def test_a_cold_transfer_to_a_busy_phone_comes_back(tmp_path: Path) -> None:
    steps = (*ASKS, Listen(), Wait(1000), Listen(), HangUp())
    caller, _, record = transfer(tmp_path, Phone(outcome="busy"), steps, mode="cold")

    assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
    assert BACK.ulaw in caller.heard
