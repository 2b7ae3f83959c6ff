"""How fast a queue lets leads through: about as fast as its campaign calls."""

from __future__ import annotations

import pytest

from runtime.outbound.queueing import limit_of


@pytest.mark.parametrize(
    ("calls_per_second", "limit"),
    [(100, (100, 1)), (2.5, (5, 2)), (1, (1, 1)), (0.01, (1, 100)), (0.004, (1, 250)), (0.0003, (1, 3334))],
)
def test_a_queue_is_as_fast_as_its_campaign(calls_per_second: float, limit: tuple[int, int]) -> None:
    assert limit_of(calls_per_second) == limit
