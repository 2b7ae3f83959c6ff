"""A WebSocket peer that costs almost nothing, so that a load generator is not what is measured.

Both ends: text frames in and out over an `asyncio.Protocol`, no fragments, no extensions. Frames that are
sent masked have a mask of zeros, which is legal and needs no work.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING = 1, 8, 9

OnMessage = Callable[["Peer", bytes], None]


class Peer(asyncio.Protocol):
    """One end of a connection. `on_message` is called with each text message."""

    def __init__(self, on_message: OnMessage, *, is_client: bool, request: bytes = b"") -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self._on_message = on_message
        self._masked = 0x80 if is_client else 0
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no class of asyncio's
        if self._request:
            transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the handshake was refused"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.ready.done() and not self._shake_hands():
            return
        while (frame := self._take()) is not None:
            opcode, payload = frame
            if opcode == _TEXT:
                self._on_message(self, payload)
            elif opcode == _PING:
                self._write(0x8A, payload)
            elif opcode == _CLOSE:
                self._write(0x88, payload)
                self.close()

    def send(self, message: bytes) -> None:
        """Send one text message."""
        self._write(0x81, message)

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.close()

    def _write(self, head: int, payload: bytes) -> None:
        size = len(payload)
        length = (
            bytes((head, self._masked | size))
            if size < 126
            else bytes((head, self._masked | 126)) + size.to_bytes(2)
        )
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(length + (b"\0\0\0\0" if self._masked else b"") + payload)

    def _take(self) -> tuple[int, bytes] | None:
        """Return the next whole frame, unmasked."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4]), 4
        elif size == 127:
            size, start = int.from_bytes(buffer[2:10]), 10
        masked = buffer[1] & 0x80
        end = start + (4 if masked else 0) + size
        if len(buffer) < end:
            return None
        payload = bytes(buffer[end - size : end])
        if masked:
            payload = _unmask(payload, bytes(buffer[start : start + 4]))
        opcode = buffer[0] & 0x0F
        del buffer[:end]
        return opcode, payload

    def _shake_hands(self) -> bool:
        """Read the HTTP head, once it is whole; a server answers it."""
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        self._buffer = bytearray(rest)
        if self._request:
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.close()
                return False
        else:
            self._accept(bytes(head))
        self.ready.set_result(None)
        return True

    def _accept(self, head: bytes) -> None:
        key = next(
            line.split(b":", 1)[1].strip()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )


def _unmask(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(pattern)).to_bytes(size)


async def connect(url: str, headers: dict[str, str], on_message: OnMessage) -> Peer:
    """Open a connection to a `ws://` URL. Raises ConnectionError when it is refused."""
    parts = urlsplit(url)
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    request = "\r\n".join(lines).encode()
    _, peer = await asyncio.get_running_loop().create_connection(
        lambda: Peer(on_message, is_client=True, request=request), parts.hostname, parts.port
    )
    await peer.ready
    return peer


async def listen(on_message: OnMessage) -> asyncio.Server:
    """Listen on a free loopback port; every connection is a WebSocket."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Peer(on_message, is_client=False), "127.0.0.1", 0)
