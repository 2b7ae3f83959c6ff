"""Calls through real sockets: what a caller hears, and what is left when the line is quiet again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sandbox import NumberSeed
from sandbox.network import HangUp, Interrupt, Kind, Listen, PhoneCall, Say, Step, StreamFaults, Wait
from sandbox.speech import clip
from tests.e2e.world import CALLER, FRONT_DESK, FRONT_DESK_YAML, World, play

STAFF_LINE = "+14155550130"
GREETING = clip("agent-greeting-bistro")
CALL_SECONDS = 45

ONE_QUESTION: tuple[Step, ...] = (Listen(), Say("caller-opening-hours"), Listen(), HangUp())


async def dial(world: World, *steps: Step, to: str = FRONT_DESK, from_: str = CALLER) -> PhoneCall:
    """Let a phone call, and wait until the call is over."""
    call = world.box.network.dial(from_=from_, to=to, caller=steps)
    await call.ended(CALL_SECONDS)
    return call


def said(record: dict[str, object], role: str) -> list[str]:
    """What one side said, in order."""
    transcript = record["transcript"]
    assert isinstance(transcript, list)
    return [entry["text"] for entry in transcript if entry["role"] == role]


def channels(wav: bytes) -> tuple[bytes, bytes]:
    """The left and the right samples of a stereo µ-law WAV."""
    samples = wav[wav.index(b"data") + 8 :]
    return samples[0::2], samples[1::2]


def test_a_caller_asks_and_is_answered_and_every_byte_arrives_as_it_was_sent(
    tmp_path: Path,
) -> None:
    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        async with world.serving():
            call = await dial(world, *ONE_QUESTION)
            record = await world.record_of(call.sid)

        assert call.status == "completed"
        assert said(record, "agent") == [GREETING.text, clip("agent-hours").text]
        assert said(record, "caller") == [clip("caller-opening-hours").text]
        assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
        assert record["caller"]["number"] == CALLER
        # No transcoding: the caller's ear and the recording have each side's own bytes.
        assert GREETING.ulaw in call.heard
        assert clip("agent-hours").ulaw in call.heard
        left, right = channels(call.recording_wav())
        assert clip("caller-opening-hours").ulaw in left
        assert GREETING.ulaw in right
        assert world.box.alerts == []

    play(tmp_path, story)


def test_an_agent_that_is_interrupted_falls_silent_and_the_record_ends_where_the_caller_stopped_hearing(
    tmp_path: Path,
) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
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

        menu = next(entry for entry in record["transcript"] if entry["interrupted"])
        assert clip("agent-menu").text.startswith(menu["text"].rstrip(" …"))
        assert 2000 < menu["heard_ms"] < 4000
        assert clip("agent-booked").ulaw in call.heard
        assert clip("agent-menu").ulaw not in call.heard
        heard_of_menu = longest_prefix_in(clip("agent-menu").ulaw, call.heard)
        assert abs(heard_of_menu / 8 - menu["heard_ms"]) < 150  # ms; loopback, but a busy machine
        assert call.happened(Kind.CLEARED)
        assert said(record, "agent")[-1] == clip("agent-booked").text

    play(tmp_path, story)


def longest_prefix_in(audio: bytes, heard: bytes) -> int:
    """How many bytes of `audio`, from its start, stand in what was heard."""
    start = heard.index(audio[:800])
    count = 0
    while start + count < len(heard) and count < len(audio) and heard[start + count] == audio[count]:
        count += 1
    return count


STAFF_YAML = f"""\
kind: Agent
name: staff-line
numbers: {STAFF_LINE}
greeting: Staff line. What do you need?
instructions: You answer the staff line.
allow_callers: team
max_concurrent_calls: 1
---
kind: Whitelist
name: team
callers: [{CALLER}, +49305550*]
"""


def test_a_caller_who_is_not_on_the_list_hears_the_busy_tone_and_costs_nothing(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            stranger = await dial(world, Listen(), to=STAFF_LINE, from_="+14155550111")
            record = await world.record_of(stranger.sid)
            assert stranger.status == "busy"
            assert (record["status"], record["reject_reason"]) == ("rejected", "not_allowed")
            assert not world.box.model.sessions

            colleague = await dial(world, Listen(at_most_s=5), HangUp(), to=STAFF_LINE, from_="+4930555042")
            assert colleague.status == "completed"
            assert clip("agent-staff-line").ulaw in colleague.heard

    play(tmp_path, story, numbers=(NumberSeed(STAFF_LINE),), staff=STAFF_YAML)


def test_one_call_too_many_hears_the_busy_tone_and_the_first_one_goes_on(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            first = world.box.network.dial(
                from_=CALLER, to=STAFF_LINE, caller=(Listen(), Wait(1500), HangUp())
            )
            await asyncio.sleep(1)
            second = await dial(world, Listen(), to=STAFF_LINE)
            assert second.status == "busy"
            assert (await world.record_of(second.sid))["reject_reason"] == "concurrent_limit"
            assert await first.ended(CALL_SECONDS) == "completed"
            third = await dial(world, Listen(at_most_s=5), to=STAFF_LINE)
            assert third.status == "completed"

    play(tmp_path, story, numbers=(NumberSeed(STAFF_LINE),), staff=STAFF_YAML)


def test_a_call_that_reaches_its_limit_ends_with_the_fallback_message(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = await dial(world, Wait(30_000))
            record = await world.record_of(call.sid)
        assert record["end_reason"] == "max_duration"
        assert 10 <= record["duration_seconds"] < 20
        assert call.status == "completed"

    limited = FRONT_DESK_YAML + "max_call_seconds: 10\nfallback_message: Time is up.\n"
    play(tmp_path, story, front_desk=limited)


def test_a_model_that_refuses_the_key_leaves_the_caller_with_the_fallback_message(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving(environment={"OPENAI_API_KEY": "sk-wrong"}):
            call = await dial(world, Listen(at_most_s=10))
            record = await world.record_of(call.sid)
        assert (record["status"], record["reject_reason"]) == ("rejected", "model_unavailable")
        assert call.status == "completed"
        assert "sk-wrong" not in world.server_log()

    play(tmp_path, story)


def test_a_broken_frame_from_the_phone_side_does_not_end_the_call(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = world.box.network.dial(
                from_=CALLER, to=FRONT_DESK, caller=ONE_QUESTION, faults=StreamFaults(malformed_after_ms=500)
            )
            assert await call.ended(CALL_SECONDS) == "completed"
            record = await world.record_of(call.sid)
        assert said(record, "agent")[-1] == clip("agent-hours").text
        assert record["end_reason"] == "caller_hangup"

    play(tmp_path, story)


def test_a_media_socket_that_breaks_ends_in_one_record_that_says_so(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = world.box.network.dial(
                from_=CALLER, to=FRONT_DESK, caller=(Wait(20_000),), faults=StreamFaults(drop_after_ms=1500)
            )
            await call.ended(CALL_SECONDS)
            record = await world.record_of(call.sid)
        assert record["end_reason"] == "media_error"

    play(tmp_path, story)


def test_after_a_kill_no_record_says_that_the_call_still_lasts(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving() as server:
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=(Wait(20_000),))
            await asyncio.sleep(2)
            server.kill()
            await server.wait()
        await call.ended(CALL_SECONDS)
        async with world.serving():
            record = await world.record_of(call.sid, 20)  # its caller might have come back
        assert record["status"] == "completed"
        assert record["end_reason"] == "media_error"

    play(tmp_path, story)


def test_a_stop_lets_the_call_in_hand_finish_and_sends_new_ones_to_the_fallback(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving() as server:
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=ONE_QUESTION)
            await asyncio.sleep(1)
            server.terminate()
            await asyncio.sleep(0.3)
            late = world.box.network.dial(from_="+14155550191", to=FRONT_DESK, caller=(Listen(at_most_s=5),))
            await late.ended(CALL_SECONDS)
            assert not late.happened(Kind.STREAM_OPENED)
            assert await call.ended(CALL_SECONDS) == "completed"
            assert clip("agent-hours").ulaw in call.heard
            assert await asyncio.wait_for(server.wait(), 10) == 0

    play(tmp_path, story)
