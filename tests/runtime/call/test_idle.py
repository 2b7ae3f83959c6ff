"""A caller who says nothing any more."""

from __future__ import annotations

import pytest

from runtime.call import events as ev
from runtime.call.actions import Action, Respond, RunTool
from runtime.call.ending import Ending
from runtime.call.hearing.idle import GOODBYE, STILL_THERE
from runtime.call.plan import CallPlan
from runtime.call.tools.toolset import Function, Toolset
from tests.runtime.call.talk import SECOND
from tests.runtime.call.world import World

IDLE = 10


def greeted(seconds: float | None = IDLE) -> World:
    """Return a call in which the greeting, of two seconds, has just been heard."""
    world = World(CallPlan(greeting="Good evening.", idle_seconds=seconds))
    world.answer()
    world.say("a", b"a" * 2 * SECOND, "Good evening.")
    world.run(2.0)
    return world


def prompts(actions: list[Action]) -> list[Action]:
    return [action for action in actions if action in (STILL_THERE, GOODBYE)]


def reply(world: World, number: int, seconds: int = 1) -> None:
    """Let the model say what it was asked for, and the caller hear it."""
    world.say(f"i{number}", b"b" * seconds * SECOND, "Are you there?", response=f"i{number}")
    world.run(seconds)


def test_a_silent_caller_is_asked_twice_and_then_told_goodbye() -> None:
    world = greeted()
    assert prompts(world.run(9.9)) == []
    assert prompts(world.run(0.2)) == [STILL_THERE]
    reply(world, 1)
    assert prompts(world.run(9.8)) == []
    assert prompts(world.run(0.3)) == [STILL_THERE]
    reply(world, 2)
    assert prompts(world.run(10.1)) == [GOODBYE]
    reply(world, 3)
    world.run(1.0)
    assert world.ended
    assert world.machine.ending == Ending("completed", end_reason="idle")
    assert world.carrier.heard(world.now).count(b"b") == 3 * SECOND


def test_a_caller_who_answers_is_asked_anew_the_next_time() -> None:
    world = greeted()
    world.run(10.1)
    reply(world, 1)
    world.feed(ev.CallerSpeechStarted("c1", 0), ev.CallerSpeechStopped("c1", 500))
    world.say("b", b"c" * SECOND, response="r2")
    world.run(1.0)
    for number in (2, 3):
        assert prompts(world.run(10.2)) == [STILL_THERE]
        reply(world, number)
    assert prompts(world.run(10.2)) == [GOODBYE]


def test_the_silence_begins_when_the_agent_has_been_heard_to_the_end() -> None:
    world = World(CallPlan(idle_seconds=5))
    world.answer()
    world.say("a", b"a" * 30 * SECOND)  # all of it at once
    assert prompts(world.run(34.9)) == []
    assert prompts(world.run(0.2)) == [STILL_THERE]


@pytest.mark.parametrize(
    "stir",
    [
        ev.KeyPressed("1"),
        ev.CallerWords("c0", "Hello?"),
        ev.CallerSpeechStopped("c1", 500),
    ],
)
def test_any_sign_of_the_caller_begins_the_time_anew(stir: ev.Event) -> None:
    world = greeted()
    world.run(9.0)
    world.feed(stir)
    assert prompts(world.run(4.9)) == []


def test_a_caller_who_speaks_for_long_is_not_asked() -> None:
    world = greeted()
    world.feed(ev.CallerSpeechStarted("c1", 0))
    assert prompts(world.run(18.0)) == []


def test_an_agent_that_is_thinking_does_not_ask() -> None:
    world = greeted()
    world.feed(ev.CallerSpeechStarted("c1", 0), ev.CallerSpeechStopped("c1", 500))
    world.feed(ev.ResponseStarted("r2"))
    assert prompts(world.run(7.0)) == []


def test_a_tool_that_is_running_is_no_silence() -> None:
    slow = Function("find", "Finds it.", {"type": "object", "properties": {}}, seconds=30.0)
    world = World(CallPlan(idle_seconds=5, tools=Toolset.of(slow)))
    world.answer()
    world.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "call", "find", "{}"))
    world.feed(ev.ResponseEnded("r1", "completed"))
    assert world.actions(RunTool)
    assert prompts(world.run(20.0)) == []


def test_without_idle_seconds_a_caller_may_be_silent() -> None:
    assert prompts(greeted(None).run(500.0)) == []


def test_a_caller_who_hangs_up_during_the_goodbye_was_idle_all_the_same() -> None:
    world = greeted()
    for number in (1, 2):
        world.run(10.2)
        reply(world, number)
    world.run(10.2)
    world.feed(ev.StreamStopped())
    assert world.machine.ending == Ending("completed", end_reason="idle")


def test_the_prompts_are_for_the_model_to_say_in_its_own_words() -> None:
    for prompt in (STILL_THERE, GOODBYE):
        assert isinstance(prompt, Respond)
        assert prompt.guidance is not None
        assert "language of this conversation" in prompt.guidance
