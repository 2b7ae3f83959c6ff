"""Whole calls in virtual time: how they come up, go on and end."""

from __future__ import annotations

from runtime.call import events as ev
from runtime.call.actions import (
    CloseModel,
    ConfigureModel,
    EndStream,
    Finished,
    HearCaller,
    PlayAudio,
    PlayMark,
    Respond,
    TellModel,
)
from runtime.call.ending import Ending, conclude
from runtime.call.plan import CallPlan
from runtime.call.time_limit import WARNING
from runtime.call_record import TranscriptEntry
from tests.runtime.call.world import BYTES_PER_SECOND, STREAM, World, payload

SECOND = BYTES_PER_SECOND
SORRY = "Please call again later."
STREAM_STARTED = ev.StreamStarted(STREAM, "CA1")


def answered(plan: CallPlan | None = None) -> World:
    world = World(plan)
    world.answer()
    return world


# --- coming up ---------------------------------------------------------------------------------------------


def test_the_greeting_is_asked_for_as_soon_as_the_model_is_ready() -> None:
    world = World(CallPlan(greeting="Good evening."))
    assert world.feed(ev.ModelConnected()) == [ConfigureModel()]
    assert world.feed(ev.ModelConfigured(True)) == [Respond(say="Good evening.")]


def test_without_a_greeting_the_agent_opens_in_its_own_words() -> None:
    world = World()
    world.feed(ev.ModelConnected())
    assert world.feed(ev.ModelConfigured(True)) == [Respond()]


def test_a_greeting_that_was_ready_before_the_stream_is_heard_at_once() -> None:
    world = World()
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    world.say("a", b"a" * SECOND)
    assert world.actions(PlayAudio) == []
    first, mark, *_ = world.feed(STREAM_STARTED)
    assert first == PlayAudio(payload(b"a" * 800))
    assert mark == PlayMark("g1.1")
    assert world.machine.facts.first_word_ms == 0


def test_the_model_may_say_twice_that_it_is_connected() -> None:
    world = World()
    world.feed(ev.ModelConnected())
    assert world.feed(ev.ModelConnected()) == []


def test_a_wrong_configuration_is_asked_for_once_more() -> None:
    world = World()
    world.feed(ev.ModelConnected())
    assert world.feed(ev.ModelConfigured(False, "pcm")) == [ConfigureModel()]
    assert world.feed(ev.ModelConfigured(True)) == [Respond()]


def test_a_configuration_that_is_wrong_twice_is_refused_before_a_sound_is_heard() -> None:
    world = World(CallPlan(fallback_message=SORRY))
    world.feed(STREAM_STARTED, ev.ModelConnected(), ev.ModelConfigured(False))
    assert world.feed(ev.ModelConfigured(False, "pcm")) == [CloseModel(), EndStream(SORRY), Finished()]
    assert world.machine.ending == Ending("rejected", reject_reason="model_unavailable")


def test_a_model_that_cannot_be_had_waits_for_the_stream_to_say_so() -> None:
    world = World(CallPlan(fallback_message=SORRY))
    assert world.feed(ev.ModelUnavailable("refused key")) == [CloseModel()]
    assert world.machine.ending is None
    assert world.feed(STREAM_STARTED) == [EndStream(SORRY), Finished()]
    assert world.machine.ending == Ending("rejected", reject_reason="model_unavailable")


def test_a_model_that_is_not_ready_within_20_s_is_not_waited_for() -> None:
    world = World(CallPlan(fallback_message=SORRY))
    world.feed(STREAM_STARTED, ev.ModelConnected())
    world.run(19.9)
    assert not world.ended
    assert world.run(0.2) == [CloseModel(), EndStream(SORRY), Finished()]
    assert world.machine.ending == Ending("rejected", reject_reason="model_unavailable")


def test_a_stream_that_does_not_come_within_20_s_ends_the_call() -> None:
    world = World()
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True), ev.ResponseStarted("r0"))
    world.run(19.9)
    assert not world.ended
    assert world.run(0.2) == [CloseModel(), Finished()]
    assert world.machine.ending == Ending("rejected", reject_reason="stream_timeout")


def test_a_stream_may_take_longer_when_a_text_is_spoken_before_it() -> None:
    world = World(CallPlan(stream_timeout=50.0))
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    world.run(49.0)
    assert not world.ended


def test_a_caller_who_hangs_up_before_the_stream_has_hung_up() -> None:
    world = World()
    assert world.feed(ev.StatusReported("completed")) == [CloseModel(), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="caller_hangup")


def test_the_call_is_incoming_until_the_stream_and_active_from_then_on() -> None:
    world = World()
    assert conclude(world.machine.facts) == Ending("incoming")
    world.feed(STREAM_STARTED)
    assert conclude(world.machine.facts) == Ending("active")


# --- the caller's voice ------------------------------------------------------------------------------------


def test_the_callers_audio_reaches_the_model_as_it_came() -> None:
    world = answered()
    text = payload(bytes(range(160)))
    assert world.feed(ev.CallerAudio(text)) == [HearCaller(text)]


def test_what_the_caller_says_before_the_model_is_ready_is_heard_later() -> None:
    world = World()
    world.feed(STREAM_STARTED, ev.ModelConnected())
    frames = [payload(bytes([number]) * 160) for number in range(10)]
    assert world.feed(*map(ev.CallerAudio, frames)) == []
    assert world.feed(ev.ModelConfigured(True)) == [Respond(), *map(HearCaller, frames)]


def test_of_a_long_wait_the_newest_two_seconds_are_kept() -> None:
    world = World()
    world.feed(STREAM_STARTED, ev.ModelConnected())
    frames = [payload(bytes([number]) * 160) for number in range(150)]
    world.feed(*map(ev.CallerAudio, frames))
    world.feed(ev.ModelConfigured(True))
    assert world.actions(HearCaller) == [HearCaller(frame) for frame in frames[50:]]
    assert world.machine.facts.caller_audio_dropped_ms == 1000


def test_words_stand_where_their_speech_began_however_late_they_come() -> None:
    world = answered()
    for _ in range(100):
        world.feed(ev.CallerAudio(payload(b"\xff" * 160)))
        world.run(0.02)
    world.feed(ev.CallerSpeechStarted("c1", 500), ev.CallerSpeechStopped("c1", 1500))
    world.say("a", b"a" * SECOND, "With pleasure.")
    world.run(2.0)
    world.feed(ev.CallerWords("c1", " A table, please. "))
    assert [(entry.role, entry.text, entry.at_ms) for entry in world.machine.transcript] == [
        ("caller", "A table, please.", 500),
        ("agent", "With pleasure.", 2000),
    ]


def test_the_time_from_the_end_of_speech_to_the_first_frame_is_recorded_for_each_turn() -> None:
    world = answered()
    for turn, wait in enumerate((0.3, 0.45)):
        world.feed(ev.CallerSpeechStarted(f"c{turn}", 0), ev.CallerSpeechStopped(f"c{turn}", 0))
        world.run(wait)
        world.say(f"a{turn}", b"a" * 1600, response=f"r{turn}")
        world.run(1.0)
    assert [turn.frame_ms for turn in world.machine.facts.turns] == [300, 450]


def test_a_live_transcript_ends_where_the_caller_is_listening() -> None:
    world = answered()
    world.say("a", b"a" * 4 * SECOND, "one two three four five six seven eight")
    world.run(2.1)
    (entry,) = world.machine.transcript
    assert entry.text == "one two three four"
    assert entry.interrupted is False


# --- keys --------------------------------------------------------------------------------------------------


def test_keys_that_follow_each_other_reach_the_model_as_one_message() -> None:
    world = answered()
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    world.run(1.0)
    world.feed(ev.KeyPressed("1"))
    world.run(1.4)
    world.feed(ev.KeyPressed("2"))
    assert world.run(1.4) == []
    assert world.run(0.2) == [TellModel("[keys: 12]"), Respond()]
    assert world.machine.transcript == (TranscriptEntry("caller", "[keys: 12]", 1000, item_id="keys-1"),)


def test_a_pause_between_keys_makes_two_messages() -> None:
    world = answered()
    for key in "12":
        world.feed(ev.KeyPressed(key))
        world.run(1.6)
    assert world.actions(TellModel) == [TellModel("[keys: 1]"), TellModel("[keys: 2]")]


# --- taking turns ------------------------------------------------------------------------------------------


def test_a_second_request_waits_for_the_response_before_it() -> None:
    world = answered(CallPlan(max_call_seconds=61))
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    world.run(30.9)
    world.feed(ev.ResponseStarted("r1"))
    assert Respond(guidance=WARNING) not in world.run(0.2)
    assert world.feed(ev.ResponseEnded("r1", "completed")) == [Respond(guidance=WARNING)]


def test_a_request_that_was_refused_is_asked_again_after_the_active_response() -> None:
    world = answered(CallPlan(greeting="Good evening."))
    world.feed(ev.ResponseStarted("r1"))  # the model's own; ours comes too late
    assert world.feed(ev.RequestRefused("conversation_already_has_active_response", "")) == []
    assert world.feed(ev.ResponseEnded("r1", "completed")) == [Respond(say="Good evening.")]


def test_a_request_that_is_never_answered_holds_up_the_next_one_for_5_s_only() -> None:
    world = answered()
    world.feed(ev.KeyPressed("1"))
    actions = world.run(4.9)
    assert Respond() not in actions
    assert Respond() in world.run(0.2)


def test_nothing_of_our_choosing_is_said_while_the_caller_speaks() -> None:
    world = answered(CallPlan(max_call_seconds=61))
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    world.run(30.0)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    assert not any(isinstance(action, Respond) for action in world.run(3.0))
    world.feed(ev.CallerSpeechStopped("c1", 3000), ev.ResponseStarted("r1"))
    assert world.feed(ev.ResponseEnded("r1", "completed")) == [Respond(guidance=WARNING)]


def test_a_pause_that_the_model_does_not_answer_is_used_after_5_s() -> None:
    world = answered(CallPlan(max_call_seconds=70))
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    world.run(39.0)
    world.feed(ev.CallerSpeechStarted("c1", 0), ev.CallerSpeechStopped("c1", 500))
    assert world.run(4.9) == []
    assert world.run(0.2) == [Respond(guidance=WARNING)]


def test_several_tools_in_one_response_are_answered_by_one_request_to_go_on() -> None:
    world = answered()
    world.feed(ev.ResponseStarted("r1"))
    for number in range(3):
        world.feed(ev.ToolRequested("r1", f"call-{number}", "fly", "{}"))
    assert world.feed(ev.ResponseEnded("r1", "completed")) == [Respond()]
    world.feed(ev.ResponseStarted("r2"))
    assert world.feed(ev.ResponseEnded("r2", "completed")) == []
