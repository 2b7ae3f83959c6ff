"""The server's side of a WebSocket: uvicorn's, with a short way for the callers' messages."""

from __future__ import annotations

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from runtime.text_frames import TextFrames


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
                self.handle_text(Frame(Opcode.TEXT, piece.data))
            else:
                super().data_received(piece.data)
