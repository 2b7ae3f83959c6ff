"""The server's side of a stream, over a transport in memory: its peer is the client side of `websockets`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from runtime.stream_protocol import DIRECT, MOST_UNREAD, StreamProtocol

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Caller(asyncio.Transport):
    """A client without sockets; `told` is what the server said of reading: to pause, to resume."""

    def __init__(self, application: Application) -> None:
        super().__init__()
        config = Config(application, ws=StreamProtocol, log_config=None, ws_max_size=1000, lifespan="off")
        config.load()
        self.client = ClientProtocol(parse_uri("ws://node.example/stream"))
        self.heard: list[Frame] = []
        self.told: list[str] = []
        self._closing = False
        self._server = StreamProtocol(config, ServerState(), {})
        self._server.connection_made(self)

    async def open(self) -> None:
        """Shake hands."""
        self.client.send_request(self.client.connect())
        await self.deliver()

    async def deliver(self) -> None:
        """Let the server have what the client has to say, and time to act on it."""
        self._server.data_received(b"".join(self.client.data_to_send()))
        for _ in range(5):
            await asyncio.sleep(0)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.client.receive_data(bytes(data))
        self.heard += [event for event in self.client.events_received() if isinstance(event, Frame)]

    def hold(self) -> None:
        """Take nothing more, as a peer does that does not read."""
        self._server.pause_writing()

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")

    def is_closing(self) -> bool:
        return self._closing

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._server.connection_lost, None)


def application(received: list[Message], may_read: asyncio.Event) -> Application:
    """Return an application that accepts and collects what it receives, while it may read."""

    async def collect(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while not received or received[-1]["type"] != "websocket.disconnect":
            await may_read.wait()
            received.append(await receive())

    return collect


def test_messages_reach_the_application_in_order_whole_or_in_parts() -> None:
    async def story() -> None:
        received: list[Message] = []
        reads = asyncio.Event()
        reads.set()
        caller = Caller(application(received, reads))
        await caller.open()
        caller.client.send_text("grüß".encode())
        caller.client.send_text(b"in ", fin=False)
        caller.client.send_ping(b"?")
        caller.client.send_continuation(b"parts", fin=True)
        caller.client.send_binary(b"\xff")
        caller.client.send_text(b"last")
        await caller.deliver()
        caller.client.send_close(1000)
        await caller.deliver()

        assert [message.get("text", message.get("bytes")) for message in received] == [
            "grüß",
            "in parts",
            b"\xff",
            "last",
            None,
        ]
        assert Opcode.PONG in {frame.opcode for frame in caller.heard}

    asyncio.run(story())


def test_a_caller_who_sends_faster_than_the_application_reads_is_held_back() -> None:
    async def story() -> None:
        received: list[Message] = []
        reads = asyncio.Event()
        caller = Caller(application(received, reads))
        await caller.open()
        for _ in range(MOST_UNREAD - 1):
            caller.client.send_text(b"x")
        await caller.deliver()
        assert caller.told == []

        caller.client.send_text(b"x")
        await caller.deliver()
        assert caller.told == ["pause"]

        reads.set()
        for _ in range(2 * MOST_UNREAD):
            await asyncio.sleep(0)
        assert len(received) == MOST_UNREAD
        assert caller.told == ["pause", "resume"]
        caller.close()
        await asyncio.sleep(0)

    asyncio.run(story())


def test_text_that_is_no_text_and_text_that_is_too_long_close_the_stream() -> None:
    async def story(payload: bytes) -> int | None:
        received: list[Message] = []
        reads = asyncio.Event()
        reads.set()
        caller = Caller(application(received, reads))
        await caller.open()
        caller.client.send_text(payload)
        await caller.deliver()
        caller.close()
        await asyncio.sleep(0)
        assert received[0]["type"] == "websocket.disconnect"
        return caller.client.close_rcvd.code if caller.client.close_rcvd else None

    assert asyncio.run(story(b"\xff\xfe")) == 1007
    assert asyncio.run(story(b"x" * 1001)) == 1009


def direct(hear: Callable[[str | bytes], None], protocols: list[StreamProtocol]) -> Application:
    """Return an application that listens directly; the protocol that it finds is put into `protocols`."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        protocols.append(scope["state"][DIRECT])
        await protocols[0].listen(hear)

    return application


def test_who_listens_directly_hears_every_message_in_order_and_the_end() -> None:
    async def story() -> None:
        heard: list[str | bytes] = []
        protocols: list[StreamProtocol] = []
        caller = Caller(direct(heard.append, protocols))
        await caller.open()
        caller.client.send_text("grüß".encode())
        caller.client.send_text(b"in ", fin=False)
        caller.client.send_continuation(b"parts", fin=True)
        caller.client.send_text(b"right behind")
        caller.client.send_binary(b"\xff")
        caller.client.send_text(b"last")
        await caller.deliver()
        assert heard == ["grüß", "in parts", "right behind", b"\xff", "last"]

        assert protocols[0].write("an answer")
        assert [bytes(frame.data) for frame in caller.heard] == [b"an answer"]
        caller.client.send_close(1000)
        await caller.deliver()
        assert not protocols[0].write("too late")

    asyncio.run(story())


def test_a_caller_who_does_not_read_is_written_nothing_directly() -> None:
    async def story() -> None:
        protocols: list[StreamProtocol] = []
        caller = Caller(direct(lambda _message: None, protocols))
        await caller.open()
        caller.hold()
        assert not protocols[0].write("soon")
        assert not caller.heard
        caller.close()
        await asyncio.sleep(0)
        assert not protocols[0].write("too late")

    asyncio.run(story())


def test_an_error_of_who_listens_directly_comes_out_where_they_listen() -> None:
    async def story() -> None:
        errors: list[Exception] = []

        def stumble(_message: str | bytes) -> None:
            raise KeyError

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            try:
                await scope["state"][DIRECT].listen(stumble)
            except KeyError as error:
                errors.append(error)

        caller = Caller(application)
        await caller.open()
        caller.client.send_text(b"x")
        await caller.deliver()
        assert len(errors) == 1

    asyncio.run(story())
