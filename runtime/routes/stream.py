"""The caller's side of a call: a WebSocket that Twilio opens with the call's one-time token."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from runtime.calls import LiveCall
from runtime.figures.logs import get_logger
from runtime.node import Node
from runtime.relay.session import RelaySession
from runtime.routes.requests import raw_path, raw_query
from runtime.session import NORMAL_CLOSE, CallSession
from runtime.stream_protocol import DIRECT, StreamProtocol

_log = get_logger(__name__)


def stream_routes(node: Node) -> list[WebSocketRoute]:
    """Return the routes of Media Streams and ConversationRelay."""
    endpoint, relay = StreamEndpoint(node, CallSession), StreamEndpoint(node, RelaySession)
    return [
        WebSocketRoute("/stream/{token}", endpoint),
        WebSocketRoute("/stream/{token}/", endpoint),
        WebSocketRoute("/relay/{token}", relay),
        WebSocketRoute("/relay/{token}/", relay),
    ]


class StreamEndpoint:
    """Takes a stream in, if it is Twilio's and somebody waits for it. An ASGI application.

    `kind` is the session that speaks the socket's protocol.
    """

    def __init__(self, node: Node, kind: type[CallSession | RelaySession]) -> None:
        self._node = node
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream."""
        node, socket = self._node, WebSocket(scope, receive, send)
        token: str = socket.path_params["token"]
        signature = socket.headers.get("x-twilio-signature", "")
        tokens = node.tokens_of(None)
        if not node.signatures.handshake_is_genuine(raw_path(socket), raw_query(socket), signature, tokens):
            await socket.close()  # before it is accepted: the handshake is answered with 403
            return
        call = node.calls.claim(token) or await node.dials.stream(token)
        if call is None:
            _log.warning("stream_refused", reason="unknown_token")
            await socket.close()
            return
        await socket.accept()
        if isinstance(call, LiveCall) and isinstance(call.session, self._kind):
            await call.session.serve_leg(TwilioLeg(receive, send, scope.get("state", {}).get(DIRECT)))
        else:  # over before its stream came; Twilio goes on to `/after`
            await socket.close(NORMAL_CLOSE)


class TwilioLeg:
    """An accepted WebSocket as the caller's side of a session.

    Messages pass it as the server gives and takes them (ASGI), or `direct` where the server can do that.
    """

    def __init__(self, receive: Receive, send: Send, direct: StreamProtocol | None = None) -> None:
        self._receive = receive
        self._send = send
        self._direct = direct
        self._over = False

    async def listen(self, hear: Callable[[str | bytes], None]) -> None:
        """Give `hear` each message as it arrives, until the stream is over. Raises what `hear` raises."""
        if self._direct is not None:
            await self._direct.listen(hear)
            self._over = True
        else:
            while (message := await self.receive()) is not None:
                hear(message)

    async def receive(self) -> str | bytes | None:
        """Return the next message, None at the end of the stream."""
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._over = True
            return None
        text: str | None = message.get("text")
        return text if text is not None else message.get("bytes", b"")

    def write(self, text: str) -> bool:
        """Send a text message if that needs no waiting; False when nothing was sent."""
        return self._direct is not None and not self._over and self._direct.write(text)

    async def send(self, text: str) -> None:
        """Send a text message. Raises `OSError` when the stream is over."""
        if self._over:
            raise ConnectionResetError
        try:
            await self._send({"type": "websocket.send", "text": text})
        except RuntimeError as error:  # uvicorn's answer once it has closed the stream itself
            raise ConnectionResetError from error

    async def close(self, code: int) -> None:
        """Close the stream, once; one that went away in this moment is closed as well."""
        if not self._over:
            self._over = True
            with suppress(OSError, RuntimeError):
                await self._send({"type": "websocket.close", "code": code})
