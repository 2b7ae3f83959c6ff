"""What callers and operators of other bridges suffered, as calls that go well here; docs/call-promises.md."""

from __future__ import annotations

import pytest

from runtime.call import events as ev
from runtime.call.actions import ClearPlayback, PlayAudio, TruncateItem
from runtime.call.hearing.interruption import InterruptTerms
from tests.runtime.call.talk import SECOND, answered, coughs, makes_sound
from tests.runtime.call.world import World, payload, spoken


def talking() -> World:
    """Return a call in which the model has said all of six seconds, and the caller has heard two."""
    world = World()
    world.answer()
    world.say("a", b"a" * 6 * SECOND, "one two three four five six")
    world.run(2.0)
    return world


def test_the_agent_is_silent_as_soon_as_the_caller_speaks_not_seconds_later() -> None:
    world = talking()
    assert world.feed(ev.CallerSpeechStarted("c1", 0))[0] == ClearPlayback()
    heard = len(world.carrier.heard(world.now))
    world.run(5.0)
    assert len(world.carrier.heard(world.now)) - heard <= 0.1 * SECOND


def test_an_interruption_works_after_the_model_has_finished_generating_too() -> None:
    world = talking()  # `response.done` has come long before the caller's ear is there
    cut = [
        action for action in world.feed(ev.CallerSpeechStarted("c1", 0)) if isinstance(action, TruncateItem)
    ]
    assert [abs(action.heard_ms - 2000) <= 40 for action in cut] == [True]


def test_an_interruption_that_asks_for_words_takes_no_longer_than_saying_them() -> None:
    world = answered(InterruptTerms(min_words=3))
    world.say("a", b"a" * 20 * SECOND)
    world.run(1.0)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    assert ClearPlayback() in makes_sound(world, 1.5)  # no transcript has come, and perhaps none ever will


@pytest.mark.parametrize("terms", [InterruptTerms(after_ms=250), InterruptTerms(resume=True)])
def test_uh_huh_and_a_cough_do_not_end_the_agents_sentence(terms: InterruptTerms) -> None:
    world = answered(terms)
    world.say("a", b"a" * 6 * SECOND, "one two three four five six")
    world.run(2.0)
    coughs(world, seconds=0.2)
    world.run(8.0)
    assert abs(len(world.carrier.heard(world.now)) / 8 - 6000) <= 40
    assert world.machine.transcript[0].interrupted is False


def test_words_begin_without_a_stutter_whatever_pieces_the_model_sends() -> None:
    world = World()
    world.answer()
    world.feed(ev.ResponseStarted("r1"))
    for size in (7, 1, 159, 161, 3, 800, 12_000, 333):
        world.feed(ev.ModelAudio("r1", "a", payload(b"a" * size)))
    messages = [spoken([action]) for action in world.run(3.0) if isinstance(action, PlayAudio)]
    assert all(len(message) % 160 == 0 for message in messages)
    begins = [at for at, _ in world.carrier.pieces]
    ends = [at + len(audio) / SECOND for at, audio in world.carrier.pieces]
    assert all(abs(begin - end) < 1e-6 for begin, end in zip(begins[1:], ends, strict=False))


@pytest.mark.parametrize(
    "code", ["response_cancel_not_active", "input_audio_buffer_commit_empty", "no_such_code"]
)
def test_an_error_that_means_nothing_ends_no_call(code: str) -> None:
    world = talking()
    world.feed(ev.ModelProblem(code, "m"), ev.RequestRefused("conversation_already_has_active_response", "m"))
    world.run(4.5)
    assert not world.ended
    assert len(world.carrier.heard(world.now)) == 6 * SECOND
