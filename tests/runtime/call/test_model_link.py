"""The model is lost in the middle of a call, in virtual time: the call goes on with another session."""

from __future__ import annotations

from itertools import pairwise

import pytest

from runtime.call import events as ev
from runtime.call.actions import (
    Action,
    CloseModel,
    ConfigureModel,
    ConnectModel,
    DeleteItem,
    EndStream,
    Finished,
    HearCaller,
    Recall,
    Respond,
    TellModel,
    TruncateItem,
)
from runtime.call.ending import Ending
from runtime.call.plan import CallPlan
from runtime.call.thinking.model_link import BACKOFF
from runtime.call.thinking.recall import BROKEN_OFF, MOST_RECALLED, UNHEARD
from runtime.call_record import TranscriptEntry
from tests.runtime.call.world import BYTES_PER_SECOND, STREAM, World, payload

SECOND = BYTES_PER_SECOND
SORRY = "Please call again later."
GREETING = Respond(say="Good evening.")
PLAN = CallPlan(greeting=GREETING.say, fallback_message=SORRY)
STREAM_STARTED = ev.StreamStarted(STREAM, "CA1")
LOST = ev.ModelLost("closed with 1006")


def talking(plan: CallPlan = PLAN) -> World:
    """A call whose greeting was heard."""
    world = World(plan)
    world.answer()
    world.say("greeting", b"g" * SECOND, "Good evening.", response="r0")
    world.run(2.0)
    return world


def wait_for_attempt(world: World) -> None:
    """Let time pass until another connection is opened."""
    for _ in range(400):
        if ConnectModel() in world.run(0.01):
            return
    raise AssertionError("no other connection is opened")


def replaced(world: World) -> list[Action]:
    """Let another session take over, and return what it was told and asked."""
    wait_for_attempt(world)
    assert world.feed(ev.ModelConnected()) == [ConfigureModel()]
    return world.feed(ev.ModelConfigured(True))


def recalled(actions: list[Action]) -> list[tuple[str, str]]:
    return [(action.role, action.text) for action in actions if isinstance(action, Recall)]


# --- what the caller hears ---------------------------------------------------------------------------------


def test_an_answer_that_breaks_off_is_heard_as_far_as_it_came_and_then_gone_on_with() -> None:
    world = talking()
    world.feed(
        ev.ResponseStarted("r1"),
        ev.ModelAudio("r1", "a", payload(b"a" * 2 * SECOND)),
        ev.ModelWords("a", "We are open from noon to ten, and on Sundays from eleven to nine."),
    )
    world.run(0.5)
    assert world.feed(LOST) == [CloseModel()]
    lost_at = world.now
    told = replaced(world)
    assert world.now - lost_at < 0.3
    assert recalled(told) == [
        ("agent", "Good evening."),
        ("agent", "We are open from noon to ten, and"),
        ("system", BROKEN_OFF),
    ]
    assert told[-1] == Respond()
    world.say("b", b"b" * SECOND, "on Sundays from eleven to nine.", response="r2")
    world.run(4.0)
    heard = world.carrier.heard(world.now)
    assert heard[SECOND:] == b"a" * 2 * SECOND + b"b" * SECOND
    assert [entry.text for entry in world.machine.transcript][1:] == [
        "We are open from noon to ten, and",
        "on Sundays from eleven to nine.",
    ]
    assert not world.ended


def test_a_model_that_works_on_an_answer_without_a_word_is_waited_for() -> None:
    world = talking()
    world.feed(ev.CallerSpeechStarted("c", 0), ev.CallerSpeechStopped("c", 900), ev.ResponseStarted("r1"))
    for _ in range(5):
        assert CloseModel() not in world.run(7.0)
        world.feed(ev.ModelWorks())
    assert CloseModel() in world.run(9.0)


def test_a_model_whose_tool_server_takes_long_is_waited_for_a_minute() -> None:
    world = talking()
    world.feed(ev.CallerSpeechStarted("c", 0), ev.CallerSpeechStopped("c", 900), ev.ResponseStarted("r1"))
    world.feed(ev.ModelWorks(at_tool=True))
    assert CloseModel() not in world.run(59.0)
    world.feed(ev.ModelWorks())
    assert CloseModel() not in world.run(7.0)
    assert CloseModel() in world.run(2.0)


def test_what_comes_of_a_model_that_was_given_up_does_not_keep_the_call_from_ending() -> None:
    world = World(PLAN)
    world.feed(
        ev.ModelUnavailable("401"),
        ev.ResponseEnded("r1", "failed"),
        ev.ModelAudio("r1", "a", payload(b"a")),
        STREAM_STARTED,
        ev.RequestRefused("busy", ""),
    )
    world.run(9.0)
    assert world.ended


def test_an_answer_that_was_whole_is_not_asked_for_again() -> None:
    world = talking()
    world.feed(
        ev.CallerSpeechStarted("c", 0), ev.CallerSpeechStopped("c", 900), ev.CallerWords("c", "Hello?")
    )
    world.say("a", b"a" * 3 * SECOND, "We are open.", response="r1")
    world.feed(LOST)
    told = replaced(world)
    assert recalled(told) == [("agent", "Good evening."), ("caller", "Hello?"), ("agent", "We are open.")]
    assert not [action for action in told if isinstance(action, Respond)]
    world.run(3.0)
    assert world.carrier.heard(world.now).count(b"a") == 3 * SECOND


def test_an_answer_that_had_not_begun_is_asked_for_again() -> None:
    world = talking()
    world.feed(
        ev.CallerSpeechStarted("c", 0), ev.CallerSpeechStopped("c", 900), ev.CallerWords("c", "Hello?")
    )
    world.feed(ev.ResponseStarted("r1"))
    world.feed(LOST)
    assert replaced(world)[-1] == Respond()


def test_a_caller_who_got_no_answer_yet_gets_one_from_the_next_session() -> None:
    world = talking()
    world.feed(
        ev.CallerSpeechStarted("c", 0), ev.CallerSpeechStopped("c", 900), ev.CallerWords("c", "Hello?")
    )
    world.feed(LOST)
    told = replaced(world)
    assert recalled(told)[-1] == ("caller", "Hello?")
    assert told[-1] == Respond()


def test_words_of_the_caller_that_were_lost_with_the_session_are_asked_for() -> None:
    world = talking()
    world.feed(ev.CallerSpeechStarted("c", 0), ev.CallerSpeechStopped("c", 900))
    world.feed(LOST)
    told = replaced(world)
    assert told[-2:] == [Recall("system", UNHEARD), Respond()]


def test_a_caller_who_was_speaking_is_let_finish_and_not_forgotten() -> None:
    world = talking()
    world.feed(ev.CallerSpeechStarted("c", 0))
    world.feed(LOST)
    world.feed(ev.CallerAudio("voice"))
    told = replaced(world)
    assert HearCaller("voice") in told
    assert Respond() not in told
    assert world.run(2.0) == [Respond()]


def test_a_greeting_that_was_lost_before_it_began_is_said_by_the_next_session() -> None:
    world = World(PLAN)
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    world.feed(LOST)
    assert replaced(world) == [GREETING]


def test_a_caller_who_comes_while_the_model_is_replaced_hears_the_greeting_that_was_made() -> None:
    world = World(PLAN)
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    world.say("a", b"a" * SECOND, "Good evening.")
    world.feed(LOST, STREAM_STARTED)
    world.run(2.0)
    assert world.carrier.heard(world.now) == b"a" * SECOND


def test_keys_that_are_pressed_meanwhile_are_answered_by_the_next_session() -> None:
    world = talking()
    world.feed(LOST, ev.KeyPressed("1"))
    world.run(1.6)
    world.feed(ev.ModelConnected())
    told = world.feed(ev.ModelConfigured(True))
    assert recalled(told)[-1] == ("caller", "[keys: 1]")
    assert told[-1] == Respond()
    assert not [action for action in told if isinstance(action, TellModel)]


def test_what_the_caller_says_meanwhile_is_given_to_the_next_session() -> None:
    world = talking()
    world.feed(LOST, ev.CallerAudio("one"), ev.CallerAudio("two"))
    told = replaced(world)
    assert [action.payload for action in told if isinstance(action, HearCaller)] == ["one", "two"]
    assert world.feed(ev.CallerAudio("three")) == [HearCaller("three")]


# --- what the next session knows ---------------------------------------------------------------------------


def test_speech_of_the_old_session_that_is_interrupted_is_cut_in_the_new_one() -> None:
    world = talking()
    world.say("a", b"a" * 4 * SECOND, "one two three four five six seven eight", response="r1")
    world.feed(LOST)
    assert Recall("agent", "one two three four five six seven eight", "a") in replaced(world)
    world.run(2.0)
    actions = world.feed(ev.CallerSpeechStarted("c", 0))
    assert DeleteItem("a") in actions
    (again,) = [action for action in actions if isinstance(action, Recall)]
    assert again.text.startswith("one two three")
    assert not again.text.endswith("eight")
    assert not [action for action in actions if isinstance(action, TruncateItem)]


def test_speech_of_the_new_session_is_truncated_as_ever() -> None:
    world = talking()
    world.feed(LOST)
    replaced(world)
    world.say("b", b"b" * 4 * SECOND, "one two three four", response="r2")
    world.run(1.0)
    assert [type(action) for action in world.feed(ev.CallerSpeechStarted("c", 0))][-1] is TruncateItem


def test_what_was_said_before_this_machine_is_told_to_every_session() -> None:
    history = (TranscriptEntry("caller", "A table, please.", 900), TranscriptEntry("agent", "When?", 1900))
    go_on = Respond(guidance="Say that you are back.")
    world = World(CallPlan(history=history, opening=go_on))
    told = world.answer()
    assert recalled(told) == [("caller", "A table, please."), ("agent", "When?")]
    assert told[-1] == go_on
    world.say("a", b"a" * SECOND, "I am back.")
    world.feed(LOST)
    assert recalled(replaced(world))[-1] == ("agent", "I am back.")


def test_a_long_call_is_recalled_by_its_newest_part() -> None:
    history = tuple(TranscriptEntry("caller", f"line {number}", number) for number in range(1000))
    told = World(CallPlan(history=history)).answer()
    assert len(recalled(told)) == MOST_RECALLED
    assert recalled(told)[-1] == ("caller", "line 999")


# --- how often, and how long -------------------------------------------------------------------------------


def test_a_model_that_takes_connections_and_drops_them_gets_no_endless_attempts() -> None:
    world = talking()
    for _ in BACKOFF:
        world.feed(LOST)
        replaced(world)
        world.say("a", b"a" * 100)
        world.run(1.0)
    world.feed(LOST)
    world.run(1.0)
    assert world.ended
    assert world.machine.ending == Ending("completed", end_reason="model_error")
    assert EndStream(SORRY) in world.actions(EndStream)


def test_a_minute_of_health_gives_all_attempts_back() -> None:
    world = talking(CallPlan(max_call_seconds=3600.0))
    for _ in range(3 * len(BACKOFF)):
        world.run(60.0)
        world.feed(LOST)
        replaced(world)
    assert not world.ended


def test_attempts_wait_longer_and_longer_and_calls_do_not_wait_alike() -> None:
    for jitter in (1.0, 0.5):
        world = talking(CallPlan(jitter=jitter))
        world.feed(LOST)
        moments = [world.now]
        for _ in BACKOFF:
            wait_for_attempt(world)
            moments.append(world.now)
            world.feed(ev.ModelUnavailable("503", may_pass=True))
        waits = [after - before for before, after in pairwise(moments)]
        assert waits == pytest.approx([jitter * pause for pause in BACKOFF], abs=0.02)


def test_a_refused_key_is_not_tried_again() -> None:
    world = talking(CallPlan(fallback_message=SORRY))
    world.feed(LOST)
    wait_for_attempt(world)
    assert world.feed(ev.ModelUnavailable("401")) == [CloseModel(), EndStream(SORRY), Finished()]
    assert world.machine.ending == Ending("completed", end_reason="model_error")


def test_a_model_that_cannot_be_reached_at_first_is_tried_again() -> None:
    world = World(PLAN)
    world.feed(STREAM_STARTED)
    world.feed(ev.ModelUnavailable("503", may_pass=True))
    assert replaced(world) == [GREETING]


def test_a_model_that_accepts_and_never_gets_ready_is_left_for_another_connection() -> None:
    world = World(PLAN)
    world.feed(ev.ModelConnected(), STREAM_STARTED)
    actions = world.run(7.0)
    assert actions == [CloseModel(), ConnectModel()]


def test_a_caller_is_kept_waiting_for_the_model_no_longer_than_the_agent_allows() -> None:
    world = World(CallPlan(fallback_message=SORRY, model_timeout=9.0))
    world.feed(STREAM_STARTED)
    world.run(8.9)
    assert not world.ended
    assert world.run(0.2)[-2:] == [EndStream(SORRY), Finished()]
    assert world.machine.ending == Ending("rejected", reject_reason="model_unavailable")


def test_a_session_that_nobody_comes_for_is_closed_after_30_s_and_opened_when_somebody_does() -> None:
    world = World(CallPlan(greeting="Good evening.", stream_timeout=100.0))
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    world.say("a", b"a" * SECOND, "Good evening.")
    assert world.run(29.9) == []
    assert world.run(0.2) == [CloseModel()]
    assert world.run(30.0) == []
    assert world.feed(STREAM_STARTED)[0] == ConnectModel()
    world.run(1.5)
    assert world.carrier.heard(world.now) == b"a" * SECOND
    world.feed(ev.ModelConnected())
    assert recalled(world.feed(ev.ModelConfigured(True))) == [("agent", "Good evening.")]


# --- stalls and failures -----------------------------------------------------------------------------------


def test_a_model_that_takes_a_request_and_never_reacts_is_replaced() -> None:
    world = World(PLAN)
    world.answer()
    assert world.run(7.9) == []
    assert world.run(0.15) == [CloseModel()]
    assert replaced(world) == [GREETING]


def test_a_model_that_falls_silent_in_the_middle_of_an_answer_is_replaced() -> None:
    world = talking()
    world.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "a", payload(b"a" * SECOND)))
    assert CloseModel() in world.run(8.1)
    assert replaced(world)[-1] == Respond()


def test_a_model_that_never_answers_the_caller_is_replaced_and_asked_for_the_answer() -> None:
    world = talking()
    world.feed(
        ev.CallerSpeechStarted("c", 0), ev.CallerSpeechStopped("c", 900), ev.CallerWords("c", "Hello?")
    )
    assert CloseModel() in world.run(8.1)
    assert replaced(world)[-1] == Respond()


def test_a_silence_in_which_nothing_is_due_is_no_stall() -> None:
    world = talking()
    assert world.run(300.0) == []


def test_a_response_that_failed_is_asked_for_once_more_and_then_of_another_session() -> None:
    world = World(PLAN)
    world.answer()
    world.feed(ev.ResponseStarted("r1"))
    assert world.feed(ev.ResponseEnded("r1", "failed", None, "server_error")) == [GREETING]
    world.feed(ev.ResponseStarted("r2"))
    assert world.feed(ev.ResponseEnded("r2", "failed", None, "server_error")) == [CloseModel()]
    assert replaced(world) == [GREETING]


def test_a_goodbye_whose_model_is_lost_is_played_and_nobody_reconnects() -> None:
    world = talking()
    world.say("a", b"a" * 2 * SECOND, end=False, response="r1")
    world.feed(ev.ToolRequested("r1", "call-1", "hang_up", "{}"), ev.ModelAudioDone("a"))
    world.feed(LOST)
    world.run(3.0)
    assert world.carrier.heard(world.now).count(b"a") == 2 * SECOND
    assert ConnectModel() not in world.actions(ConnectModel)
    assert world.machine.ending == Ending("completed", end_reason="agent_completed")
