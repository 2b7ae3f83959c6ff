"""The server's side of a WebSocket: uvicorn's, with a short way for the callers' messages."""

from __future__ import annotations

from typing import Final

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from runtime.text_frames import TextFrames

# Messages that may wait for the application before the socket is left alone. uvicorn alone does that for each
# message, which costs two calls into the kernel.
MOST_UNREAD: Final = 32


class StreamProtocol(WebSocketsSansIOProtocol):
    """Reads text messages of one frame without the library's parser; the application sees no difference."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, object]) -> None:
        super().__init__(config, server_state, app_state)
        self._text_frames = TextFrames(masked=True, largest=config.ws_max_size)

    def data_received(self, data: bytes) -> None:
        """Take messages out of what has arrived, and give the library the rest."""
        if not self.handshake_initiated:  # the request: uvicorn hands it on by itself
            super().data_received(data)
            return
        for piece in self._text_frames.split(data):
            if piece.is_message and self.conn.state is State.OPEN:
                self._take(piece.data)
            else:
                super().data_received(piece.data)

    def _take(self, message: bytes) -> None:
        try:
            text = message.decode()
        except UnicodeDecodeError:
            self.handle_text(Frame(Opcode.TEXT, message))  # which refuses it as it has to be refused
            return
        self.queue.put_nowait({"type": "websocket.receive", "text": text})
        if self.queue.qsize() >= MOST_UNREAD and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()
