"""What ends a run before its time: SIGINT and SIGTERM, the first as a request and the second at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol


class Halt(Protocol):
    """A request to begin nothing new."""

    def is_set(self) -> bool:
        """Tell whether it was made."""
        ...


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A request that was made as soon as one of several was."""

    requests: tuple[Halt, ...]

    def is_set(self) -> bool:
        """Tell whether any was made."""
        return any(request.is_set() for request in self.requests)


@contextmanager
def interrupted_by(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` in the event loop on the first SIGINT or SIGTERM while the context lasts.

    The signal's former handler is then back in place, so that a second one ends the run at once.
    """
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(number, former[signal.Signals(number)])
        loop.call_soon_threadsafe(interrupt)

    for number in former:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
