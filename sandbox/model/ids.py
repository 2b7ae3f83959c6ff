"""Ids of everything that the model server makes."""

from __future__ import annotations

import random
from collections.abc import Callable


def id_maker(rng: random.Random) -> Callable[[str], str]:
    """Return a maker of ids such as `item_3f0c…`: the same ones for the same seed."""
    return lambda kind: f"{kind}_{rng.getrandbits(80):020x}"
