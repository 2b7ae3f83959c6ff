"""Two hundred calls of every kind leave nothing behind; `python -m bench.soak` holds 2,000."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.soak import KINDS, growth, soak

WARM_UP = 4  # waves, until caches and lists that are kept have their size
WAVES = 16
LITTLE = 2000  # bytes a call, for caches that still fill; a call that stays holds far more


def test_after_two_hundred_calls_memory_is_flat_and_no_task_timer_or_file_is_left(tmp_path: Path) -> None:
    measured = soak(tmp_path, WAVES, every=1)
    assert measured[-1].calls == WAVES * len(KINDS) >= 200
    objects, allocated = growth(measured[WARM_UP:])
    assert objects < 1
    assert allocated < LITTLE
