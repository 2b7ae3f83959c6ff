"""Calls that agents place, through real sockets: who answers, who does not, and what is left of it.

All ways that a call can go are played at the same time, each by an agent of its own to a person of their own.
"""

from __future__ import annotations

import asyncio
import signal
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from sandbox import NumberSeed, Phone, PhoneCall, Seed, voicemail
from sandbox.model import Script
from sandbox.network import HangUp, Kind, Listen, Press, Say, Step, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.test_transfers import SCRIPT as TRANSFERS
from tests.e2e.world import FRONT_DESK, World, play, until

PERSON: Final = "+14155550177"
CALL_SECONDS: Final = 45
MESSAGE: Final = "This is the Harbour Bistro. Please call us back when you can."
GREETING: Final = clip("agent-greeting-bistro")
TALKS: Final[tuple[Step, ...]] = (Listen(), Say("caller-opening-hours"), Listen(), HangUp())
TO_COLLEAGUE: Final[tuple[Step, ...]] = (Wait(800), Say("caller-hello"), Wait(300), HangUp())
ASKS_FOR_PERSON: Final[tuple[Step, ...]] = (Listen(), Say("caller-person"), Wait(60_000))
VARIABLES: Final = {"place": "Harbour Bistro"}
LEAVES_MESSAGE: Final = {"voicemail": "message", "voicemail_message": MESSAGE}
RELAY: Final = "voice: {mode: relay}\n"
GATHER: Final = "voice: {mode: gather}\n"


@dataclass(frozen=True)
class Course:
    """One way that a call goes: the agent, the person's phone, and what is ordered besides."""

    phone: Phone
    voice: str = ""
    dial: str = "url"
    order: Mapping[str, object] = field(default_factory=dict)
    colleague: Phone | None = None


@dataclass(frozen=True)
class Played:
    """A course that was played: the record, and the person's side."""

    record: dict[str, Any]
    call: PhoneCall

    @property
    def spoken(self) -> str:
        """What Twilio's voices have said to the person."""
        return " ".join(self.call.heard_words)


def agent(name: str = "caller", number: str = FRONT_DESK, *, voice: str = "", dial: str = "url") -> str:
    """An agent that only calls, and says in its greeting what it was told."""
    return f"""\
kind: Agent
name: {name}
inbound: false
numbers: "{number}"
dial: {dial}
greeting: Good evening, this is the {{{{ place }}}}. How can I help you?
instructions: Call from the {{{{ place }}}}.
variables: {{place: {{required: true}}}}
{voice}"""


async def order(world: World, to: str = PERSON, name: str = "caller", **more: object) -> httpx2.Response:
    """Order a call over the API, as somebody on this machine."""
    body = {"agent": name, "to": to, "variables": VARIABLES, **more}
    async with httpx2.AsyncClient(base_url=world.base, timeout=20) as client:
        return await client.post("/api/calls", json=body)


async def ended(world: World, call_id: str, seconds: float = CALL_SECONDS) -> dict[str, Any]:
    """The record of a call, once it is over."""

    async def over() -> dict[str, Any] | None:
        record: dict[str, Any] = (await world.get(f"/api/calls/{call_id}")).json()
        return record if record["status"] in {"completed", "rejected"} else None

    return await until(over, what=f"the end of {call_id}", seconds=seconds)


def person_of(world: World, number: str = PERSON) -> PhoneCall:
    """The one call that somebody was given."""
    (call,) = (call for call in world.box.network.calls.values() if call.call.to == number)
    return call


def colleague_of(number: str) -> str:
    """The number of the colleague to whom this person can be transferred."""
    return number.replace("+14155552", "+14155553")


def play_all(
    tmp_path: Path, courses: Mapping[str, Course], *, script: Script | None = None
) -> tuple[dict[str, Played], int]:
    """Place a call for each course; return what came of them, and how many sessions the model had."""
    played: dict[str, Played] = {}
    sessions: list[int] = []
    numbers = {name: (f"+1415555{1000 + at}", f"+1415555{2000 + at}") for at, name in enumerate(courses)}

    async def story(world: World) -> None:
        if script is not None:
            world.box.model.script = script

        async def one(name: str) -> None:
            _, to = numbers[name]
            world.box.network.phones[to] = courses[name].phone
            if (colleague := courses[name].colleague) is not None:
                world.box.network.phones[colleague_of(to)] = colleague
            placed = await order(world, to, name, **courses[name].order)
            assert placed.status_code == 201, placed.text
            record = await ended(world, placed.json()["id"])
            call = person_of(world, to)
            await call.ended(CALL_SECONDS)
            played[name] = Played(record, call)

        async with world.serving():
            await asyncio.gather(*(one(name) for name in courses))
        await world.box.network.quiet()
        sessions.append(len(world.box.model.sessions))
        assert world.box.alerts == []

    agents = [
        agent(name, numbers[name][0], voice=course.voice, dial=course.dial)
        for name, course in courses.items()
    ]
    seeds = tuple(NumberSeed(ours) for ours, _ in numbers.values())
    play(tmp_path, story, numbers=seeds, agents="---\n".join(agents))
    return played, sessions[0]


def test_somebody_who_answers_is_greeted_with_what_the_agent_was_told_in_every_mode(
    tmp_path: Path,
) -> None:
    modes = {"realtime": "", "relay": RELAY, "gather": GATHER}
    courses = {
        f"{mode}-{dial}": Course(Phone(caller=TALKS), voice, dial)
        for mode, voice in modes.items()
        for dial in ("url", "inline")
    }
    played, _ = play_all(tmp_path, courses)
    for name, one in played.items():
        record = one.record
        assert (record["direction"], record["status"]) == ("outbound", "completed"), name
        assert record["end_reason"] == "caller_hangup", name
        assert record["caller"] == {"number": one.call.call.to, "country": "US"}
        assert record["call_sid"] == one.call.sid
        assert said(record, "agent")[0] == GREETING.text, name
        assert said(record, "caller") == [clip("caller-opening-hours").text], name
        if name.startswith("realtime"):
            assert GREETING.ulaw in one.call.heard, name
        else:
            assert GREETING.text in one.spoken, name
        assert record["started_at"] < record["ended_at"] <= record["started_at"] + 60_000


def test_who_is_not_reached_costs_no_model_and_leaves_a_record(tmp_path: Path) -> None:
    courses = {
        "busy": Course(Phone(outcome="busy")),
        "declines": Course(Phone(outcome="rejects")),
        "failed": Course(Phone(outcome="failed")),
        "nobody": Course(Phone(outcome="no-answer"), order={"ring_seconds": 5}),
    }
    played, sessions = play_all(tmp_path, courses)
    reasons = {name: one.record["end_reason"] for name, one in played.items()}
    assert reasons == {"busy": "busy", "declines": "busy", "failed": "failed", "nobody": "no_answer"}
    assert {one.record["duration_seconds"] for one in played.values()} == {None}
    assert sessions == 0


def test_machines_are_hung_up_on_or_left_a_message_after_the_beep(tmp_path: Path) -> None:
    hangs_up = {"voicemail": "hang_up"}
    courses = {
        "hang-up": Course(voicemail(), order=hangs_up),
        "message": Course(voicemail(), order=LEAVES_MESSAGE),
        "message-relay": Course(voicemail(), RELAY, order=LEAVES_MESSAGE),
        "message-gather": Course(voicemail(), GATHER, order=LEAVES_MESSAGE),
        "message-inline": Course(voicemail(), dial="inline", order=LEAVES_MESSAGE),
        "fax": Course(Phone(who="fax", caller=[Wait(60_000)]), order=hangs_up),
        "human": Course(Phone(caller=TALKS), order=LEAVES_MESSAGE),
    }
    played, _ = play_all(tmp_path, courses)
    reasons = {name: one.record["end_reason"] for name, one in played.items()}
    voicemails = dict.fromkeys(
        (name for name in courses if name.startswith(("hang", "message"))), "voicemail"
    )
    assert reasons == {**voicemails, "human": "caller_hangup", "fax": "failed"}
    for name, one in played.items():
        assert (MESSAGE in one.spoken) == name.startswith("message"), name
        found = [use for use in one.record["tools"] if use["name"] == "machine_detection"]
        assert len(found) == 1, name
        (detection,) = found
        assert detection["ms"] > 0
        expected = "machine" if reasons[name] == "voicemail" else name
        assert str(detection["result"]).startswith(expected), name


def test_somebody_who_hangs_up_at_once_has_been_called(tmp_path: Path) -> None:
    courses = {
        "at-once": Course(Phone(caller=(HangUp(),))),
        "soon": Course(Phone(caller=(Wait(700), HangUp()))),
        "in-the-greeting": Course(Phone(caller=(Wait(2500), HangUp()))),
        "through-a-menu": Course(Phone(caller=TALKS), order={"send_digits": "ww1#"}),
    }
    played, _ = play_all(tmp_path, courses)
    for name, one in played.items():
        ends = {"completed": ("caller_hangup", "failed"), "rejected": (None,)}  # before anything came of it
        assert one.record["end_reason"] in ends[one.record["status"]], name
    keys = [event.detail for event in played["through-a-menu"].call.happened(Kind.HEARS_KEYS)]
    assert keys == ["ww1#"]


def test_somebody_we_called_is_transferred_cold_and_warm_in_every_mode(tmp_path: Path) -> None:
    cold, warm = Phone(caller=TO_COLLEAGUE), Phone(caller=(Wait(1500), Press("1"), *TO_COLLEAGUE))
    voices = {"realtime": "", "relay": RELAY, "gather": GATHER}
    courses: dict[str, Course] = {}
    for at, (mode, how) in enumerate((mode, how) for mode in voices for how in ("cold", "warm")):
        to = colleague_of(f"+1415555{2000 + at}")
        transfer = f'transfer: {{number: "{to}", mode: {how}, timeout: 5}}\n'
        colleague = cold if how == "cold" else warm
        asks = Phone(caller=ASKS_FOR_PERSON)
        courses[f"{mode}-{how}"] = Course(asks, voices[mode] + transfer, colleague=colleague)
    played, _ = play_all(tmp_path, courses, script=TRANSFERS)
    for name, one in played.items():
        assert one.record["end_reason"] == "transferred", name
        assert clip("caller-hello").ulaw in one.call.heard, name


@pytest.mark.parametrize(
    ("phone", "code", "said_on_stderr"),
    [
        (Phone(caller=TALKS), 0, ["ringing", "answered", GREETING.text, "completed"]),
        (Phone(outcome="busy"), 1, ["ringing", "busy"]),
    ],
)
def test_tm_call_follows_the_call_and_tells_how_it_ended(
    tmp_path: Path, phone: Phone, code: int, said_on_stderr: Sequence[str]
) -> None:
    async def story(world: World) -> None:
        world.box.network.phones[PERSON] = Phone(
            phone.outcome, ring_ms=1500, caller=phone.caller, who=phone.who
        )
        async with world.serving():
            arguments = ("caller", PERSON, "--var", "place=Harbour Bistro", "--url", world.base)
            done = await world.tm("call", *arguments, "--format", "json")
            refused = await world.tm("call", "caller", PERSON, "--url", world.base)
        assert done.code == code, done.err
        assert done.json()["call_sid"] == person_of(world).sid
        for words in said_on_stderr:
            assert words in done.err
        assert refused.code == 1
        assert "place is needed" in refused.err

    play(tmp_path, story, caller=agent())


def test_ctrl_c_hangs_up_a_call_that_rings_and_shows_its_record(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.box.network.phones[PERSON] = Phone(ring_ms=60_000)
        async with world.serving():
            arguments = ("call", "caller", PERSON, "--var", "place=Bistro", "--url", world.base)
            process = await world.start_tm(*arguments, "--format", "json")

            async def rings() -> bool:
                calls = world.box.network.calls.values()
                return any(call.status == "ringing" for call in calls)

            await until(rings, what="the ringing")
            await asyncio.sleep(1)
            process.send_signal(signal.SIGINT)
            out, err = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 130, err
        assert b'"end_reason": "cancelled"' in out
        assert person_of(world).status == "canceled"

    play(tmp_path, story, caller=agent())


def test_a_trial_account_is_told_which_number_it_may_not_call_before_anything_rings(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            refused = await order(world)
            rows = await world.calls()
        assert refused.status_code == 422
        assert "verify" in refused.json()["error"]["message"]
        assert rows == []
        assert not world.box.network.calls

    seed = Seed(numbers=(NumberSeed(FRONT_DESK),), account_type="Trial")
    play(tmp_path, story, seed=seed, caller=agent())


def test_a_call_that_rings_when_the_runtime_dies_is_answered_by_the_next_one(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.box.network.phones[PERSON] = Phone(ring_ms=8000, caller=TALKS)
        async with world.serving() as process:
            placed = await order(world)
            process.kill()
            await process.wait()
        async with world.serving():
            record = await ended(world, placed.json()["id"])
        assert record["end_reason"] == "caller_hangup"
        assert said(record, "agent")[0] == GREETING.text
        assert len(world.box.network.calls) == 1

    play(tmp_path, story, caller=agent())


def test_a_recorded_call_is_fetched_to_the_declared_folder(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.box.network.phones[PERSON] = Phone(caller=TALKS)
        async with world.serving():
            placed = (await order(world)).json()

            async def fetched() -> list[str] | None:
                record = (await world.get(f"/api/calls/{placed['id']}")).json()
                kept: list[str] = record["recordings"] or []
                return kept if len(kept) == 2 else None

            at_twilio, here = await until(fetched, what="the recording", seconds=CALL_SECONDS)
        assert at_twilio.startswith("https://api.twilio.com/")
        path = Path(here)
        assert path.parent == tmp_path / "agents.d" / "kept"
        with wave.open(here) as recording:
            assert recording.getnchannels() == 2
            assert recording.getnframes() > 8000

    play(tmp_path, story, caller=agent(voice="recording: {download: kept, keep_days: 30}\n"))
