"""The WebSocket to the model, over a transport in memory: its peer is the server side of `websockets`."""

from __future__ import annotations

import asyncio

import pytest
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from runtime.model.socket import MOST_UNREAD, ModelSocket


class Wire(asyncio.Transport):
    """Hands what the client writes to a server without sockets, and its answers back when told to."""

    def __init__(self, client: ModelSocket) -> None:
        super().__init__()
        self.server = ServerProtocol()
        self.heard: list[Frame] = []
        self.reading = True
        self._client = client
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.server.receive_data(bytes(data))
        for event in self.server.events_received():
            if isinstance(event, Request):
                self.server.send_response(self.server.accept(event))
            elif isinstance(event, Frame):
                self.heard.append(event)

    def deliver(self, *, extra: bytes = b"", in_chunks_of: int = 1 << 20) -> None:
        """Let the client have what the server has to say."""
        data = b"".join(self.server.data_to_send()) + extra
        for start in range(0, len(data), in_chunks_of):
            self._client.data_received(data[start : start + in_chunks_of])

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self._closing

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._client.connection_lost, None)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""


async def opened(*, first: bytes = b"", in_chunks_of: int = 1 << 20) -> tuple[ModelSocket, Wire]:
    """Return an open connection; `first` comes right behind the answer to the handshake."""
    protocol = ClientProtocol(parse_uri("ws://model.example/v1"))
    socket = ModelSocket(protocol, ping_interval=None, close_timeout=1.0)
    wire = Wire(socket)
    socket.connection_made(wire)
    shaking = asyncio.ensure_future(socket.handshake())
    await asyncio.sleep(0)
    wire.deliver(extra=first, in_chunks_of=in_chunks_of)
    await shaking
    return socket, wire


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_what_comes_with_the_handshake_and_after_it_is_read_in_order_however_it_is_cut(size: int) -> None:
    async def story() -> None:
        first = Frame(Opcode.TEXT, b"created").serialize(mask=False)
        socket, wire = await opened(first=first, in_chunks_of=size)
        wire.server.send_text(b"x" * 300)
        wire.server.send_text(b"in ", fin=False)
        wire.server.send_ping(b"?")
        wire.server.send_continuation(b"parts", fin=True)
        wire.server.send_text("grüß".encode())
        wire.deliver(in_chunks_of=size)

        read = [await socket.receive() for _ in range(4)]

        assert read == [b"created", b"x" * 300, b"in parts", "grüß".encode()]
        assert [frame.opcode for frame in wire.heard] == [Opcode.PONG]

    asyncio.run(story())


def test_a_reader_who_waits_is_woken_by_a_message_and_by_the_end() -> None:
    async def story() -> None:
        socket, wire = await opened()
        reading = asyncio.ensure_future(socket.receive())
        await asyncio.sleep(0)
        wire.server.send_text(b"now")
        wire.deliver()
        assert await reading == b"now"

        reading = asyncio.ensure_future(socket.receive())
        await asyncio.sleep(0)
        wire.server.send_text(b"last")
        wire.server.send_close(1011)
        wire.deliver()
        wire.abort()
        assert await reading == b"last"
        with pytest.raises(ConnectionClosed) as ended:
            await socket.receive()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1011

    asyncio.run(story())


def test_what_is_written_arrives_and_after_the_end_it_is_refused() -> None:
    async def story() -> None:
        socket, wire = await opened()
        await socket.write("grüß")
        assert [bytes(frame.data).decode() for frame in wire.heard] == ["grüß"]

        wire.abort()
        await asyncio.sleep(0)
        with pytest.raises(ConnectionClosed):
            await socket.write("too late")

    asyncio.run(story())


def test_a_model_that_sends_faster_than_it_is_read_is_held_back() -> None:
    async def story() -> None:
        socket, wire = await opened()
        message = b"x" * (MOST_UNREAD // 4)
        for _ in range(5):
            wire.server.send_text(message)
        wire.deliver()
        assert not wire.reading

        for _ in range(5):
            assert await socket.receive() == message
        assert wire.reading

    asyncio.run(story())


def test_a_slow_model_is_waited_for() -> None:
    async def story() -> None:
        socket, wire = await opened()
        socket.pause_writing()
        writing = asyncio.ensure_future(socket.write("soon"))
        await asyncio.sleep(0)
        assert not writing.done()

        socket.resume_writing()
        await writing
        assert len(wire.heard) == 1

    asyncio.run(story())
