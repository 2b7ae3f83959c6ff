"""The WebSocket to the model: `websockets`' own connection, with a short way for messages.

Fifty messages a second each way are most of what a node does. The connection keeps opening, pings, closing
and every check of the protocol; but a text message of one frame is read without its parser, waits in a plain
queue for the one task that reads, and one that is sent is written at once, without a lock or a context.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, TypedDict

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

from runtime.text_frames import TextFrames, masked_frame

# An audio delta is some kilobytes; instructions echoed in `session.updated` may be large.
LARGEST_MESSAGE: Final = 4 * 1024 * 1024
# Bytes of messages that wait to be read before the socket is left alone, and at which it is read again.
MOST_UNREAD: Final = 256 * 1024
_FEW_UNREAD: Final = MOST_UNREAD // 4
_DATA: Final = frozenset((Opcode.TEXT, Opcode.BINARY, Opcode.CONT))


class Limits(TypedDict):
    """What `websockets` tells a connection that it makes, in its own words."""

    ping_interval: float | None
    ping_timeout: float | None
    close_timeout: float | None
    max_queue: int | tuple[int | None, int | None] | None
    write_limit: int | tuple[int, int | None]


class ModelSocket(ClientConnection):
    """A connection that one task reads by `receive`, and that any task writes by `write`."""

    _unread: deque[bytes]
    _unread_size = 0
    _parts: list[bytes]
    _reader: asyncio.Future[None] | None = None
    _reading_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing read."""
        self._unread = deque()
        self._parts = []
        self._frames = TextFrames(masked=False, largest=LARGEST_MESSAGE)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take messages out of what has arrived, and give the library the rest."""
        while data and self.response is None:  # line by line: the first frame may be right behind
            line, end, data = data.partition(b"\n")
            super().data_received(line + end)
        for piece in self._frames.split(data):
            if piece.is_message and self.protocol.state is State.OPEN:
                self._take(piece.data)
            else:
                super().data_received(piece.data)

    def process_event(self, event: Event) -> None:
        """Keep a message for the reader once it is whole; the handshake and control frames go their way."""
        if not isinstance(event, Frame) or event.opcode not in _DATA:
            super().process_event(event)
        elif event.fin and not self._parts:
            self._take(bytes(event.data))
        else:
            self._parts.append(bytes(event.data))
            if event.fin:
                message = b"".join(self._parts)
                self._parts.clear()
                self._take(message)

    def _take(self, message: bytes) -> None:
        self._unread.append(message)
        self._unread_size += len(message)
        if self._unread_size > MOST_UNREAD and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()
        self._wake_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the reader find out, behind what has arrived."""
        super().connection_lost(exc)
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def receive(self) -> bytes:
        """Return the next message. Raises `ConnectionClosed` when there is none to come."""
        while not self._unread:
            if self.protocol.state is State.CLOSED:
                raise self.protocol.close_exc
            self._reader = self.loop.create_future()
            await self._reader
        message = self._unread.popleft()
        self._unread_size -= len(message)
        if self._reading_paused and self._unread_size <= _FEW_UNREAD:
            self._reading_paused = False
            self.transport.resume_reading()
        return message

    async def write(self, text: str) -> None:
        """Send a message; waits only for a peer that is slow. Raises `ConnectionClosed`, `OSError`."""
        if self.protocol.state is not State.OPEN:
            await self.send(text)  # which tells how it ended
            return
        self.transport.write(masked_frame(text))
        if self.paused:
            await self.drain()
