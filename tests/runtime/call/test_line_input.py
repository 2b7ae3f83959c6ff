"""A bad line: gaps, doubles, frames out of order, and media that stop while the caller speaks."""

from __future__ import annotations

from base64 import b64decode, b64encode

from hypothesis import given
from hypothesis import strategies as st

from runtime.call import events as ev
from runtime.call.actions import HearCaller
from tests.runtime.call.world import STREAM, World

FRAME_MS = 20


def frame(at_ms: int, letter: int = 1) -> ev.CallerAudio:
    return ev.CallerAudio(b64encode(bytes([letter]) * FRAME_MS * 8).decode(), at_ms)


def listening() -> World:
    world = World()
    world.answer()
    world.feed(ev.ResponseStarted("r0"), ev.ResponseEnded("r0", "completed"))
    return world


def given_to_model(world: World) -> bytes:
    """Return all of the caller's audio that the model was given, silence included."""
    heard = [action for action in world.actions(HearCaller) if isinstance(action, HearCaller)]
    return b"".join(b64decode(action.payload) for action in heard)


def test_frames_in_order_pass_as_they_came() -> None:
    world = listening()
    frames = [frame(at) for at in range(5, 205, FRAME_MS)]
    world.feed(*frames)
    assert [each.payload for each in frames] == [
        each.payload for each in world.actions(HearCaller) if isinstance(each, HearCaller)
    ]


def test_a_gap_is_filled_with_silence_so_that_the_models_clock_stays_right() -> None:
    world = listening()
    world.feed(frame(0), frame(320))
    assert given_to_model(world) == b"\1" * 160 + b"\xff" * 300 * 8 + b"\1" * 160
    assert world.machine.facts.caller_audio_filled_ms == 300


def test_a_gap_is_filled_with_two_seconds_at_most() -> None:
    world = listening()
    world.feed(frame(0), frame(60_000))
    assert len(given_to_model(world)) == (FRAME_MS + 2000 + FRAME_MS) * 8


def test_what_comes_twice_or_too_late_is_dropped() -> None:
    world = listening()
    world.feed(frame(0, 1), frame(0, 1), frame(320, 3), frame(20, 2), frame(340, 4))
    assert given_to_model(world) == b"\1" * 160 + b"\xff" * 300 * 8 + b"\3" * 160 + b"\4" * 160
    assert world.machine.facts.caller_frames_dropped == 2


def test_neighbours_that_changed_places_are_put_in_order_and_nothing_is_lost() -> None:
    world = listening()
    for first in range(0, 800, 80):
        world.feed(*(frame(at, at // FRAME_MS) for at in (first, first + 40, first + 20, first + 60)))
    assert given_to_model(world) == b"".join(bytes([number]) * 160 for number in range(40))
    assert world.machine.facts.caller_audio_filled_ms == world.machine.facts.caller_frames_dropped == 0


def test_a_frame_that_is_two_places_late_is_put_in_order_too() -> None:
    world = listening()
    world.feed(*(frame(at, at // FRAME_MS) for at in (0, 40, 60, 20, 80)))
    assert given_to_model(world) == b"".join(bytes([number]) * 160 for number in range(5))


def test_a_frame_that_is_lost_is_waited_for_no_longer_than_two_frames() -> None:
    world = listening()
    world.feed(frame(0, 1), frame(40, 3), frame(60, 4))
    assert given_to_model(world) == b"\1" * 160
    world.feed(frame(80, 5))
    assert given_to_model(world) == b"".join(bytes([code]) * 160 for code in (1, 0xFF, 3, 4, 5))


def test_a_frame_that_waits_when_the_line_goes_dead_is_passed_on() -> None:
    world = listening()
    world.feed(frame(0, 1), ev.CallerSpeechStarted("c1", 0), frame(40, 3))
    world.run(1.5)
    assert given_to_model(world).startswith(b"\1" * 160 + b"\3" * 160 + b"\xff" * 8000)


def test_a_stream_whose_time_stands_still_is_passed_on_as_it_comes() -> None:
    world = listening()
    world.feed(*(frame(5) for _ in range(100)))
    assert 95 <= len(world.actions(HearCaller)) <= 97


def test_a_stream_without_times_is_passed_on_as_it_comes() -> None:
    world = listening()
    world.feed(*(ev.CallerAudio(frame(0).payload) for _ in range(100)))
    assert len(world.actions(HearCaller)) == 100


@given(
    gaps=st.lists(st.integers(0, 1500), max_size=30),
    doubles=st.sets(st.integers(0, 29)),
    odd=st.integers(0, 7),
)
def test_the_model_is_given_as_much_as_time_has_passed(gaps: list[int], doubles: set[int], odd: int) -> None:
    world = listening()
    at = 0
    for number, gap in enumerate([0, *gaps]):
        at += gap
        audio = ev.CallerAudio(b64encode(b"\1" * (FRAME_MS * 8 - odd)).decode(), at)
        world.feed(audio, audio) if number in doubles else world.feed(audio)
        at += FRAME_MS
    for _ in range(4):  # nothing waits for its predecessor any more
        world.feed(frame(at))
        at += FRAME_MS
    assert abs(len(given_to_model(world)) / 8 - at) <= 16 * (odd > 0 or len(gaps) > 0) + 15 * len(gaps)


def test_media_that_stop_while_the_caller_speaks_are_followed_by_silence() -> None:
    world = listening()
    world.feed(frame(0), ev.CallerSpeechStarted("c1", 0))
    world.run(0.99)
    assert len(given_to_model(world)) == 160
    world.run(2.0)  # the model hears silence, and finds that the caller has stopped
    assert given_to_model(world)[160:] == b"\xff" * 2 * 8000
    world.feed(ev.CallerSpeechStopped("c1", 1000))
    world.run(20.0)
    assert len(given_to_model(world)) == 160 + 2 * 8000


def test_a_dead_line_is_not_filled_for_ever() -> None:
    world = listening()
    world.feed(frame(0), ev.CallerSpeechStarted("c1", 0))
    world.run(60.0)
    assert len(given_to_model(world)) == 160 + 10 * 8000


def test_a_line_that_comes_back_is_not_filled_twice() -> None:
    world = listening()
    world.feed(frame(0), ev.CallerSpeechStarted("c1", 0))
    world.run(1.5)
    world.feed(frame(1500))
    assert len(given_to_model(world)) == (FRAME_MS + 1480 + FRAME_MS) * 8


def test_media_that_stop_while_the_caller_is_silent_are_left_alone() -> None:
    world = listening()
    world.feed(frame(0))
    world.run(30.0)
    assert len(given_to_model(world)) == 160


def test_a_stream_that_returns_begins_its_time_anew() -> None:
    world = listening()
    world.feed(frame(90_000), ev.StreamBroken("1006"), ev.StreamStarted(STREAM, "CA1"))
    world.feed(frame(0), frame(20))
    assert given_to_model(world) == b"\1" * 3 * 160
