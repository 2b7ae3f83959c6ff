"""The fleet of `agents.d`: an agent of each mode is called, with the same words, and heard to the end."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import NumberSeed, Phone, PhoneCall, Seed, Sender
from sandbox.model import Call, Drop, Script, When, say, when
from sandbox.model.text.faults import BreakOff
from sandbox.network import HangUp, Interrupt, Listen, Say, Step, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.test_messages import answers
from tests.e2e.world import CALLER, World, play

FLEET = Path(__file__).parents[2] / "agents.d"
AGENTS = {
    "realtime": "+14155550123",
    "live": "+14155550127",
    "relay": "+14155550125",
    "gather": "+14155550126",
}
WRITTEN = ("relay", "gather")  # a text model answers
WHATSAPP, PERSON = "whatsapp:+14155550128", f"whatsapp:{CALLER}"
MANAGER = "+14155550177"
CALL_SECONDS = 60
MESSAGE = "A table for two on Friday."

SCRIPT = Script(
    (
        when("caller-menu", say("agent-menu")),
        when("caller-friday-two", Call("take_message", {"message": MESSAGE})),
        when("take_message", say("agent-booked")),
        when("caller-person", Call("transfer", {"summary": "Wants the manager."})),
        when("caller-opening-hours", say("agent-hours")),
        when("caller-thanks-goodbye", (say("agent-goodbye"), Call("hang_up"))),
    ),
    transcription_ms=(20, 100),  # what the caller said is known when the model drops
)
STORIES: Mapping[str, tuple[Step, ...]] = {
    "conversation": (
        Listen(),
        Say("caller-menu"),
        Interrupt("caller-friday-two", after_ms=2000),
        Listen(),
        Say("caller-thanks-goodbye"),
        Wait(15_000),
        HangUp(),
    ),
    "transfer": (Listen(), Say("caller-person"), Wait(15_000), HangUp()),
}
ONE_QUESTION = (Listen(), Say("caller-opening-hours"), Wait(8000), HangUp())


@dataclass(frozen=True)
class Played:
    """A call that is over, and its record; somebody who wrote has no call."""

    call: PhoneCall | None
    record: dict[str, Any]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], Played]:
    """Every story with the agent of every mode, all at once, and then one in which the model drops."""
    done: dict[tuple[str, str], Played] = {}

    async def call(world: World, mode: str, story: str, steps: Sequence[Step]) -> None:
        made = world.box.network.dial(from_=CALLER, to=AGENTS[mode], caller=steps)
        await made.ended(CALL_SECONDS)
        done[mode, story] = Played(made, await world.record_of(made.sid))

    async def story(world: World) -> None:
        shutil.rmtree(world.folder / "agents.d")
        shutil.copytree(FLEET, world.folder / "agents.d")
        world.box.model.script = SCRIPT
        world.box.network.phones[MANAGER] = Phone(caller=(Say("caller-hello"), Wait(500), HangUp()))
        assert (await world.tm("apply", "--yes")).code == 0
        async with world.serving():
            done["whatsapp", "conversation"] = await write(world)
            stories = [(mode, name, steps) for mode in AGENTS for name, steps in STORIES.items()]
            await asyncio.gather(*(call(world, *story) for story in stories))
            for mode in AGENTS:
                if mode in WRITTEN:
                    world.box.model.text_faults.append(BreakOff(after_tokens=1))
                else:
                    world.box.model.faults = [Drop(When(turn=2, connection=world.box.model.attempts + 1))]
                await call(world, mode, "fault", ONE_QUESTION)
            assert not any(each.live for each in world.box.account.calls.values())
        assert world.box.alerts == []

    numbers = tuple(NumberSeed(number) for number in AGENTS.values())
    seed = Seed(numbers=numbers, senders=(Sender(WHATSAPP),))
    play(tmp_path_factory.mktemp("fleet"), story, seed=seed)
    return done


async def write(world: World) -> Played:
    """Have the conversation in writing."""
    words = [clip(name).text for name in ("caller-menu", "caller-friday-two", "caller-thanks-goodbye")]
    first = ""
    for count, text in enumerate(words, start=1):
        message = await world.box.network.messenger.write(PERSON, WHATSAPP, text)
        first = first or message.sid
        await answers(world, count, PERSON)
    return Played(None, await world.record_of(first))


def shape(record: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Who said what in which order, and where somebody was interrupted; greetings differ."""
    entries = record["transcript"]
    return [
        (each["role"], each["text"] if each["role"] == "caller" else "", bool(each["interrupted"]))
        for each in entries
    ]


@pytest.mark.parametrize("mode", AGENTS)
def test_a_conversation_has_the_same_shape_in_every_mode(
    played: Mapping[tuple[str, str], Played], mode: str
) -> None:
    record = played[mode, "conversation"].record
    assert shape(record) == [
        ("agent", "", False),
        ("caller", clip("caller-menu").text, False),
        ("agent", "", True),
        ("caller", clip("caller-friday-two").text, False),
        ("tool", "", False),
        ("agent", "", False),
        ("caller", clip("caller-thanks-goodbye").text, False),
        ("agent", "", False),
    ]
    menu = record["transcript"][2]
    assert clip("agent-menu").text.startswith(menu["text"].rstrip(" …"))
    assert 1000 < menu["heard_ms"] < 4000
    assert said(record, "agent")[-1] == clip("agent-goodbye").text
    assert (record["status"], record["end_reason"]) == ("completed", "agent_completed")
    assert [use["name"] for use in record["tools"]] == ["take_message", "hang_up"]
    assert set(record) == set(played["realtime", "conversation"].record)
    assert set(menu) == set(played["realtime", "conversation"].record["transcript"][2])


def test_a_conversation_in_writing_has_the_shape_of_a_spoken_one(
    played: Mapping[tuple[str, str], Played],
) -> None:
    record, spoken = (played[mode, "conversation"].record for mode in ("whatsapp", "relay"))
    # Nobody greets somebody who has written, and nobody can be interrupted.
    assert [entry[:2] for entry in shape(record)] == [entry[:2] for entry in shape(spoken)[1:]]
    assert (record["channel"], record["end_reason"]) == ("whatsapp", "agent_completed")
    assert [use["name"] for use in record["tools"]] == [use["name"] for use in spoken["tools"]]
    assert set(record) == set(spoken)
    assert set(record["transcript"][0]) == set(spoken["transcript"][0])


@pytest.mark.parametrize("mode", AGENTS)
def test_a_caller_is_put_through_in_every_mode(played: Mapping[tuple[str, str], Played], mode: str) -> None:
    call, record = played[mode, "transfer"].call, played[mode, "transfer"].record
    assert (record["status"], record["end_reason"]) == ("completed", "transferred")
    assert call is not None
    assert clip("caller-hello").ulaw in call.heard


@pytest.mark.parametrize("mode", AGENTS)
def test_a_call_outlives_its_model_in_every_mode(played: Mapping[tuple[str, str], Played], mode: str) -> None:
    record = played[mode, "fault"].record
    assert said(record, "caller") == [clip("caller-opening-hours").text]
    assert len(said(record, "agent")) >= 2
    if mode != "live":  # which decides for itself what it says in its new session
        assert clip("agent-hours").text in said(record, "agent")[-1]
    assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
