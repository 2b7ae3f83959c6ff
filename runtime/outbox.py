"""Sending on one socket from several tasks, in order, without a task or timer of its own.

Whoever has something to say puts it in and flushes. While the socket takes everything at once, that is
all there is: the sender's own task writes. When the socket is slow, one task waits for it and the others
leave their messages behind it in the queue, whose bound tells that the peer has stopped reading.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable


class Outbox:
    """An ordered, bounded queue in front of one socket.

    `since` is the moment at which the send under way began, or None: the owner watches it, because a
    half-dead peer accepts nothing and reports nothing.
    """

    def __init__(self, *, most_waiting: int, clock: Callable[[], float]) -> None:
        self._waiting: deque[str] = deque()
        self._most_waiting = most_waiting
        self._clock = clock
        self._send: Callable[[str], Awaitable[None]] | None = None
        self.since: float | None = None
        self._sender: asyncio.Task[object] | None = None
        self._abandoned = False

    def open(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Connect the socket. Messages put before are kept for it."""
        self._send = send

    def close(self) -> None:
        """Disconnect the socket and drop what was not sent."""
        self._send = None
        self._waiting.clear()

    def abandon(self) -> None:
        """Disconnect a socket that is given up, and free the task that waits for it; for good."""
        self.close()
        if self.since is not None and self._sender is not None and not self._abandoned:
            self._abandoned = True
            self._sender.cancel()

    @property
    def empty(self) -> bool:
        """Whether everything has been handed to the socket."""
        return not self._waiting

    def put(self, message: str) -> bool:
        """Queue a message; False when the queue is full, and the message is not taken."""
        if len(self._waiting) >= self._most_waiting:
            return False
        self._waiting.append(message)
        return True

    async def flush(self) -> None:
        """Send what waits, unless another task is doing that. Raises what the socket raises."""
        if self._send is None or self.since is not None:
            return
        self._sender = task = asyncio.current_task()
        try:
            while self._waiting and self._send is not None:
                self.since = self._clock()
                message = self._waiting[0]
                await self._send(message)
                if self._waiting and self._waiting[0] is message:
                    self._waiting.popleft()
        except asyncio.CancelledError:
            if not self._abandoned or task is None or task.uncancel() > 0:  # somebody else's cancellation
                raise
        finally:
            self.since = None
