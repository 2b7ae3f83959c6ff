"""The WebSocket to the model: `websockets`' own connection, with a short way for messages.

Fifty messages a second each way are most of what a node does. The connection keeps opening, pings, closing
and every check of the protocol; but a text message of one frame is read without its parser and handed on in
the moment at which it arrives, and one that is sent is written at once, without a lock or a context.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

from runtime.text_frames import TextFrames, masked_frame

# An audio delta is some kilobytes; instructions echoed in `session.updated` may be large.
LARGEST_MESSAGE: Final = 4 * 1024 * 1024
# Bytes of messages that may wait for somebody to listen before the socket is left alone.
MOST_UNREAD: Final = 256 * 1024
_DATA: Final = frozenset((Opcode.TEXT, Opcode.BINARY, Opcode.CONT))


class ModelSocket(ClientConnection):
    """A connection to which one task listens, and on which anybody may `write`."""

    _unread: list[bytes]
    _unread_size = 0
    _parts: list[bytes]
    _hear: Callable[[bytes], None] | None = None
    _over: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing read."""
        self._unread = []
        self._parts = []
        self._frames = TextFrames(masked=False, largest=LARGEST_MESSAGE)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take messages out of what has arrived, and give the library the rest."""
        while data and self.response is None:  # line by line: the first frame may be right behind
            line, end, data = data.partition(b"\n")
            super().data_received(line + end)
        for piece, is_message in self._frames.split(data):
            if is_message and self.protocol.state is State.OPEN:
                self._take(piece)
            else:
                super().data_received(piece)

    def process_event(self, event: Event) -> None:
        """Take a message once it is whole; the handshake and control frames go their way."""
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
        if self._hear is None:
            self._keep(message)
            return
        try:
            self._hear(message)
        except Exception as error:  # the listener's own; `listen` is where it is to be known
            self._end(error)

    def _keep(self, message: bytes) -> None:
        """Keep a message until somebody listens."""
        self._unread.append(message)
        self._unread_size += len(message)
        if self._unread_size > MOST_UNREAD:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the listener know, behind what has arrived."""
        super().connection_lost(exc)
        self._end(self.protocol.close_exc)

    def _end(self, error: Exception) -> None:
        self._hear = None
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)

    async def listen(self, hear: Callable[[bytes], None]) -> None:
        """Give `hear` each message as it arrives. Raises `ConnectionClosed` in the end, or what it raises."""
        unread, self._unread = self._unread, []
        for message in unread:
            hear(message)
        if self.protocol.state is State.CLOSED:
            raise self.protocol.close_exc
        self._hear, self._over = hear, self.loop.create_future()
        if self._unread_size > MOST_UNREAD:
            self.transport.resume_reading()
        self._unread_size = 0
        try:
            await self._over
        finally:
            self._hear = None

    def write(self, text: str) -> bool:
        """Send a message if that needs no waiting; False when the peer is slow or gone."""
        if self.paused or self.protocol.state is not State.OPEN:
            return False
        self.transport.write(masked_frame(text))
        return True
