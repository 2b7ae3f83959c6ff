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


def listening(socket: ModelSocket) -> tuple[list[bytes], asyncio.Task[None]]:
    """Listen to a socket; returns what is heard, and the task that does it."""
    heard: list[bytes] = []
    return heard, asyncio.create_task(socket.listen(heard.append))


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_what_comes_with_the_handshake_and_after_it_is_heard_in_order_however_it_is_cut(size: int) -> None:
    async def story() -> None:
        first = Frame(Opcode.TEXT, b"created").serialize(mask=False)
        socket, wire = await opened(first=first, in_chunks_of=size)
        heard, task = listening(socket)
        await asyncio.sleep(0)
        wire.server.send_text(b"x" * 300)
        wire.server.send_text(b"in ", fin=False)
        wire.server.send_ping(b"?")
        wire.server.send_continuation(b"parts", fin=True)
        wire.server.send_text("grüß".encode())
        wire.deliver(in_chunks_of=size)

        assert heard == [b"created", b"x" * 300, b"in parts", "grüß".encode()]
        assert [frame.opcode for frame in wire.heard] == [Opcode.PONG]
        task.cancel()

    asyncio.run(story())


def test_whoever_listens_hears_a_message_at_once_and_of_the_end_behind_the_last_one() -> None:
    async def story() -> None:
        socket, wire = await opened()
        heard, task = listening(socket)
        await asyncio.sleep(0)
        wire.server.send_text(b"now")
        wire.deliver()
        assert heard == [b"now"]

        wire.server.send_text(b"last")
        wire.server.send_close(1011)
        wire.deliver()
        wire.abort()
        with pytest.raises(ConnectionClosed) as ended:
            await task
        assert heard == [b"now", b"last"]
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1011
        with pytest.raises(ConnectionClosed):
            await socket.listen(heard.append)

    asyncio.run(story())


def test_an_error_of_whoever_listens_is_theirs_and_nothing_more_is_told_them() -> None:
    async def story() -> None:
        heard: list[bytes] = []

        def stumble(message: bytes) -> None:
            heard.append(message)
            raise KeyError

        socket, wire = await opened()
        task = asyncio.create_task(socket.listen(stumble))
        await asyncio.sleep(0)
        wire.server.send_text(b"one")
        wire.server.send_text(b"two")
        wire.deliver()
        with pytest.raises(KeyError):
            await task
        assert heard == [b"one"]

    asyncio.run(story())


def test_what_is_written_arrives_and_after_the_end_it_is_refused() -> None:
    async def story() -> None:
        socket, wire = await opened()
        assert socket.write("grüß")
        assert [bytes(frame.data).decode() for frame in wire.heard] == ["grüß"]

        wire.abort()
        await asyncio.sleep(0)
        assert not socket.write("too late")
        with pytest.raises(ConnectionClosed):
            await socket.send("too late")

    asyncio.run(story())


def test_a_model_that_sends_before_anybody_listens_is_held_back() -> None:
    async def story() -> None:
        socket, wire = await opened()
        message = b"x" * (MOST_UNREAD // 4)
        for _ in range(5):
            wire.server.send_text(message)
        wire.deliver()
        held_back = not wire.reading
        assert held_back

        heard, task = listening(socket)
        await asyncio.sleep(0)
        assert heard == [message] * 5
        assert wire.reading
        task.cancel()

    asyncio.run(story())


def test_a_slow_model_is_written_nothing_more_until_it_is_waited_for() -> None:
    async def story() -> None:
        socket, wire = await opened()
        socket.pause_writing()
        assert not socket.write("soon")
        assert not wire.heard

        sending = asyncio.ensure_future(socket.send("soon"))
        await asyncio.sleep(0)
        assert not sending.done()
        socket.resume_writing()
        await sending
        assert len(wire.heard) == 1
        assert socket.write("at once")

    asyncio.run(story())
