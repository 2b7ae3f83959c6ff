"""A session that is about to expire is handed over to another, in virtual time: nobody notices."""

from __future__ import annotations

import pytest

from runtime.call import events as ev
from runtime.call.actions import (
    Action,
    CloseModel,
    ConfigureModel,
    ConnectModel,
    Finished,
    HearCaller,
    Recall,
    Respond,
    SwapModel,
)
from runtime.call.plan import CallPlan
from runtime.call.thinking.handover import LONGEST_ATTEMPT
from tests.runtime.call.world import BYTES_PER_SECOND, STREAM, World, payload

SECOND = BYTES_PER_SECOND
HOUR = 3600.0
EPOCH = 1_790_000_000.0  # what the wall clock shows at 0 of the call's clock
PLAN = CallPlan(max_call_seconds=4 * HOUR, epoch_at_zero=EPOCH)
CONNECT, CONFIGURE = ConnectModel(successor=True), ConfigureModel(successor=True)


def configured(world: World, life: float = HOUR) -> ev.ModelConfigured:
    return ev.ModelConfigured(True, expires_at=EPOCH + world.now + life)


def talking(life: float = HOUR) -> World:
    """A call whose greeting was heard, with a session of so many seconds."""
    world = World(PLAN)
    world.feed(ev.ModelConnected(), configured(world, life), ev.StreamStarted(STREAM, "CA1"))
    world.say("greeting", b"g" * SECOND, "Good evening.", response="r0")
    world.run(2.0)
    return world


def prepared(world: World) -> list[Action]:
    """Bring the successor up, and return what the call made of that."""
    assert world.feed(ev.OfSuccessor(ev.ModelConnected())) == [CONFIGURE]
    return world.feed(ev.OfSuccessor(configured(world)))


def test_a_session_of_an_hour_is_followed_by_another_five_minutes_before_its_end() -> None:
    world = talking()
    assert world.run(HOUR - 300 - 2.1) == []
    assert world.run(0.2) == [CONNECT]
    assert prepared(world) == [SwapModel(), Recall("agent", "Good evening.", "greeting")]
    assert world.feed(ev.CallerAudio("voice"))[-1] == HearCaller("voice")


def test_a_short_session_is_followed_in_the_last_tenth_of_its_life() -> None:
    world = talking(life=60.0)
    assert world.run(60.0 - 6.0 - 2.1) == []
    assert world.run(0.2) == [CONNECT]


def test_the_second_session_is_followed_as_well() -> None:
    world = talking()
    for _ in range(3):
        world.run(HOUR - 300 + 3.0)
        assert prepared(world)[0] == SwapModel()
    assert not world.ended


def test_nobody_is_interrupted_by_a_handover() -> None:
    world = talking()
    world.run(HOUR - 300)
    world.feed(ev.CallerSpeechStarted("c", 0))
    assert SwapModel() not in prepared(world)
    world.feed(ev.CallerSpeechStopped("c", 900), ev.CallerWords("c", "Hello?"))
    assert SwapModel() not in world.say("a", b"a" * 2 * SECOND, "We are open.", response="r1")
    assert SwapModel() not in world.run(1.9)
    actions = world.run(0.3)
    assert [action for action in actions if isinstance(action, SwapModel | Recall)] == [
        SwapModel(),
        Recall("agent", "Good evening.", "greeting"),
        Recall("caller", "Hello?", "c"),
        Recall("agent", "We are open.", "a"),
    ]
    assert not [action for action in actions if isinstance(action, Respond)]
    assert world.carrier.heard(world.now).count(b"a") == 2 * SECOND


def test_half_a_minute_before_the_end_the_next_pause_between_two_responses_is_taken() -> None:
    world = talking()
    world.run(HOUR - 300)
    world.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "a", payload(b"a" * 400 * SECOND)))
    prepared(world)
    for _ in range(40):
        world.run(7.0)
        assert SwapModel() not in world.feed(ev.ModelAudio("r1", "a", payload(b"a" * SECOND)))
    actions = world.feed(ev.ModelAudioDone("a"), ev.ResponseEnded("r1", "completed"))
    assert SwapModel() in actions
    world.run(10.0)
    assert world.carrier.heard(world.now).endswith(b"a" * SECOND)


def test_a_session_that_expires_after_all_is_replaced_by_its_successor_at_once() -> None:
    world = talking()
    world.run(HOUR - 300)
    world.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "a", payload(b"a" * SECOND)))
    prepared(world)
    actions = world.feed(ev.ModelLost("session_expired"))
    assert actions[0] == SwapModel()
    assert actions[-1] == Respond()


def test_a_successor_that_fails_costs_the_call_nothing_and_is_tried_again() -> None:
    world = talking()
    world.run(HOUR - 300)
    for fault in (
        ev.ModelUnavailable("503", may_pass=True),
        ev.ModelUnavailable("401"),
        ev.ModelLost("1006"),
    ):
        assert world.feed(ev.OfSuccessor(fault)) == [CloseModel(successor=True)]
        assert world.run(29.9) == []
        assert world.run(0.2) == [CONNECT]
    assert prepared(world)[0] == SwapModel()


def test_a_successor_that_never_gets_ready_is_given_up() -> None:
    world = talking()
    world.run(HOUR - 300)
    world.feed(ev.OfSuccessor(ev.ModelConnected()))
    assert world.run(LONGEST_ATTEMPT + 0.1) == [CloseModel(successor=True)]


def test_a_successor_of_another_format_is_asked_once_more_and_then_left() -> None:
    world = talking()
    world.run(HOUR - 300)
    world.feed(ev.OfSuccessor(ev.ModelConnected()))
    wrong = ev.OfSuccessor(ev.ModelConfigured(False, "output format is audio/pcm"))
    assert world.feed(wrong) == [CONFIGURE]
    assert world.feed(wrong) == [CloseModel(successor=True)]


def test_a_session_that_is_lost_while_its_successor_comes_up_is_replaced_in_the_usual_way() -> None:
    world = talking()
    world.run(HOUR - 300)
    assert world.feed(ev.ModelLost("1006")) == [CloseModel(), CloseModel(successor=True)]
    assert ConnectModel() in world.run(0.3)


def test_a_call_that_ends_closes_both_connections() -> None:
    world = talking()
    world.run(HOUR - 300)
    assert world.feed(ev.StreamStopped()) == [CloseModel(), CloseModel(successor=True), Finished()]


@pytest.mark.parametrize("life", [-7200.0, 0.0, 4.0])
def test_a_server_whose_clock_is_wrong_is_not_believed(life: float) -> None:
    world = talking(life=life)
    assert world.run(HOUR) == []
