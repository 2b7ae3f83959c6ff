"""How much a stream may send."""

from __future__ import annotations

from runtime.legs.flood import MOST, WINDOW, Flood


def send(
    flood: Flood, per_second: float, seconds: float, characters: int = 350, begin: float = 100.0
) -> bool:
    """Return whether so many messages a second are too many within so many seconds."""
    count = round(per_second * seconds)
    return any(flood.rises(characters, begin + number / per_second) for number in range(count))


def test_a_call_with_its_marks_is_no_flood() -> None:
    assert not send(Flood(), 60, 120)


def test_a_line_may_catch_up_with_what_it_held_back() -> None:
    flood = Flood()
    assert not send(flood, 10_000, 0.06)  # twelve seconds of audio, all at once
    assert not send(flood, 50, 30, begin=100.06)


def test_more_than_four_times_real_time_for_five_seconds_is_a_flood() -> None:
    assert not send(Flood(), 190, 60)
    assert send(Flood(), 210, WINDOW)


def test_large_messages_count_for_several() -> None:
    assert send(Flood(), 20, WINDOW, characters=10 * 512)
    assert MOST == 1000
