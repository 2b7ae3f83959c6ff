"""The agent hands the caller on: last words first, then away, then the person's or back with the agent."""

from __future__ import annotations

import json

import pytest

from runtime.call import events as ev
from runtime.call.actions import (
    AnswerTool,
    BeginTransfer,
    CloseModel,
    ConnectModel,
    DropStream,
    Finished,
    HearCaller,
    Respond,
    TellModel,
)
from runtime.call.ending import Ending
from runtime.call.plan import CallPlan
from runtime.call.time_limit import WARNING
from runtime.call.tools.built_in import HANG_UP_FUNCTION, transfer_function
from runtime.call.tools.tool_desk import MOST_TRANSFERS
from runtime.call.tools.toolset import Toolset
from tests.runtime.call.world import World

SECOND = bytes(range(200)) * 40
TOOLS = Toolset.of(HANG_UP_FUNCTION, transfer_function([("kitchen", None), ("office", "bills")]))
ARGUMENTS = '{"destination": "kitchen", "summary": "A table for two."}'
ORDER = BeginTransfer("kitchen", "A table for two.")


def talking(*, max_call_seconds: float = 600) -> World:
    """A call in which the agent has greeted, and was heard."""
    world = World(CallPlan(greeting="Good evening.", tools=TOOLS, max_call_seconds=max_call_seconds))
    world.answer()
    world.say("item_1", SECOND, "Good evening.")
    world.run(3.0)
    return world


def ask(world: World, *, seconds: int = 2, response: str = "r2", call_id: str = "call_1") -> World:
    """Let the agent say that it puts the caller through, and ask for it in the same response."""
    world.say(f"item_{response}", SECOND * seconds, "One moment.", response=response, end=False)
    world.feed(
        ev.ToolRequested(response, call_id, "transfer", ARGUMENTS),
        ev.ResponseEnded(response, "completed"),
    )
    return world


def away() -> World:
    world = ask(talking())
    world.run(3.0)
    assert ORDER in [action for _, action in world.done]
    return world


def test_what_the_agent_says_is_heard_to_its_end_before_the_caller_leaves() -> None:
    world = ask(talking(), seconds=3)

    assert ORDER not in world.run(2.5)
    assert world.run(1.0)[-2:] == [DropStream(), ORDER]
    last = world.machine.transcript[-1]
    assert (last.text, last.interrupted) == ("One moment.", False)
    assert last.heard_ms == pytest.approx(3000, abs=40)


def test_the_caller_cannot_talk_the_agent_out_of_it() -> None:
    world = ask(talking())

    assert world.feed(ev.CallerAudio("AAAA"), ev.CallerSpeechStarted("item_9", 0)) == []
    assert ORDER in world.run(3.0)


def test_a_caller_who_is_with_the_person_was_transferred() -> None:
    world = away()

    assert world.feed(ev.TransferEnded(None)) == [CloseModel(), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="transferred")
    (use,) = world.machine.facts.tools
    assert (use.name, use.result) == ("transfer", {"transferred": True})
    assert use.ms == pytest.approx(3000, abs=100)


def test_a_caller_who_comes_back_is_told_why_by_an_agent_who_knows() -> None:
    world = away()

    told = world.feed(ev.TransferEnded("busy"))

    (answer,) = [action for action in told if isinstance(action, AnswerTool)]
    assert "the line is busy" in json.loads(answer.output)["error"]
    assert told[-1] == Respond()
    assert world.machine.awaits_stream
    world.feed(ev.StreamStarted("MZ2", "CA1"))
    assert world.feed(ev.CallerAudio("AAAA")) == [HearCaller("AAAA")]
    assert world.machine.ending is None


def test_a_caller_who_does_not_come_back_is_given_up() -> None:
    world = away()
    world.feed(ev.TransferEnded("refused"))

    assert Finished() in world.run(16)
    assert world.machine.ending == Ending("completed", end_reason="media_error")


def test_a_caller_who_hangs_up_meanwhile_has_hung_up() -> None:
    world = away()

    assert world.feed(ev.StatusReported("completed")) == [CloseModel(), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="caller_hangup")


def test_an_end_of_the_transfer_that_comes_late_changes_nothing() -> None:
    world = away()
    world.feed(ev.TransferEnded("busy"))

    assert world.feed(ev.TransferEnded(None)) == []
    world.feed(ev.StreamStarted("MZ2", "CA1"))
    assert world.feed(ev.TransferEnded("no_answer")) == []
    assert world.machine.ending is None


def test_nobody_pays_for_a_model_that_waits_and_another_is_told_what_came_of_it() -> None:
    world = away()
    assert CloseModel() in world.run(31)

    assert ConnectModel() in world.feed(ev.TransferEnded("no_answer"))
    told = world.feed(ev.ModelConnected(), ev.ModelConfigured(True))

    (news,) = [action for action in told if isinstance(action, TellModel)]
    assert "nobody answered" in news.text
    assert Respond() in told
    assert world.machine.ending is None


def test_the_time_with_nobody_of_ours_does_not_count() -> None:
    world = ask(talking(max_call_seconds=100))
    world.run(3.0)
    world.run(200)
    assert world.machine.ending is None

    world.feed(ev.TransferEnded("no_answer"))
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True), ev.StreamStarted("MZ2", "CA1"))
    world.feed(ev.ResponseStarted("r3"), ev.ResponseEnded("r3", "completed"))
    assert Respond(guidance=WARNING) not in world.run(55)
    assert Respond(guidance=WARNING) in world.run(15)


def test_a_stream_that_breaks_under_the_last_words_does_not_undo_the_transfer() -> None:
    world = ask(talking(), seconds=5)

    assert world.feed(ev.StreamBroken("1006"))[-1] == ORDER


def test_a_model_that_is_lost_under_the_last_words_does_not_undo_the_transfer() -> None:
    world = ask(talking(), seconds=3)
    world.feed(ev.ModelLost("1006"))

    assert ORDER in world.run(4.0)
    assert ConnectModel() in world.feed(ev.TransferEnded("busy"))


def test_a_caller_who_comes_back_to_no_model_hears_the_fallback_message() -> None:
    world = away()
    world.feed(ev.ModelUnavailable("401"))
    assert world.machine.ending is None

    world.feed(ev.TransferEnded("busy"))
    world.feed(ev.StreamStarted("MZ2", "CA1"))
    assert world.machine.ending == Ending("completed", end_reason="model_error")


def test_the_agent_may_not_try_for_ever() -> None:
    world = talking()
    for turn in range(MOST_TRANSFERS):
        ask(world, response=f"r{turn + 2}", call_id=f"call_{turn}").run(3.0)
        world.feed(ev.TransferEnded("busy"), ev.StreamStarted(f"MZ{turn}", "CA1"))
        world.feed(ev.ResponseStarted(f"again_{turn}"), ev.ResponseEnded(f"again_{turn}", "completed"))

    before = len(world.done)
    ask(world, response="last", call_id="call_last").run(3.0)
    actions = [action for _, action in world.done[before:]]
    assert ORDER not in actions
    assert any(isinstance(action, AnswerTool) and "often enough" in action.output for action in actions)
