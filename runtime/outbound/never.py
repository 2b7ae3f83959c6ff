"""The declared lists of numbers that are never called, as they are at this moment: files change."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from runtime.outbound.leads import caller_of, read_do_not_call
from schemas.errors import TmError

if TYPE_CHECKING:
    from schemas import Campaign, Fleet

_State: TypeAlias = tuple[tuple[Path, int, int], ...]


class NeverCalled:
    """Reads the lists of a fleet's campaigns, again when they have changed. Its methods block."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._read: dict[str, tuple[_State, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def forbids(self, campaign: Campaign, number: str) -> bool:
        """Tell whether a campaign never calls a number, in E.164.

        Raises `TmError` when a list cannot be read whole: then nobody is to be called.
        """
        with self._lock:
            state = _state(campaign.do_not_call)
            known = self._read.get(campaign.name)
            if known is None or known[0] != state:
                numbers = read_do_not_call(campaign.do_not_call, caller_of(self._fleet, campaign))
                known = self._read[campaign.name] = (state, numbers)
            return number in known[1]


def _state(paths: tuple[Path, ...]) -> _State:
    """Return what changes when one of the files does."""
    try:
        stats = [(path, path.stat()) for path in paths]
    except OSError as error:
        raise TmError(f"{error.filename}: {error.strerror}") from None
    return tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)
