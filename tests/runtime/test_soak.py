"""Two hundred calls of every kind leave nothing behind; `python -m bench.soak` holds 2,000."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.soak import KINDS, growth, soak

WARM_UP = 4  # waves, until caches and lists that are kept have their size
WAVES = 16
FEW = 3  # objects a call, for what a thread happens to hold while they are counted
LITTLE = 2000  # bytes a call, for caches that still fill; a call that stays holds far more


@pytest.fixture
def nothing_older() -> Iterator[None]:
    """Count nothing that other tests and the modules made: looking through that takes most of the time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("nothing_older")
def test_after_two_hundred_calls_memory_is_flat_and_no_task_timer_or_file_is_left(tmp_path: Path) -> None:
    measured = soak(tmp_path, WAVES, every=1)
    assert measured[-1].calls == WAVES * len(KINDS) >= 200
    objects, allocated = growth(measured[WARM_UP:])
    assert objects < FEW
    assert allocated < LITTLE
