"""2,000 calls of every kind through one node in virtual time: memory stays flat. Run: python -m bench.soak.

The kinds of calls are those of tests/runtime/soak.py: hang-ups in every state, refused ones, a model that is
lost, tools, interruptions, broken lines. Fails when what is in memory grows by 1 % in 500 calls.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.runtime.soak import KINDS, Left, growth, soak

CALLS = 2_000
MEASURED_EVERY = 8  # waves
WARM_UP = 2  # measurements
PER = 500  # calls
MOST_GROWTH = 0.01


def main() -> None:
    """Hold the calls and print what stays."""
    waves = -(-CALLS // len(KINDS))
    with tempfile.TemporaryDirectory() as folder:
        measured = soak(Path(folder), waves, every=MEASURED_EVERY)
    for left in measured:
        print(f"after {left.calls:>5} calls: {left.objects:>8} objects, {left.bytes / 1e6:6.3f} MB")
    sys.exit(not flat(measured[WARM_UP:]))


def flat(measured: list[Left]) -> bool:
    """Print by how much memory grows in so many calls; whether that is little."""
    objects, allocated = growth(measured)
    shares = objects * PER / measured[0].objects, allocated * PER / measured[0].bytes
    print(f"growth in {PER} calls: objects {shares[0]:+.2%}, bytes {shares[1]:+.2%}")
    return max(shares) < MOST_GROWTH


if __name__ == "__main__":
    main()
