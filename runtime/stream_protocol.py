"""The server's side of a WebSocket: uvicorn's, with a short way for the callers' messages.

A stream's messages are many and small. Over ASGI each is a dictionary in a queue that wakes a task up, and
each answer waits for an event first. An application that finds the protocol in its scope's state, under
`DIRECT`, may `listen` and `write` instead: text messages of one frame then pass without any of that. The
handshake, closing, pings and every unusual message stay the library's and ASGI's.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from runtime.text_frames import TextFrames, text_frame

DIRECT: Final = "direct"

# Messages that may wait for the application before the socket is left alone. uvicorn alone does that for each
# message, which costs two calls into the kernel.
MOST_UNREAD: Final = 32

Hear = Callable[[str | bytes], None]


class StreamProtocol(WebSocketsSansIOProtocol):
    """Reads text messages of one frame without the library's parser; over ASGI there is no difference."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, object]) -> None:
        super().__init__(config, server_state, app_state)
        self._text_frames = TextFrames(masked=True, largest=config.ws_max_size)
        self._hear: Hear | None = None
        self._crash: Exception | None = None

    def handle_connect(self, event: Request) -> None:
        """Let the application find the protocol."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            self.scope["state"][DIRECT] = self

    def data_received(self, data: bytes) -> None:
        """Take messages out of what has arrived, and give the library the rest."""
        if not self.handshake_initiated:  # the request: uvicorn hands it on by itself
            super().data_received(data)
            return
        for piece, is_message in self._text_frames.split(data):
            if is_message and self.conn.state is State.OPEN:
                self._take(piece)
            else:
                super().data_received(piece)

    def _take(self, message: bytes) -> None:
        try:
            text = message.decode()
        except UnicodeDecodeError:
            self.handle_text(Frame(Opcode.TEXT, message))  # which refuses it as it has to be refused
            return
        if self._hear is not None and self.queue.empty():
            self._tell(self._hear, text)
            return
        self.queue.put_nowait({"type": "websocket.receive", "text": text})
        if self.queue.qsize() >= MOST_UNREAD and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _tell(self, hear: Hear, text: str) -> None:
        try:
            hear(text)
        except Exception as error:  # the application's own; `listen` is where it is to be known
            self._hear, self._crash = None, error
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1011})

    async def listen(self, hear: Hear) -> None:
        """Give `hear` each message as it arrives, until the stream is over. Raises what `hear` raises."""
        self._hear = hear
        try:
            while (message := await self.receive())["type"] == "websocket.receive":
                text = message.get("text")
                hear(text if text is not None else message.get("bytes") or b"")
        finally:
            self._hear = None
        if self._crash is not None:
            raise self._crash

    def write(self, text: str) -> bool:
        """Send a message if that needs no waiting; False when the peer is slow, or the stream over."""
        if self.disconnected or self.conn.state is not State.OPEN or not self.writable.is_set():
            return False
        self.transport.write(text_frame(text))
        return True
