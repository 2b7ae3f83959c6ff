"""Where the caller's ear is, by what was sent and which marks came back."""

from __future__ import annotations

from itertools import pairwise

import pytest

from runtime.call.playback.playhead import Playhead

MESSAGE = 800  # bytes, 100 ms


def stream(playhead: Playhead, messages: int, *, lateness: list[float]) -> float:
    """Send a message each 100 ms, acknowledge each when it has been played, and return the time after it."""
    now = 10.0
    for number in range(messages):
        now = 10.0 + number * 0.1
        playhead.send(MESSAGE, now)
        playhead.mark(f"g1.{number}")
        late = lateness[min(number, len(lateness) - 1)]
        if number >= 4:  # marks of some messages ago
            playhead.acknowledge(f"g1.{number - 4}", 10.0 + (number - 3) * 0.1 + late)
    return now


def test_between_marks_the_ear_moves_with_the_clock() -> None:
    playhead = Playhead()
    playhead.send(8000, 10.0)
    heard = [playhead.heard(10.0 + step / 10) for step in range(1, 10)]
    assert [later - earlier for earlier, later in pairwise(heard)] == pytest.approx([800] * 8, abs=1)


def test_nothing_is_heard_that_was_not_sent() -> None:
    playhead = Playhead()
    playhead.send(MESSAGE, 10.0)
    assert playhead.heard(11.0) == MESSAGE


def test_what_was_acknowledged_was_heard_however_early() -> None:
    playhead = Playhead()
    playhead.send(MESSAGE, 10.0)
    playhead.mark("g1.1")
    assert playhead.acknowledge("g1.1", 10.05)
    assert playhead.heard(10.05) == MESSAGE


def test_silence_between_two_runs_is_not_heard_time() -> None:
    playhead = Playhead()
    playhead.send(MESSAGE, 10.0)
    playhead.send(8000, 15.0)
    assert playhead.heard(15.5) == pytest.approx(MESSAGE + 4000, abs=200)


def test_a_mark_is_known_once() -> None:
    playhead = Playhead()
    playhead.send(MESSAGE, 10.0)
    playhead.mark("g1.1")
    assert playhead.acknowledge("g1.1", 10.1)
    assert not playhead.acknowledge("g1.1", 10.2)
    assert not playhead.acknowledge("g9.9", 10.2)


def test_a_mark_that_was_cleared_is_stale() -> None:
    playhead = Playhead()
    playhead.send(MESSAGE, 10.0)
    playhead.mark("g1.1")
    playhead.cut()
    assert not playhead.acknowledge("g1.1", 10.1)


def test_a_later_mark_stands_for_a_lost_one() -> None:
    playhead = Playhead()
    for number in range(2):
        playhead.send(MESSAGE, 10.0)
        playhead.mark(f"g1.{number}")
    assert playhead.acknowledge("g1.1", 10.2)
    assert not playhead.acknowledge("g1.0", 10.2)


def test_single_late_marks_are_jitter_and_move_nothing() -> None:
    calm, jittery = Playhead(), Playhead()
    now = stream(calm, 40, lateness=[0.05])
    stream(jittery, 40, lateness=[0.05, 0.2, 0.05, 0.15] * 10)
    assert jittery.heard(now) == calm.heard(now)


def test_a_carrier_that_ran_dry_is_noticed_by_its_late_marks() -> None:
    playhead = Playhead()
    now = stream(playhead, 40, lateness=[0.05] * 20 + [0.45])  # 400 ms behind from the 20th message on
    assert playhead.heard(now + 0.1) == pytest.approx(40 * MESSAGE - 3200, abs=320)
