"""A node that is too busy sends new callers elsewhere, and does not flap."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runtime.figures.load import BUSY_LAG, CALM_LAG, HOLD_SECONDS, SAMPLE_SECONDS, LoadGate


def opened_after(gate: LoadGate, lags: Iterable[float], start: float = 0.0) -> list[bool]:
    return [gate.sample(lag, start + number * SAMPLE_SECONDS) for number, lag in enumerate(lags)]


def test_one_late_moment_does_not_turn_callers_away() -> None:
    assert all(opened_after(LoadGate(), [0.0] * 20 + [2.0] + [0.0] * 100))


def test_a_loop_that_stays_late_takes_no_new_calls_until_it_has_been_calm() -> None:
    gate = LoadGate()
    assert opened_after(gate, [3 * BUSY_LAG] * 60)[-1] is False
    calm = opened_after(gate, [0.0] * 100, start=100.0)
    assert calm[0] is False
    assert calm[-1] is True


@given(st.lists(st.floats(0, 5), max_size=300))
def test_the_gate_never_changes_twice_within_its_pause(lags: list[float]) -> None:
    states = [True, *opened_after(LoadGate(), lags)]
    changes = [number for number in range(1, len(states)) if states[number] != states[number - 1]]
    least = round(HOLD_SECONDS / SAMPLE_SECONDS)
    assert all(later - earlier >= least for earlier, later in pairwise(changes))


@given(st.lists(st.floats(0, CALM_LAG), max_size=200))
def test_a_calm_loop_is_always_open(lags: list[float]) -> None:
    assert all(opened_after(LoadGate(), lags))
