"""Whole calls in virtual time: the model's faults, and every way in which a call ends."""

from __future__ import annotations

import pytest

from runtime.call import events as ev
from runtime.call.actions import (
    AnswerTool,
    CloseModel,
    DropStream,
    EndStream,
    Finished,
    Respond,
)
from runtime.call.ending import Ending, hung_up_elsewhere
from runtime.call.plan import CallPlan
from runtime.call.time_limit import WARNING
from tests.runtime.call.world import BYTES_PER_SECOND, STREAM, Network, World, payload

SECOND = BYTES_PER_SECOND
SORRY = "Please call again later."
STREAM_STARTED = ev.StreamStarted(STREAM, "CA1")


def answered(plan: CallPlan | None = None) -> World:
    world = World(plan)
    world.answer()
    return world


# --- the model's faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        ev.ModelProblem("insufficient_quota", "no money", fatal=True),
        ev.ResponseEnded("r1", "failed", None, "insufficient_quota", True),
        ev.ModelUnavailable("401"),
    ],
)
def test_a_fatal_fault_before_the_first_word_is_model_unavailable(event: ev.Event) -> None:
    world = answered(CallPlan(fallback_message=SORRY))
    assert world.feed(event) == [CloseModel(), EndStream(SORRY), Finished()]
    assert world.machine.ending == Ending("rejected", reject_reason="model_unavailable")


def test_a_greeting_whose_model_is_refused_before_the_stream_is_not_played() -> None:
    world = World(CallPlan(fallback_message=SORRY))
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    world.say("a", b"a" * SECOND)
    world.feed(ev.ModelProblem("insufficient_quota", "no money", fatal=True))
    assert world.feed(STREAM_STARTED) == [EndStream(SORRY), Finished()]
    assert world.machine.transcript == ()


def test_a_harmless_problem_is_counted_and_the_call_goes_on() -> None:
    world = answered()
    assert world.feed(*[ev.ModelProblem("response_cancel_not_active", "")] * 2) == []
    assert world.machine.facts.model_problems == {"response_cancel_not_active": 2}
    assert not world.ended


def test_a_model_that_speaks_without_saying_that_it_begins_is_not_given_up() -> None:
    world = answered(CallPlan(greeting="Good evening."))
    world.feed(ev.ModelAudio("r1", "a", payload(b"a" * SECOND)))
    world.run(30.0)
    assert not world.ended


def test_failures_that_lie_apart_do_not_add_up() -> None:
    world = answered()
    for turn in range(5):
        world.feed(ev.ResponseStarted(f"r{turn}"))
        assert world.feed(ev.ResponseEnded(f"r{turn}", "failed", None, "server_error")) == [Respond()]
        world.feed(ev.ResponseStarted(f"again{turn}"), ev.ResponseEnded(f"again{turn}", "completed"))
    assert not world.ended


def test_audio_that_is_not_base64_is_counted_and_not_played() -> None:
    world = answered()
    assert world.feed(ev.ModelAudio("r1", "a", "no base64!")) == []
    assert world.machine.facts.bad_model_audio == 1


# --- endings -----------------------------------------------------------------------------------------------


def test_a_caller_who_hangs_up_leaves_a_transcript_that_ends_where_they_stopped_listening() -> None:
    world = answered()
    world.say("a", b"a" * 4 * SECOND, "one two three four five six seven eight")
    world.run(2.1)
    assert world.feed(ev.StreamStopped()) == [CloseModel(), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="caller_hangup")
    (entry,) = world.machine.transcript
    assert (entry.text, entry.interrupted) == ("one two three four", True)


def test_a_status_callback_that_overtakes_the_stop_is_the_same_hang_up() -> None:
    world = answered()
    assert world.feed(ev.StatusReported("completed")) == [EndStream(None), CloseModel(), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="caller_hangup")
    assert world.feed(ev.StreamStopped()) == []


def test_a_status_on_the_way_ends_nothing() -> None:
    world = answered()
    assert world.feed(ev.StatusReported("in-progress")) == []


def test_a_stream_that_breaks_is_a_media_error_when_the_caller_does_not_come_back() -> None:
    world = answered()
    assert DropStream() in world.feed(ev.StreamBroken("1006"))
    assert world.machine.ending is None
    assert world.run(20.0)[-2:] == [CloseModel(), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="media_error")


def test_an_operator_who_hangs_up_cancels_the_call() -> None:
    world = answered()
    assert world.feed(ev.HangUpRequested()) == [EndStream(None), CloseModel(), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="cancelled")


@pytest.mark.parametrize(
    ("ending", "ended_at", "says"),
    [
        (Ending("completed", end_reason="caller_hangup"), 100, Ending("completed", end_reason="cancelled")),
        (Ending("completed", end_reason="media_error"), None, Ending("completed", end_reason="cancelled")),
        (
            Ending("completed", end_reason="caller_hangup"),
            99,
            Ending("completed", end_reason="caller_hangup"),
        ),
        (Ending("rejected", "prep_timeout"), 200, Ending("rejected", "prep_timeout")),
        (Ending("active"), None, Ending("active")),
    ],
)
def test_a_hang_up_at_another_node_outranks_what_its_own_node_saw_of_it(
    ending: Ending, ended_at: int | None, says: Ending
) -> None:
    assert hung_up_elsewhere(ending, ended_at, 100) == says


def test_a_node_that_stops_says_the_fallback_message() -> None:
    world = answered(CallPlan(fallback_message=SORRY))
    assert world.feed(ev.DrainExpired()) == [EndStream(SORRY), CloseModel(), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="drained")


def test_a_goodbye_is_heard_to_its_end_before_the_agent_hangs_up() -> None:
    world = answered()
    world.say("a", b"a" * 3 * SECOND, end=False)
    world.feed(ev.ToolRequested("r1", "call-1", "hang_up", "{}"))
    world.feed(ev.ModelAudioDone("a"), ev.ResponseEnded("r1", "completed"))
    world.run(4.0)
    ended_at = next(at for at, action in world.done if isinstance(action, EndStream))
    assert world.carrier.heard(ended_at).count(b"a") == 3 * SECOND
    assert ended_at - 103.0 < 0.1
    assert world.machine.ending == Ending("completed", end_reason="agent_completed")
    assert [use.name for use in world.machine.facts.tools] == ["hang_up"]


def test_a_goodbye_whose_mark_is_lost_is_waited_for_8_s() -> None:
    world = World(network=Network(lost_marks=1.0))
    world.answer()
    world.say("a", b"a" * SECOND, end=False)
    world.feed(ev.ToolRequested("r1", "call-1", "hang_up", "{}"), ev.ModelAudioDone("a"))
    world.feed(ev.ResponseEnded("r1", "completed"))
    world.run(8.9)
    assert not world.ended
    world.run(0.2)
    assert world.machine.ending == Ending("completed", end_reason="agent_completed")


def test_nobody_interrupts_a_goodbye() -> None:
    world = answered()
    world.say("a", b"a" * 2 * SECOND, end=False)
    world.feed(ev.ToolRequested("r1", "call-1", "hang_up", "{}"), ev.ResponseEnded("r1", "completed"))
    assert world.feed(ev.CallerSpeechStarted("c1", 0)) == []
    world.run(3.0)
    assert world.carrier.heard(world.now).count(b"a") == 2 * SECOND


def test_a_tool_that_does_not_exist_is_answered_so_that_the_model_goes_on() -> None:
    world = answered()
    world.feed(ev.ResponseStarted("r1"))
    assert world.feed(ev.ToolRequested("r1", "call-1", "fly", '{"to": "Mars"}')) == [
        AnswerTool("call-1", '{"error":"there is no such tool"}')
    ]
    assert world.feed(ev.ResponseEnded("r1", "completed")) == [Respond()]
    (use,) = world.machine.facts.tools
    assert (use.name, use.arguments) == ("fly", {"to": "Mars"})


def test_a_long_call_is_warned_and_ended_with_the_fallback_message() -> None:
    world = answered(CallPlan(max_call_seconds=120, fallback_message=SORRY))
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    assert world.run(89.9) == []
    assert world.run(0.2) == [Respond(guidance=WARNING)]
    world.feed(ev.ResponseStarted("r1"), ev.ResponseEnded("r1", "completed"))
    world.run(29.8)
    assert not world.ended
    assert world.run(0.2)[-3:] == [EndStream(SORRY), CloseModel(), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="max_duration")


def test_a_call_of_60_s_gets_no_warning() -> None:
    world = answered(CallPlan(max_call_seconds=60))
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    assert world.run(60.1) == [EndStream(None), CloseModel(), Finished()]


def test_the_limit_counts_from_the_answer_where_the_plan_names_it() -> None:
    world = World(CallPlan(max_call_seconds=40, answered_at=90.0))
    world.answer()
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    world.run(29.9)
    assert not world.ended
    world.run(0.2)
    assert world.ended


def test_a_second_start_is_counted_and_changes_nothing() -> None:
    world = answered(CallPlan(max_call_seconds=60))
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    world.run(30.0)
    assert world.feed(STREAM_STARTED) == []
    assert world.machine.facts.bad_frames == 1
    world.run(30.1)
    assert world.ended


def test_a_broken_frame_is_counted_and_the_call_goes_on() -> None:
    world = answered()
    assert world.feed(ev.BadFrame("not JSON")) == []
    assert world.machine.facts.bad_frames == 1
