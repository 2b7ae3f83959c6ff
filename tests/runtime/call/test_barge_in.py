"""When the caller speaks into the agent's words: what was heard, what is cut, what the model is told."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.call import events as ev
from runtime.call.actions import (
    Action,
    CancelResponse,
    ClearPlayback,
    DeleteItem,
    PlayAudio,
    Respond,
    TruncateItem,
)
from runtime.call.plan import CallPlan, Capabilities
from tests.runtime.call.world import BYTES_PER_SECOND, Network, World, payload, spoken

SECOND = BYTES_PER_SECOND
BARGE_IN = ev.CallerSpeechStarted("caller-1", 0)


def answered(plan: CallPlan | None = None) -> World:
    world = World(plan)
    world.answer()
    return world


def test_a_barge_in_clears_first_and_truncates_at_what_was_heard() -> None:
    world = answered()
    world.say("a", b"a" * 8 * SECOND)
    world.run(3.0)
    clear, truncate = world.feed(BARGE_IN)
    assert clear == ClearPlayback()
    assert isinstance(truncate, TruncateItem)
    assert truncate.item_id == "a"
    assert abs(truncate.heard_ms - 3000) <= 40


def test_an_item_of_which_nothing_was_heard_is_deleted() -> None:
    world = answered()
    world.say("a", b"a" * 3 * SECOND, response="r1")
    world.say("b", b"b" * 5 * SECOND, response="r2")
    world.run(2.0)
    actions = world.feed(BARGE_IN)
    assert [type(action) for action in actions] == [ClearPlayback, TruncateItem, DeleteItem]
    assert actions[2] == DeleteItem("b")


def test_a_barge_in_after_everything_was_heard_does_nothing() -> None:
    world = answered()
    world.say("a", b"a" * SECOND)
    world.run(1.5)
    assert world.feed(BARGE_IN) == []


def test_a_barge_in_while_the_agent_is_silent_does_nothing() -> None:
    assert answered().feed(BARGE_IN) == []


def test_what_the_model_still_says_after_a_barge_in_is_not_played() -> None:
    world = answered()
    world.say("a", b"a" * SECOND, end=False)
    world.run(0.3)
    world.feed(BARGE_IN)
    late = world.feed(
        ev.ModelAudio("r1", "a", payload(b"a" * SECOND)),
        ev.ModelAudio("r1", "b", payload(b"b" * SECOND)),
    )
    assert late == []
    assert spoken(world.run(5.0)) == b""


def test_audio_of_an_item_that_was_cut_stays_unheard_when_its_response_is_over() -> None:
    world = answered()
    world.say("a", b"a" * 2 * SECOND)
    world.run(0.3)
    world.feed(BARGE_IN)
    assert world.feed(ev.ModelAudio("r1", "a", payload(b"a" * SECOND))) == []
    assert spoken(world.run(5.0)) == b""


def test_the_answer_to_a_barge_in_is_played() -> None:
    world = answered()
    world.say("a", b"a" * SECOND, end=False)
    world.run(0.3)
    world.feed(BARGE_IN, ev.ResponseEnded("r1", "cancelled", "turn_detected"))
    world.say("b", b"b" * SECOND, response="r2")
    world.run(2.0)
    assert world.carrier.heard(world.now).count(b"b") == SECOND


def test_marks_that_the_clear_returned_are_not_booked_as_heard() -> None:
    world = answered()
    world.say("a", b"a" * 2 * SECOND)
    world.run(0.5)
    world.feed(BARGE_IN)
    world.say("b", b"b" * 2 * SECOND, response="r2")
    world.run(1.0)  # the stale marks have long returned
    truncate = world.feed(ev.CallerSpeechStarted("caller-2", 0))[1]
    assert isinstance(truncate, TruncateItem)
    assert truncate.item_id == "b"
    assert abs(truncate.heard_ms - 1000) <= 40


def test_a_model_that_stops_by_itself_is_not_told_to() -> None:
    world = answered()
    world.say("a", b"a" * SECOND, end=False)
    world.run(0.3)
    assert not any(isinstance(action, CancelResponse) for action in world.feed(BARGE_IN))


def test_a_model_that_does_not_stop_by_itself_is_told_to() -> None:
    world = answered(CallPlan(capabilities=Capabilities(cancels_on_speech=False)))
    world.say("a", b"a" * SECOND, end=False)
    world.run(0.3)
    assert CancelResponse("r1") in world.feed(BARGE_IN)


def test_no_response_is_cancelled_that_has_ended() -> None:
    world = answered(CallPlan(capabilities=Capabilities(cancels_on_speech=False)))
    world.say("a", b"a" * SECOND)
    world.run(0.3)
    assert not any(isinstance(action, CancelResponse) for action in world.feed(BARGE_IN))


def test_the_transcript_keeps_the_words_that_were_heard() -> None:
    world = answered()
    text = "one two three four five six seven eight nine ten"
    world.say("a", b"a" * 5 * SECOND, text)
    world.run(2.5)
    world.feed(BARGE_IN, ev.ModelWordsDone("a", text))
    (entry,) = world.machine.transcript
    assert entry.text == "one two three four five"
    assert entry.interrupted
    assert entry.heard_ms is not None
    assert abs(entry.heard_ms - 2500) <= 40


def test_an_utterance_that_nobody_heard_is_not_in_the_transcript() -> None:
    world = World()
    world.feed(ev.ModelConnected(), ev.ModelConfigured(True))
    world.say("a", b"a" * SECOND, "Good evening.")
    world.feed(BARGE_IN)
    assert world.machine.transcript == ()


def test_at_most_200_ms_are_ahead_of_the_ear_so_a_lost_clear_costs_little() -> None:
    world = answered()
    world.say("a", b"a" * 10 * SECOND)
    for _ in range(50):
        world.run(0.1)
        sent = len(spoken([action for _, action in world.done]))
        assert sent <= (world.now - 100.0 + 0.2) * SECOND + 1


def test_after_a_stall_the_line_catches_up_without_a_burst() -> None:
    world = answered()
    world.say("a", b"a" * 10 * SECOND)
    world.run(1.0)
    world.now += 0.7  # nobody woke the machine
    burst = spoken(world.machine.wake(world.now))
    assert 0 < len(burst) <= SECOND * 0.2


# --- laws, over many calls ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class BargeIn:
    """The result of one: per item what the machine said was heard, what was heard, what was received (ms)."""

    said: dict[str, int]
    truth: dict[str, float]
    received: dict[str, float]


def random_barge_in(seed: int, network: Network) -> BargeIn:
    """Play a call of a few utterances in odd chunks at several times real time, and cut it somewhere."""
    chance = random.Random(seed)
    world = World(network=network, seed=seed)
    world.answer()
    world.say("warm-up", b"\0" * chance.randrange(SECOND, 3 * SECOND), response="r0")
    world.run(4.0)
    items = {
        chr(ord("a") + number): chance.randrange(1500, 6 * SECOND) for number in range(chance.randrange(1, 4))
    }
    moment, speed = world.now, chance.uniform(1.5, 8)
    barge_in_at = world.now + chance.uniform(0.3, sum(items.values()) / SECOND)
    received = dict.fromkeys(items, 0)

    def give(item: str, size: int) -> None:
        received[item] += size
        world.feed(ev.ModelAudio("r1", item, payload(item.encode() * size)))

    world.feed(ev.ResponseStarted("r1"))
    for item, length in items.items():
        left = length
        while left:
            size = min(left, chance.randrange(1, 3200))
            left -= size
            world.at(moment, partial(give, item, size))
            moment += size / SECOND / speed
        world.at(moment, partial(world.feed, ev.ModelAudioDone(item)))
    world.run(barge_in_at - world.now)
    got = dict(received)
    actions = world.feed(BARGE_IN)
    world.run(network.down + network.down_jitter + 0.001)
    return BargeIn(
        said=said_to_be_heard(actions),
        truth=actually_heard(world, items),
        received={item: size / 8 for item, size in got.items()},
    )


def said_to_be_heard(actions: list[Action]) -> dict[str, int]:
    said: dict[str, int] = {}
    for action in actions:
        if isinstance(action, TruncateItem):
            said[action.item_id] = action.heard_ms
        elif isinstance(action, DeleteItem):
            said[action.item_id] = 0
    return said


def actually_heard(world: World, items: dict[str, int]) -> dict[str, float]:
    if not world.heard_at_clear:
        return {}
    heard = world.heard_at_clear[-1]
    return {item: heard[ord(item)] / 8 for item in items}


def errors_of(network: Network, calls: int) -> list[float]:
    """Return the errors (ms) of the heard positions in many barge-ins; none may exceed what was received."""
    errors = []
    for seed in range(calls):
        result = random_barge_in(seed, network)
        for item, said in result.said.items():
            assert said <= result.received[item]
            errors.append(abs(said - result.truth[item]))
    return sorted(errors)


def p99(errors: list[float]) -> float:
    assert len(errors) > 200
    return errors[int(len(errors) * 0.99)]


def test_the_heard_position_is_right_within_40_ms_on_an_ordinary_line() -> None:
    network = Network(down=0.03, up=0.03, down_jitter=0.01, mark_jitter=0.01, start=0.02)
    assert errors_of(network, 200)[-1] <= 40


def test_the_heard_position_is_right_within_40_ms_with_late_and_lost_marks() -> None:
    network = Network(down=0.04, up=0.04, down_jitter=0.02, mark_jitter=0.2, lost_marks=0.1, start=0.03)
    assert p99(errors_of(network, 200)) <= 40


@settings(max_examples=60, deadline=None)
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=2000), min_size=1, max_size=30),
    pauses=st.lists(st.floats(0, 0.5), min_size=30, max_size=30),
    ends=st.sets(st.integers(0, 29)),
)
def test_what_the_model_says_reaches_the_caller_byte_for_byte(
    chunks: list[bytes], pauses: list[float], ends: set[int]
) -> None:
    world = answered()
    item = 0
    world.feed(ev.ResponseStarted("r1"))
    for number, chunk in enumerate(chunks):
        world.feed(ev.ModelAudio("r1", f"item-{item}", payload(chunk)))
        if number in ends:
            world.feed(ev.ModelAudioDone(f"item-{item}"))
            item += 1
        world.run(pauses[number])
    world.feed(ev.ResponseEnded("r1", "completed"))
    world.run(30.0)
    assert world.carrier.heard(world.now) == b"".join(chunks)


def test_the_next_item_flushes_the_rest_of_one_that_never_said_it_was_done() -> None:
    world = answered()
    world.feed(ev.ModelAudio("r1", "a", payload(b"a" * 333)), ev.ModelAudio("r1", "b", payload(b"b" * 160)))
    world.run(1.0)
    assert world.carrier.heard(world.now) == b"a" * 333 + b"b" * 160


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=20), pause=st.floats(0, 0.3))
def test_audio_goes_out_in_whole_frames_except_at_an_end(sizes: list[int], pause: float) -> None:
    world = answered()
    for size in sizes:
        world.feed(ev.ModelAudio("r1", "a", payload(b"a" * size)))
        world.run(pause)
    world.run(20.0)
    messages = [len(spoken([action])) for action in world.actions(PlayAudio)]
    assert all(size % 160 == 0 and size <= 800 for size in messages)
    assert sum(messages) == sum(sizes) - sum(sizes) % 160


def test_a_model_that_never_stops_talking_fills_a_quarter_of_an_hour_and_no_more() -> None:
    world = World(CallPlan(max_call_seconds=2_000))
    world.answer()
    minute = payload(b"a" * 60 * BYTES_PER_SECOND)
    world.feed(*(ev.ModelAudio("r1", "a", minute) for _ in range(30)))
    world.feed(ev.ModelAudioDone("a"))
    world.run(16 * 60)
    assert len(world.carrier.heard(world.now)) == 15 * 60 * BYTES_PER_SECOND


# --- a response that begins after the caller has


def asked() -> World:
    """A call in which the agent was asked to react to keys, and has not begun to."""
    world = answered()
    world.say("a", b"a" * SECOND)
    world.run(1.5)
    world.feed(ev.KeyPressed("1"))
    assert Respond() in world.run(2.0)
    return world


def test_a_response_that_begins_while_the_caller_speaks_already_is_cancelled_and_not_heard() -> None:
    world = asked()
    world.feed(BARGE_IN)
    assert world.feed(ev.ResponseStarted("r2")) == [CancelResponse("r2")]
    world.feed(ev.ModelAudio("r2", "b", payload(b"b" * SECOND)))
    world.run(0.5)
    world.feed(ev.ResponseEnded("r2", "cancelled"), ev.CallerSpeechStopped("caller-1", 900))
    world.say("c", b"c" * SECOND, response="r3")
    world.run(2.0)
    heard = world.carrier.heard(world.now)
    assert (heard.count(b"b"), heard.count(b"c")) == (0, SECOND)


def test_what_begins_when_the_caller_has_paused_is_the_answer() -> None:
    world = asked()
    world.feed(BARGE_IN, ev.CallerSpeechStopped("caller-1", 300))
    assert world.say("b", b"b" * SECOND, response="r2")
    world.run(2.0)
    assert world.carrier.heard(world.now).count(b"b") == SECOND


def test_nothing_is_asked_for_over_a_caller_who_goes_on_speaking() -> None:
    world = asked()
    world.feed(BARGE_IN, ev.KeyPressed("2"))
    world.run(2.0)
    world.feed(ev.ResponseStarted("r2"))
    assert Respond() not in world.feed(ev.ResponseEnded("r2", "cancelled"))
    assert Respond() not in world.run(3.0)


def test_a_caller_who_never_seems_to_pause_is_answered_in_the_end() -> None:
    world = answered()
    world.say("a", b"a" * SECOND)
    world.run(1.5)
    world.feed(BARGE_IN, ev.KeyPressed("1"))
    assert Respond() in world.run(25.0)
    assert world.feed(ev.ResponseStarted("r2")) == []
