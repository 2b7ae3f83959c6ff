"""Sending on one socket, in order, from whatever task or callback has something to say.

As a rule the socket takes a message at once, and that is all there is: no task, no timer, no queue. When it
is slow, one task waits for it, and what is put meanwhile queues behind, up to a bound that tells that the
peer has stopped reading.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol


class Sender(Protocol):
    """The sending side of a socket."""

    def write(self, text: str) -> bool:
        """Send a message if that needs no waiting; False when nothing was sent. Never raises."""

    async def send(self, text: str) -> None:
        """Send a message, waiting for a slow peer; raises `OSError` when the connection is gone."""


class Outbox:
    """An ordered, bounded queue in front of one socket.

    `since` is the moment at which the send that is waited for began, or None: the owner watches it, because
    a half-dead peer accepts nothing and reports nothing. `on_failure` is told of a socket that fails.
    """

    def __init__(
        self, *, most_waiting: int, clock: Callable[[], float], on_failure: Callable[[OSError], None]
    ) -> None:
        self._waiting: deque[str] = deque()
        self._most_waiting = most_waiting
        self._clock = clock
        self._on_failure = on_failure
        self._socket: Sender | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._draining: asyncio.Task[None] | None = None
        self.since: float | None = None

    def open(self, socket: Sender, tasks: asyncio.TaskGroup) -> None:
        """Connect the socket, and send what was put before. The group owns the task that waits."""
        self._socket, self._tasks = socket, tasks
        self._send_waiting()

    def close(self) -> None:
        """Disconnect the socket, drop what was not sent, and wait for nothing any more."""
        self._socket = None
        self._waiting.clear()
        if self._draining is not None:
            self._draining.cancel()

    def put(self, message: str) -> bool:
        """Send a message, or queue it; False when the queue is full, and the message is not taken."""
        if not self._waiting and self._socket is not None and self._socket.write(message):
            return True
        if len(self._waiting) >= self._most_waiting:
            return False
        self._waiting.append(message)
        self._send_waiting()
        return True

    async def sent(self) -> None:
        """Return when everything that was put has been handed to the socket, or it has failed."""
        if self._draining is not None:
            await asyncio.wait((self._draining,))

    def _send_waiting(self) -> None:
        if self._waiting and self._draining is None and self._socket is not None and self._tasks is not None:
            self._draining = self._tasks.create_task(self._drain(self._socket))

    async def _drain(self, socket: Sender) -> None:
        """Send what waits, until nothing does."""
        try:
            while self._waiting:
                self.since = self._clock()
                await socket.send(self._waiting[0])
                self._waiting.popleft()
        except OSError as error:
            self._socket = None
            self._waiting.clear()
            self._on_failure(error)
        finally:
            self.since = self._draining = None
