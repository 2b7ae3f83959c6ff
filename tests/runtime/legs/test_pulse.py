"""When a stream that nobody has closed is taken for dead."""

from __future__ import annotations

from runtime.legs.pulse import MOST_MISSED, Pulse


def looks(pulse: Pulse, count: int) -> list[bool]:
    return [pulse.stopped() for _ in range(count)]


def test_a_stream_that_brings_nothing_for_seconds_is_dead() -> None:
    pulse = Pulse()
    pulse.watched = pulse.beats = True
    assert looks(pulse, MOST_MISSED + 1) == [False] * MOST_MISSED + [True]


def test_a_stream_that_brings_a_little_each_few_seconds_lives() -> None:
    pulse = Pulse()
    pulse.watched = True
    for _ in range(20):
        assert not any(looks(pulse, MOST_MISSED - 1))
        pulse.beats = True


def test_a_stream_that_has_not_brought_audio_yet_is_left_to_other_limits() -> None:
    assert not any(looks(Pulse(), 100))
