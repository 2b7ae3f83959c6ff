"""Lines that break under real calls: the caller comes back, to the same node or to another one."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.network import HangUp, Kind, Listen, PhoneCall, Say, Step, StreamFaults, Wait
from sandbox.network.media_files import spoken_words
from sandbox.speech import clip
from tests.e2e.test_calls import CALL_SECONDS, GREETING, ONE_QUESTION, said
from tests.e2e.test_model_faults import sockets_closed
from tests.e2e.world import CALLER, FRONT_DESK, FRONT_DESK_YAML, World, play, until

ANSWER = clip("agent-hours")
SORRY = "Please call again later."
MOST_RETURNS = 3
# A caller who asks again after the line has been interrupted, for whatever the agent says then.
ASKS_LATER: tuple[Step, ...] = (Wait(4_000), Listen(), Say("caller-opening-hours"), Listen(), HangUp())

# How a stream can break without the caller hanging up; each is of the call's first stream only.
BROKEN: Mapping[str, StreamFaults] = {
    "the connection is torn": StreamFaults(drop_after_ms=1500, streams=1),
    "it is closed without a stop": StreamFaults(close_after_ms=1500, streams=1),
}


def dial(world: World, *steps: Step, faults: StreamFaults | None = None) -> PhoneCall:
    return world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=steps, faults=faults)


@pytest.mark.parametrize("how", BROKEN)
def test_a_caller_whose_line_broke_goes_on_with_the_same_agent(tmp_path: Path, how: str) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = dial(world, *ASKS_LATER, faults=BROKEN[how])
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
            await sockets_closed(world)
        assert ANSWER.ulaw in call.heard
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        assert clip("caller-opening-hours").text in said(record, "caller")
        assert said(record, "agent")[-1] == ANSWER.text
        assert len(world.box.model.sessions) == 1

    play(tmp_path, story)


def test_a_caller_whose_stream_went_dead_without_closing_is_fetched_within_seconds(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            faults = StreamFaults(freeze_after_ms=1500, streams=1)
            call = dial(world, Wait(9_000), *ASKS_LATER[1:], faults=faults)
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
            await sockets_closed(world)
        first, second = call.happened(Kind.STREAM_OPENED)
        assert second.at_ms - first.at_ms < 10_000
        assert ANSWER.ulaw in call.heard
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        assert len(world.box.model.sessions) == 1

    play(tmp_path, story)


def test_a_line_that_never_holds_ends_in_one_record_and_a_word_to_the_caller(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = dial(world, Wait(30_000), faults=StreamFaults(drop_after_ms=700))
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
            await sockets_closed(world)
        assert (record["status"], record["end_reason"]) == ("completed", "media_error")
        assert len(call.happened(Kind.STREAM_OPENED)) == 1 + MOST_RETURNS
        assert spoken_words(SORRY) in call.heard

    play(tmp_path, story, front_desk=FRONT_DESK_YAML + f"fallback_message: {SORRY}\n")


def test_after_a_kill_the_call_goes_on_at_another_node_that_knows_what_was_said(
    tmp_path: Path, database: str
) -> None:
    async def story(world: World) -> None:
        other = World(world.box, world.folder, database)
        service = (world.folder / "agents.d" / "service.yaml").read_text()
        world.declare(service=service + f"fallback_url: {other.base}/voice/front-desk/fallback\n")
        done = await world.tm("apply", "--yes")
        assert done.code == 0, done.err
        nodes = {
            each.base: {"TM_PUBLIC_URL": world.base, "TM_NODE_URL": each.base} for each in (world, other)
        }
        async with world.serving(nodes[world.base]) as first, other.serving(nodes[other.base]):
            call = dial(world, *ONE_QUESTION[:3], Wait(3_000), *ASKS_LATER)
            await until(lambda: heard(call, ANSWER.ulaw), what="the first answer", seconds=30)
            await asyncio.sleep(2.5)  # the checkpoint after it
            first.kill()
            await first.wait()
            await call.ended(CALL_SECONDS)
            record = await other.record_of(call.sid)
        assert record["end_reason"] == "caller_hangup"
        assert said(record, "agent")[:2] == [GREETING.text, ANSWER.text]
        assert said(record, "caller") == [clip("caller-opening-hours").text] * 2
        assert len(said(record, "agent")) > 3
        assert call.heard.count(ANSWER.ulaw) >= 2
        assert len(world.box.model.sessions) == 2

    play(tmp_path, story, database=database)


async def heard(call: PhoneCall, sound: bytes) -> bool:
    return sound in call.heard


def test_twilio_records_a_call_and_what_it_tells_of_it_is_in_the_record(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = dial(world, *ONE_QUESTION)
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)

            async def reported() -> bool:
                found = (await world.get(f"/api/calls/{record['id']}")).json()["recordings"]
                return bool(found) and "/Recordings/RE" in found[0]

            await until(reported, what="the recording's report")

    play(tmp_path, story, front_desk=FRONT_DESK_YAML + "recording: true\n")


def test_a_call_is_recorded_here_with_both_sides(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = dial(world, *ONE_QUESTION)
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
        (path,) = record["recordings"]
        with wave.open(path) as recording:
            assert (recording.getnchannels(), recording.getframerate()) == (2, 8000)
            seconds = recording.getnframes() / 8000
            frames = recording.readframes(recording.getnframes())
        assert seconds == pytest.approx(record["duration_seconds"], abs=1.5)
        assert any(frames[0::4])
        assert any(frames[2::4])

    play(tmp_path, story, front_desk=FRONT_DESK_YAML + "recording: {by: local}\n")


def test_twilio_is_told_of_a_limit_of_its_own(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            await dial(world, *ONE_QUESTION).ended(CALL_SECONDS)
        told = [one.params["TimeLimit"] for one in world.box.account.requests if "TimeLimit" in one.params]
        assert told == [("630",)]

    play(tmp_path, story)
