"""A small app under test: answers documents as told, keeps what it was asked, and speaks on streams."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from twilio.request_validator import RequestValidator

from sandbox import NumberSeed, Sandbox, Seed
from sandbox.server import LoopbackServer

BISTRO = "+14155550123"
GUEST = "+14155550199"
SPEED = 16

Message = Mapping[str, object]


@dataclass
class Asked:
    """One request that the app got; `signed` is what Twilio's own validator says."""

    method: str
    path: str
    form: dict[str, str]
    signed: bool
    headers: Mapping[str, str] = field(repr=False)


class Socket:
    """The app's end of one media stream."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self.messages: list[dict[str, object]] = []
        self.sid = ""

    async def until(self, event: str) -> dict[str, object]:
        """Read until a message of a kind has come."""
        while True:
            message: dict[str, object] = json.loads(await self._socket.receive_text())
            self.messages.append(message)
            if message["event"] == event:
                self.sid = str(message.get("streamSid", ""))
                return message

    async def say(self, ulaw: bytes) -> None:
        await self.send({"event": "media", "media": {"payload": base64.b64encode(ulaw).decode()}})

    async def mark(self, name: str) -> None:
        await self.send({"event": "mark", "mark": {"name": name}})

    async def clear(self) -> None:
        await self.send({"event": "clear"})

    async def send(self, message: Message) -> None:
        await self._socket.send_text(json.dumps({"streamSid": self.sid, **message}))

    async def close(self) -> None:
        await self._socket.close()

    def heard(self) -> bytes:
        """All of the caller's audio so far."""
        media = [message["media"] for message in self.messages if message["event"] == "media"]
        return b"".join(base64.b64decode(one["payload"]) for one in media if isinstance(one, dict))

    def events(self) -> list[str]:
        return [str(message["event"]) for message in self.messages if message["event"] != "media"]


@dataclass
class App:
    """`documents` maps paths to bodies, or to functions of the request; anything else is 404."""

    documents: dict[str, str | Callable[[Request], Response]] = field(default_factory=dict)
    on_stream: Callable[[Socket], Awaitable[None]] | None = None
    on_relay: Callable[[WebSocket], Awaitable[None]] | None = None
    asked: list[Asked] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)
    stream_signed: list[bool] = field(default_factory=list)
    token: str = ""
    base: str = ""

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    def starlette(self) -> Starlette:
        return Starlette(
            routes=[
                WebSocketRoute("/stream", self._stream),
                WebSocketRoute("/relay", self._relay),
                Route("/{path:path}", self._document, methods=["GET", "POST"]),
            ]
        )

    async def _document(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        signature = request.headers.get("x-twilio-signature", "")
        signed = bool(RequestValidator(self.token).validate(str(request.url), form, signature))
        self.asked.append(Asked(request.method, request.url.path, form, signed, request.headers))
        document = self.documents.get(request.url.path)
        if document is None:
            return Response("not found", 404, media_type="text/plain")
        if isinstance(document, str):
            return Response(document, media_type="text/xml")
        return document(request)

    async def _relay(self, socket: WebSocket) -> None:
        signature = socket.headers.get("x-twilio-signature", "")
        self.stream_signed.append(bool(RequestValidator(self.token).validate(str(socket.url), {}, signature)))
        await socket.accept()
        try:
            if self.on_relay is not None:
                await self.on_relay(socket)
        except WebSocketDisconnect:
            return

    async def _stream(self, socket: WebSocket) -> None:
        signature = socket.headers.get("x-twilio-signature", "")
        self.stream_signed.append(bool(RequestValidator(self.token).validate(str(socket.url), {}, signature)))
        if self.on_stream is None:
            await socket.close()
            return
        await socket.accept()
        self.sockets.append(Socket(socket))
        try:
            await self.on_stream(self.sockets[-1])
        except WebSocketDisconnect:
            return


Story = Callable[[Sandbox, App], Awaitable[None]]


def play(story: Story, app: App | None = None, *, number: NumberSeed | None = None) -> None:
    """Run a story with a sandbox and an app that answers its number at `/voice`."""

    async def run() -> None:
        used = app or App()
        server = LoopbackServer(used.starlette(), "127.0.0.1", 0)
        used.base = f"http://127.0.0.1:{await server.start()}"
        try:
            seed = Seed(numbers=(number or NumberSeed(BISTRO),))
            async with Sandbox.start(seed, speed=SPEED) as box:
                used.token = box.auth_token
                if number is None:
                    box.account.edit(
                        BISTRO, voice_url=f"{used.base}/voice?tm=1", status_callback=f"{used.base}/status"
                    )
                async with asyncio.timeout(20):
                    await story(box, used)
        finally:
            await server.stop()

    asyncio.run(run())
