"""Tools within whole calls: sound, keys, silence, a lost model, and the wait for prep."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from runtime.call import events as ev
from runtime.call.actions import (
    AnswerTool,
    ConfigureModel,
    DeleteItem,
    EndStream,
    PlayAudio,
    Respond,
    RunTool,
    TellModel,
    TruncateItem,
)
from runtime.call.ending import Ending
from runtime.call.plan import CallPlan
from runtime.call.tools.built_in import HANG_UP_FUNCTION, OPTIONAL
from runtime.call.tools.tones import tones
from runtime.call.tools.toolset import Function, Toolset
from tests.runtime.call.world import STREAM, World, payload, spoken

FIND = Function("find", "Finds.", {}, seconds=10.0, filler="One moment.")
TOOLS = Toolset.of(HANG_UP_FUNCTION, *OPTIONAL.values(), FIND)
SECOND = 8000


def answered(**plan: Any) -> World:
    """A call in which the greeting has been asked for, said and heard."""
    world = World(CallPlan(tools=TOOLS, **plan))
    world.answer()
    world.say("g", b"g" * SECOND, "Hello.", response="r0")
    world.run(2.0)
    return world


def ask(world: World, name: str, arguments: str = "{}") -> list[Any]:
    """Let the model ask for one tool in a response of its own."""
    return world.feed(
        ev.ResponseStarted("r1"),
        ev.ToolRequested("r1", "c1", name, arguments),
        ev.ResponseEnded("r1", "completed"),
    )


def answer(call_id: str = "c1", output: str = '"table 4"') -> ev.ToolAnswered:
    return ev.ToolAnswered(call_id, output, None, 900)


def test_a_tool_is_run_and_its_answer_spoken_of() -> None:
    world = answered()
    assert ask(world, "find", '{"day": 1}') == [RunTool("c1", "find", {"day": 1})]
    assert world.feed(answer()) == [AnswerTool("c1", '"table 4"'), Respond()]
    (line,) = [entry for entry in world.machine.transcript if entry.role == "tool"]
    assert line.text == 'find {"day":1}: "table 4"'
    assert world.machine.facts.tools[0].ms == 900


def test_the_filler_comes_a_second_and_a_half_after_the_last_word_and_not_before() -> None:
    world = answered()
    world.say("p", b"p" * SECOND, "Let me see.", response="r1", end=False)
    world.feed(ev.ToolRequested("r1", "c1", "find", "{}"), ev.ModelAudioDone("p"))
    world.feed(ev.ResponseEnded("r1", "completed"))
    assert not [action for action in world.run(2.3) if isinstance(action, Respond)]
    assert [action for action in world.run(0.4) if isinstance(action, Respond)] == [
        Respond(say="One moment.")
    ]
    assert not [action for action in world.run(4.0) if action == Respond(say="One moment.")]


def test_a_caller_who_speaks_while_a_tool_runs_is_heard_and_gets_no_filler() -> None:
    world = answered()
    ask(world, "find")
    world.feed(ev.CallerSpeechStarted("u1", 3000))
    world.feed(ev.CallerSpeechStopped("u1", 4000), ev.ResponseStarted("r2"))
    assert not [action for action in world.run(2.0) if isinstance(action, Respond)]
    assert world.feed(answer()) == [AnswerTool("c1", '"table 4"')]
    assert world.feed(ev.ResponseEnded("r2", "completed")) == [Respond()]


def test_a_tool_that_runs_when_the_model_is_lost_is_told_to_the_next_session() -> None:
    world = answered()
    ask(world, "find")
    world.feed(ev.ModelLost("1006"))
    assert world.feed(answer()) == []
    world.run(0.5)
    told = world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    assert not [action for action in told if isinstance(action, AnswerTool)]
    (words,) = [action for action in told if isinstance(action, TellModel)]
    assert "table 4" in words.text


def test_keys_sound_exactly_and_the_model_is_told_once_they_were_heard() -> None:
    world = answered()
    actions = [*ask(world, "send_digits", '{"digits": "12w#"}'), *world.run(3.0)]
    assert spoken(actions) == tones("12w#")
    told = next(at for at, action in world.done if isinstance(action, AnswerTool))
    last = max(at for at, action in world.done if isinstance(action, PlayAudio))
    assert told > last
    assert AnswerTool("c1", '{"sent":"12w#"}') in actions
    assert world.machine.transcript[-2].text == "[keys: 12w#]"


def test_a_voice_cuts_keys_off_and_the_model_is_asked_for_no_item_that_it_does_not_know() -> None:
    world = answered()
    ask(world, "send_digits", '{"digits": "123456"}')
    world.run(0.5)
    actions = world.feed(ev.CallerSpeechStarted("u1", 2500))
    assert not [action for action in actions if isinstance(action, TruncateItem | DeleteItem)]
    (told,) = [action for action in actions if isinstance(action, AnswerTool)]
    assert "cut off" in told.output


def test_digits_that_a_tool_waits_for_do_not_reach_the_model_as_keys() -> None:
    world = answered()
    assert ask(world, "collect_digits", '{"prompt": "Your number?", "max_digits": 3}') == [
        Respond(say="Your number?")
    ]
    world.say("q", b"q" * SECOND, "Your number?", response="r2")
    world.run(1.5)
    assert world.feed(ev.KeyPressed("4"), ev.KeyPressed("2")) == []
    assert world.feed(ev.KeyPressed("7")) == [
        AnswerTool("c1", '{"digits":"427","ended_by":"max_digits"}'),
        Respond(),
    ]
    assert not [action for action in world.run(3.0) if isinstance(action, TellModel)]


@pytest.mark.parametrize(
    ("keys", "result"),
    [("42#", '{"digits":"42","ended_by":"finish_key"}'), ("4", '{"digits":"4","ended_by":"timeout"}')],
)
def test_digits_end_with_the_finish_key_or_a_pause(keys: str, result: str) -> None:
    world = answered()
    ask(world, "collect_digits", '{"timeout_s": 5}')
    for key in keys:
        world.feed(ev.KeyPressed(key))
    world.run(5.5)
    assert AnswerTool("c1", result) in [action for _, action in world.done]


def test_a_caller_who_types_nothing_is_waited_for_from_the_end_of_the_prompt() -> None:
    world = answered()
    ask(world, "collect_digits", '{"prompt": "Your number?", "timeout_s": 5}')
    world.say("q", b"q" * 3 * SECOND, "Your number?", response="r2")
    world.run(7.5)
    assert not world.actions(AnswerTool)
    world.run(1.0)
    assert world.actions(AnswerTool) == [AnswerTool("c1", '{"digits":"","ended_by":"timeout"}')]


def test_a_caller_who_has_heard_everything_before_is_waited_for_from_the_request() -> None:
    world = answered()
    world.say("q", b"q" * SECOND, "Type your number.", response="r2")
    world.run(3.0)
    ask(world, "collect_digits", '{"timeout_s": 5}')
    assert AnswerTool("c1", '{"digits":"","ended_by":"timeout"}') not in world.run(4.9)
    assert AnswerTool("c1", '{"digits":"","ended_by":"timeout"}') in world.run(0.2)


def test_words_that_follow_the_request_are_heard_before_the_pause_counts() -> None:
    world = answered()
    world.run(3.0)
    world.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "collect_digits", '{"timeout_s": 5}'))
    world.feed(ev.ModelAudio("r1", "q", payload(b"q" * 3 * SECOND)), ev.ModelAudioDone("q"))
    world.feed(ev.ResponseEnded("r1", "completed"))
    assert not [each for each in world.run(7.9) if isinstance(each, AnswerTool)]
    assert [each for each in world.run(1.0) if isinstance(each, AnswerTool)]


def test_a_message_is_kept_in_the_record() -> None:
    world = answered()
    assert AnswerTool("c1", '{"taken": true}') in ask(world, "take_message", '{"message": "Call me."}')
    (use,) = world.machine.facts.tools
    assert (use.arguments, use.result) == ({"message": "Call me."}, {"taken": True})


def test_a_goodbye_waits_for_a_tool_that_runs_but_not_for_ever() -> None:
    world = answered()
    world.feed(
        ev.ResponseStarted("r1"),
        ev.ToolRequested("r1", "c1", "find", "{}"),
        ev.ToolRequested("r1", "c2", "hang_up", "{}"),
        ev.ResponseEnded("r1", "completed"),
    )
    world.run(3.0)
    assert not world.ended
    assert EndStream(None) in world.feed(answer())
    assert [(use.name, use.result) for use in world.machine.facts.tools] == [
        ("find", "table 4"),
        ("hang_up", None),
    ]
    assert world.feed(answer()) == []


# --- prep


def prepared(prep: Literal["wanted", "required"]) -> World:
    world = World(CallPlan(prep=prep, fallback_message="Sorry."))
    assert world.feed(ev.ModelConnected()) == []
    return world


def test_the_model_is_configured_only_with_what_is_known_about_the_caller() -> None:
    world = prepared("required")
    assert world.run(8.0) == []
    assert world.feed(ev.Prepared({"name": "Ada"}, complete=True)) == [ConfigureModel()]
    assert world.machine.facts.caller_profile == {"name": "Ada"}


def test_an_agent_that_only_wants_prep_speaks_without_it() -> None:
    world = prepared("wanted")
    assert world.feed(ev.Prepared(None, complete=False)) == [ConfigureModel()]


def test_an_agent_that_only_wants_prep_does_not_let_the_caller_wait_for_it_longer_than_for_a_model() -> None:
    world = World(CallPlan(prep="wanted", model_timeout=4.0))
    world.feed(ev.ModelConnected(), ev.StreamStarted(STREAM, "CA1"))
    assert ConfigureModel() not in world.run(3.9)
    assert ConfigureModel() in world.run(0.2)
    world.run(0.5)
    assert Respond() in world.feed(ev.ModelConfigured(True))
    world.feed(ev.Prepared({"name": "Ada"}, complete=True))
    assert world.machine.facts.caller_profile == {"name": "Ada"}
    assert not world.machine.facts.model_failure


def test_a_model_that_does_not_get_ready_without_prep_either_is_given_up() -> None:
    world = World(CallPlan(prep="wanted", model_timeout=4.0, fallback_message="Sorry."))
    world.feed(ev.ModelConnected(), ev.StreamStarted(STREAM, "CA1"))
    assert EndStream("Sorry.") in world.run(15.0)


def test_an_agent_that_requires_prep_does_not_speak_without_it() -> None:
    world = prepared("required")
    world.feed(ev.StreamStarted(STREAM, "CA1"))
    world.feed(ev.Prepared({"crm": 1}, complete=False))
    world.run(9.0)
    assert EndStream("Sorry.") in [action for _, action in world.done]
    assert not world.actions(ConfigureModel)
    assert world.machine.ending == Ending("rejected", reject_reason="prep_timeout")
