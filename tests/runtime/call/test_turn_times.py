"""How long a caller waits for an answer, measured turn by turn."""

from __future__ import annotations

from base64 import b64encode

from runtime.call import events as ev
from runtime.call.plan import CallPlan
from runtime.call_record import TurnLatency
from tests.runtime.call.talk import QUIET, SECOND
from tests.runtime.call.world import Network, World, payload

LINE = Network(down=0.04, up=0.05)


def quiet_call(pause_ms: int | None = 500) -> World:
    world = World(CallPlan(pause_ms=pause_ms), LINE)
    world.answer()
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    return world


def ask(world: World, number: int = 1) -> None:
    """Let the caller say something; the model notices 30 ms after it was given the end of the pause."""
    world.feed(ev.CallerSpeechStarted(f"c{number}", 0))
    second = b64encode(b"\xff" * SECOND).decode()
    world.feed(ev.CallerAudio(second))
    world.feed(ev.CallerSpeechStopped(f"c{number}", 970))


def test_each_stage_of_a_turn_is_measured() -> None:
    world = quiet_call()
    ask(world)
    world.run(0.3)
    world.say("a", b"a" * SECOND)
    world.run(1.0)
    # The pause of 500 ms and 30 ms on the way; 300 ms for the model; the mark 100 ms and both ways later.
    assert world.machine.facts.turns == [TurnLatency(pause_ms=530, model_ms=300, frame_ms=300, heard_ms=490)]


def test_a_pause_of_unknown_length_is_not_guessed() -> None:
    world = quiet_call(pause_ms=None)
    ask(world)
    world.say("a", b"a" * SECOND)
    assert world.machine.facts.turns[0].pause_ms is None


def test_the_rest_of_the_answer_before_is_not_taken_for_the_new_one() -> None:
    world = quiet_call()
    world.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "a", payload(b"a" * 800)))
    ask(world)
    world.run(0.2)
    world.feed(ev.ModelAudio("r1", "a", payload(b"a" * 800)), ev.ResponseEnded("r1", "completed"))
    world.run(0.2)
    world.say("b", b"b" * SECOND, response="r2")
    world.run(1.0)
    assert [turn.model_ms for turn in world.machine.facts.turns] == [400]


def test_an_answer_that_is_cut_before_its_first_mark_was_not_heard() -> None:
    world = quiet_call()
    ask(world, 1)
    world.say("a", b"a" * SECOND, end=False)
    world.run(0.05)
    ask(world, 2)
    world.feed(ev.ResponseEnded("r1", "cancelled"))
    world.say("b", b"b" * SECOND, response="r2")
    world.run(1.0)
    first, second = world.machine.facts.turns
    assert (first.frame_ms, first.heard_ms) == (0, None)
    assert second.heard_ms is not None


def test_words_that_nobody_asked_for_are_no_turn() -> None:
    world = quiet_call()
    world.say("a", b"a" * SECOND)
    world.feed(ev.CallerAudio(QUIET))
    world.run(2.0)
    assert world.machine.facts.turns == []
