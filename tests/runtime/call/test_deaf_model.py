"""A model that hears nothing any more, or never the end of it: it is noticed between two turns as well."""

from __future__ import annotations

from runtime.call import events as ev
from runtime.call.actions import Action, CloseModel, ConnectModel, HearCaller, Respond
from runtime.call.plan import CallPlan
from tests.runtime.call.talk import QUIET, SECOND, VOICE, makes_sound
from tests.runtime.call.world import World


def greeted(plan: CallPlan | None = None) -> World:
    """A call in which it is the caller's turn."""
    world = World(plan or CallPlan(greeting="Good evening."))
    world.answer()
    world.say("a", b"a" * SECOND, "Good evening.")
    world.run(2.0)
    return world


def speaks(world: World) -> list[Action]:
    """Let the caller say two things, with a pause between them."""
    actions: list[Action] = []
    for payload, seconds in ((VOICE, 1.0), (QUIET, 0.8), (VOICE, 0.8), (QUIET, 1.0)):
        actions += makes_sound(world, seconds, payload)
    return actions


def begin_again(world: World) -> list[Action]:
    """Let another session get ready, and return what it is given."""
    return world.feed(ev.ModelConnected(), ev.ModelConfigured(True))


def test_a_model_that_does_not_notice_the_caller_is_replaced_within_three_seconds() -> None:
    world = greeted()
    actions = speaks(world)
    assert CloseModel() in actions
    assert ConnectModel() in actions


def test_the_next_session_hears_what_the_caller_said_last_and_answers() -> None:
    world = greeted()
    speaks(world)
    given = begin_again(world)
    heard = [each for each in given if isinstance(each, HearCaller)]
    assert HearCaller(VOICE) in heard
    assert 90 <= len(heard) <= 100
    assert Respond() in world.run(2.0)


def test_the_next_session_that_hears_the_caller_by_itself_is_not_told_to_answer() -> None:
    world = greeted()
    speaks(world)
    begin_again(world)
    world.feed(ev.CallerSpeechStarted("c", 300))
    assert Respond() not in world.run(4.0)


def test_the_next_session_that_answers_by_itself_is_not_asked_for_another_answer() -> None:
    world = greeted()
    speaks(world)
    begin_again(world)
    world.feed(ev.CallerSpeechStarted("c", 300), ev.CallerSpeechStopped("c", 1500))
    actions = world.say("b", b"b" * SECOND, "At noon.", response="r2")
    assert Respond() not in [*actions, *world.run(4.0)]


def test_what_no_session_takes_for_speech_is_noise_and_costs_one_session() -> None:
    world = greeted()
    speaks(world)
    begin_again(world)
    world.run(1.6)
    world.say("b", b"b" * SECOND, "Sorry?", response="r2")
    world.run(2.0)
    actions = [*makes_sound(world, 60.0)]
    assert CloseModel() not in actions


def test_a_model_that_notices_the_caller_may_let_them_speak_for_as_long_as_they_like() -> None:
    world = greeted()
    makes_sound(world, 0.3)
    world.feed(ev.CallerSpeechStarted("c", 0))
    assert CloseModel() not in makes_sound(world, 40.0)


def test_sounds_under_the_agents_words_are_its_echo() -> None:
    world = greeted()
    world.say("b", b"b" * 10 * SECOND, "A long story.", response="r2")
    assert CloseModel() not in makes_sound(world, 9.0)


def test_a_silent_caller_and_short_sounds_are_nothing_to_notice() -> None:
    world = greeted()
    actions: list[Action] = []
    for _ in range(5):
        actions += makes_sound(world, 0.3)
        actions += makes_sound(world, 9.0, QUIET)
    assert CloseModel() not in actions


def test_a_model_that_never_notices_the_end_of_the_callers_words_is_replaced() -> None:
    world = greeted(CallPlan(idle_seconds=6))
    world.feed(ev.CallerSpeechStarted("c", 0))
    makes_sound(world, 1.0)
    assert CloseModel() not in makes_sound(world, 5.0, QUIET)
    assert CloseModel() in makes_sound(world, 1.0, QUIET)
    begin_again(world)
    assert Respond() in world.run(2.0)


def test_a_model_that_waits_for_the_rest_of_a_sentence_is_given_its_time() -> None:
    world = greeted(CallPlan(pause_ms=None))
    world.feed(ev.CallerSpeechStarted("c", 0))
    makes_sound(world, 1.0)
    assert CloseModel() not in makes_sound(world, 12.0, QUIET)
    assert CloseModel() in makes_sound(world, 2.0, QUIET)
