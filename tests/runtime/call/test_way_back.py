"""A stream that breaks without a stop: the caller comes back to the same call, a bounded number of times."""

from __future__ import annotations

import pytest

from runtime.call import events as ev
from runtime.call.actions import (
    CancelResponse,
    CloseModel,
    ConfigureModel,
    DropStream,
    EndStream,
    Finished,
    HearCaller,
    PlayAudio,
    Recall,
    Respond,
    TruncateItem,
)
from runtime.call.ending import Ending
from runtime.call.plan import CallPlan
from runtime.call.stream_link import BACK, MOST_RETURNS, RETURN_SECONDS
from runtime.call_record import TranscriptEntry
from tests.runtime.call.world import World, spoken

SECOND = bytes(range(200)) * 40
HISTORY = (
    TranscriptEntry("agent", "Good evening.", 0, 900, False, "item_1"),
    TranscriptEntry("caller", "A table for two, please.", 1200, item_id="item_2"),
)


def talking() -> World:
    """A call in which the agent has greeted, was heard, and begins a second, longer utterance."""
    world = World(CallPlan(greeting="Good evening."))
    world.answer()
    world.say("item_1", SECOND, "Good evening.")
    world.run(3.0)
    world.say("item_2", SECOND * 4, "We have a table for two at eight.", response="r2", end=False)
    world.run(1.0)
    return world


def test_a_caller_who_is_back_goes_on_with_the_same_call_and_the_same_model() -> None:
    world = talking()
    broken = world.feed(ev.StreamBroken("1006"))
    assert DropStream() in broken
    assert CloseModel() not in broken
    awaited = world.machine.awaits_stream
    world.run(2.0)
    world.feed(ev.StreamStarted("MZ2", "CA1"))
    assert (awaited, world.machine.awaits_stream) == (True, False)
    assert world.machine.ending is None
    assert world.feed(ev.CallerAudio("AAAA")) == [HearCaller("AAAA")]


def test_what_the_caller_did_not_hear_is_cut_and_the_agent_goes_on_from_there() -> None:
    world = talking()
    actions = world.feed(ev.StreamBroken("1006"))
    (cut,) = [action for action in actions if isinstance(action, TruncateItem)]
    assert cut.item_id == "item_2"
    assert cut.heard_ms == pytest.approx(1000, abs=100)
    assert CancelResponse("r2") in actions
    assert world.machine.transcript[-1].interrupted
    after = world.feed(ev.ResponseEnded("r2", "cancelled"))
    assert after == [BACK]


def test_what_the_agent_says_meanwhile_is_heard_at_once_on_the_callers_return() -> None:
    world = talking()
    world.feed(ev.StreamBroken("1006"), ev.ResponseEnded("r2", "cancelled"))
    assert not spoken(world.say("item_3", SECOND, "The line was interrupted.", response="r3"))
    world.run(1.0)
    assert spoken(world.feed(ev.StreamStarted("MZ2", "CA1")))
    world.run(3.0)
    assert world.machine.transcript[-1].text == "The line was interrupted."


def test_a_greeting_that_waited_for_the_stream_is_not_lost_with_one_that_did_not_come_about() -> None:
    world = World(CallPlan(greeting="Good evening."))
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    world.say("item_1", SECOND, "Good evening.")
    assert world.feed(ev.StreamBroken("Twilio reports the end of the stream")) == [DropStream()]
    assert spoken(world.feed(ev.StreamStarted("MZ2", "CA1")))
    world.run(3.0)
    assert [entry.text for entry in world.machine.transcript] == ["Good evening."]


def test_a_caller_comes_back_a_bounded_number_of_times() -> None:
    world = talking()
    for number in range(MOST_RETURNS):
        assert DropStream() in world.feed(ev.StreamBroken("1006"))
        world.feed(ev.StreamStarted(f"MZ{number}", "CA1"))
    assert world.machine.returns == MOST_RETURNS
    assert Finished() in world.feed(ev.StreamBroken("1006"))
    assert world.machine.ending == Ending("completed", end_reason="media_error")


def test_a_caller_who_does_not_come_back_ends_the_call_as_a_media_error() -> None:
    world = talking()
    world.feed(ev.StreamBroken("1006"), ev.ResponseEnded("r2", "cancelled"))
    world.say("item_3", SECOND, response="r3")
    world.run(RETURN_SECONDS - 1)
    assert world.machine.ending is None
    world.run(2)
    assert world.machine.ending == Ending("completed", end_reason="media_error")


def test_a_caller_who_hung_up_instead_is_one_who_hung_up() -> None:
    world = talking()
    world.feed(ev.StreamBroken("1006"), ev.StatusReported("completed"))
    assert world.machine.ending == Ending("completed", end_reason="caller_hangup")


@pytest.mark.parametrize("event", [ev.HangUpRequested(), ev.DrainExpired()])
def test_a_call_that_is_ended_while_its_caller_is_away_needs_no_stream(event: ev.Event) -> None:
    world = talking()
    world.feed(ev.StreamBroken("1006"))
    actions = world.feed(event)
    assert actions == [CloseModel(), Finished()]


def test_the_time_limit_holds_while_the_caller_is_away() -> None:
    world = World(CallPlan(max_call_seconds=30))
    world.answer()
    world.say("item_1", SECOND)
    world.run(25)
    world.feed(ev.StreamBroken("1006"))
    world.run(6)
    assert world.machine.ending == Ending("completed", end_reason="max_duration")


def test_a_goodbye_that_breaks_off_still_ends_the_call_as_the_agent_did() -> None:
    world = World()
    world.answer()
    world.say("item_1", SECOND * 3, "Goodbye!")
    world.feed(ev.ToolRequested("r1", "call_1", "hang_up", "{}"))
    assert Finished() in world.feed(ev.StreamBroken("1006"))
    assert world.machine.ending == Ending("completed", end_reason="agent_completed")


def test_a_second_start_on_a_stream_that_is_there_changes_nothing() -> None:
    world = talking()
    assert world.feed(ev.StreamStarted("MZ2", "CA1")) == []
    assert world.machine.facts.bad_frames == 1


def test_on_another_node_the_model_is_told_what_was_said_and_the_agent_does_not_greet_again() -> None:
    plan = CallPlan(greeting="Good evening.", history=HISTORY, opening=BACK, returns=1, answered_at=90.0)
    world = World(plan)
    assert world.feed(ev.ModelConnected()) == [ConfigureModel()]
    told = world.feed(ev.ModelConfigured(True))
    assert [each.text for each in told if isinstance(each, Recall)] == [entry.text for entry in HISTORY]
    assert [each for each in told if isinstance(each, Respond)] == [BACK]
    world.feed(ev.StreamStarted("MZ2", "CA1"))
    assert any(isinstance(each, PlayAudio) for each in world.say("item_3", SECOND, "Where were we?"))
    world.run(3.0)
    assert world.machine.transcript[-1].at_ms is not None
    assert world.machine.transcript[-1].at_ms >= 10_000


def test_on_another_node_keys_are_not_taken_for_those_that_were_pressed_before() -> None:
    pressed = TranscriptEntry("caller", "[keys: 42]", 2500, item_id="keys-1")
    world = World(CallPlan(answered_at=0.0, history=(*HISTORY, pressed), opening=BACK, returns=1))
    world.answer()
    world.feed(ev.KeyPressed("7"))
    world.run(2.0)
    (entry,) = world.machine.transcript
    assert entry.text == "[keys: 7]"
    assert entry.item_id != pressed.item_id


def test_on_another_node_what_is_left_of_the_returns_and_of_the_time_counts() -> None:
    plan = CallPlan(
        history=HISTORY, opening=BACK, returns=MOST_RETURNS, answered_at=90.0, max_call_seconds=30
    )
    world = World(plan)
    world.answer()
    world.run(21)
    assert world.machine.ending == Ending("completed", end_reason="max_duration")
    again = World(plan)
    again.answer()
    assert Finished() in again.feed(ev.StreamBroken("1006"))


def test_on_another_node_a_model_that_cannot_be_had_is_lost_and_not_refused() -> None:
    world = World(CallPlan(history=HISTORY, opening=BACK, returns=1, fallback_message="Sorry."))
    world.feed(ev.StreamStarted("MZ2", "CA1"))
    assert EndStream("Sorry.") in world.feed(ev.ModelUnavailable("401"))
    assert world.machine.ending == Ending("completed", end_reason="model_error")
