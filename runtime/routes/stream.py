"""The caller's media stream: a WebSocket that Twilio opens with the call's one-time token."""

from __future__ import annotations

from contextlib import suppress

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from runtime.calls import LiveCall
from runtime.logs import get_logger
from runtime.node import Node
from runtime.routes.requests import raw_path, raw_query
from runtime.session import NORMAL_CLOSE

_log = get_logger(__name__)


def stream_routes(node: Node) -> list[WebSocketRoute]:
    """Return the route of Media Streams."""

    async def endpoint(socket: WebSocket) -> None:
        token: str = socket.path_params["token"]
        signature = socket.headers.get("x-twilio-signature", "")
        tokens = node.tokens_of(None)
        if not node.signatures.handshake_is_genuine(raw_path(socket), raw_query(socket), signature, tokens):
            await socket.close()  # before it is accepted: the handshake is answered with 403
            return
        call = node.calls.claim(token)
        if call is None:
            _log.warning("stream_refused", reason="unknown_token")
            await socket.close()
            return
        await socket.accept()
        if isinstance(call, LiveCall):
            await call.session.serve_leg(TwilioLeg(socket))
        else:  # over before its stream came; Twilio goes on to `/after`
            await socket.close(NORMAL_CLOSE)

    return [WebSocketRoute("/stream/{token}", endpoint), WebSocketRoute("/stream/{token}/", endpoint)]


class TwilioLeg:
    """An accepted WebSocket as the caller's side of a session."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes | None:
        """Return the next message, None at the end of the stream."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        return text if text is not None else message.get("bytes", b"")

    async def send(self, text: str) -> None:
        """Send a text message. Raises `OSError` when the stream is over."""
        if self._socket.application_state is not WebSocketState.CONNECTED:
            raise ConnectionResetError
        try:
            await self._socket.send({"type": "websocket.send", "text": text})
        except WebSocketDisconnect as error:
            raise ConnectionResetError from error

    async def close(self, code: int) -> None:
        """Close the stream, once; one that went away in this moment is closed as well."""
        if (
            self._socket.application_state is WebSocketState.CONNECTED
            and self._socket.client_state is WebSocketState.CONNECTED
        ):
            with suppress(WebSocketDisconnect):
                await self._socket.close(code)
