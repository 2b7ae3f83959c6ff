"""What a declaration says about interruption, as a caller hears it through real sockets."""

from __future__ import annotations

from pathlib import Path

from sandbox.network import HangUp, Interrupt, Kind, Listen, Say, Step
from sandbox.speech import clip
from tests.e2e.test_calls import dial, longest_prefix_in, said
from tests.e2e.world import FRONT_DESK_YAML, World, play

MENU = clip("agent-menu")
TOLERATED = 40 * 8  # bytes: 40 ms of µ-law


def talk_over_the_menu(spoken: str) -> tuple[Step, ...]:
    return (Listen(), Say("caller-menu"), Interrupt(spoken, after_ms=1500), Listen(), HangUp())


def agent(voice: str) -> str:
    return f"{FRONT_DESK_YAML}voice: {voice}\n"


def test_an_agent_that_is_never_interrupted_is_heard_to_the_end_and_answers_then(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = await dial(world, *talk_over_the_menu("caller-friday-two"))
            record = await world.record_of(call.sid)
        assert MENU.ulaw in call.heard
        assert not call.happened(Kind.CLEARED)
        assert said(record, "agent")[-2:] == [MENU.text, clip("agent-booked").text]

    play(tmp_path, story, front_desk=agent("{interrupt: never}"))


def test_one_word_makes_a_careful_agent_pause_and_go_on_without_a_gap_in_its_words(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = await dial(world, *talk_over_the_menu("caller-yes"))
            record = await world.record_of(call.sid)
        assert call.happened(Kind.CLEARED)
        menu = next(entry for entry in record["transcript"] if entry["text"] == MENU.text)
        assert not menu["interrupted"]
        before = longest_prefix_in(MENU.ulaw, call.heard)
        assert 0 < before < len(MENU.ulaw)
        assert MENU.ulaw[before + TOLERATED :] in call.heard
        assert world.box.alerts == []

    play(tmp_path, story, front_desk=agent("{interrupt: {min_words: 3, resume: true}}"))


def test_speech_that_lasts_interrupts_and_is_answered(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving():
            call = await dial(world, *talk_over_the_menu("caller-friday-two"))
            record = await world.record_of(call.sid)
        assert call.happened(Kind.CLEARED)
        assert MENU.ulaw not in call.heard
        menu = next(entry for entry in record["transcript"] if entry["interrupted"])
        assert MENU.text.startswith(menu["text"])
        assert said(record, "agent")[-1] == clip("agent-booked").text
        turn = record["latency"]["turns"][-1]
        assert turn["pause_ms"] >= 400
        assert turn["model_ms"] <= turn["frame_ms"] <= turn["heard_ms"]

    play(
        tmp_path,
        story,
        front_desk=agent("{interrupt: {after_ms: 250}, turn_detection: {silence_duration_ms: 400}}"),
    )
