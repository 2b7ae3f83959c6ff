"""What happens to a node's calls, for whoever listens: each state of a record as it is kept.

A listener that does not keep up is let go, and told so: it can ask for the calls as they are, and listen
again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from runtime.call_record import CallRecord

MOST_LISTENERS: Final = 50
MOST_WAITING: Final = 200
"""Records that wait for a listener."""
HEARTBEAT_SECONDS: Final = 15.0
"""After so long without news the connection is given a sign of life: proxies close silent ones."""
HEARTBEAT: Final = b": still here\n\n"
LAGGED: Final = b"event: lagged\ndata: {}\n\n"


class CallFeed:
    """The listeners of one node. Without any, publishing costs nothing."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[CallRecord | None]] = set()

    def publish(self, record: CallRecord) -> None:
        """Tell all listeners how a call stands. Never waits."""
        for listener in tuple(self._listeners):
            if listener.qsize() < MOST_WAITING:
                listener.put_nowait(record)
            else:  # its last word has room behind them
                self._listeners.discard(listener)
                listener.put_nowait(None)

    @property
    def full(self) -> bool:
        """Whether there are as many listeners as a node has room for."""
        return len(self._listeners) >= MOST_LISTENERS

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """Yield server-sent events, from the first request for one on, until nobody asks for more."""
        listener: asyncio.Queue[CallRecord | None] = asyncio.Queue()
        self._listeners.add(listener)
        try:
            async for event in _events(listener):
                yield event
        finally:
            self._listeners.discard(listener)


async def _events(listener: asyncio.Queue[CallRecord | None]) -> AsyncGenerator[bytes, None]:
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                record = await listener.get()
        except TimeoutError:
            yield HEARTBEAT
            continue
        if record is None:
            yield LAGGED
            return
        yield b"event: call\ndata: " + msgspec.json.encode(record.to_json()) + b"\n\n"
