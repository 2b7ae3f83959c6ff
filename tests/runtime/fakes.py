"""The two sides of a call, in memory: a model, and the socket that Twilio's stream comes by."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from runtime.model.connection import ModelGoneError, ModelUnavailableError
from runtime.stream_protocol import DIRECT
from tests.sandbox.model.oracle import judge_client_event

Json = Mapping[str, Any]
SECOND_OF_SPEECH = bytes(range(200)) * 40


class FakeModel:
    """One connection to a model that accepts every configuration and speaks `reply` when asked to.

    Whatever it is told must pass the types of OpenAI's own package.

    `sent` is everything that it was told, decoded. As a `ConnectModel` it counts how often it was opened.
    """

    def __init__(self, *, reply: bytes = SECOND_OF_SPEECH, words: str = "Good evening.") -> None:
        self.sent: list[Json] = []
        self.opened = 0
        self.closed = False
        self.closing_seconds = 0.0
        self.refuses = False
        self.reads = asyncio.Event()
        self.reads.set()
        self._reply = reply
        self._words = words
        self._said = 0
        self._incoming: asyncio.Queue[Json | None] = asyncio.Queue()

    async def __call__(self, model: str) -> FakeModel:
        self.opened += 1
        if self.refuses:
            raise ModelUnavailableError("the model's server answered 401")
        return self

    async def listen(self, hear: Callable[[bytes], None]) -> None:
        while (message := await self._incoming.get()) is not None:
            hear(json.dumps(message).encode())
        raise ModelGoneError("closed with 1006")

    def write(self, text: str) -> bool:
        if self.reads.is_set():
            self._take(text)
        return self.reads.is_set()

    async def send(self, text: str) -> None:
        await self.reads.wait()
        self._take(text)

    def _take(self, text: str) -> None:
        message = json.loads(text)
        judge_client_event(message)
        self.sent.append(message)
        if message["type"] == "session.update":
            self.say({"type": "session.updated", "session": message["session"]})
        elif message["type"] == "response.create":
            self.speak()

    async def close(self) -> None:
        await asyncio.sleep(self.closing_seconds)
        self.closed = True

    def say(self, event: Json) -> None:
        """Send a server event."""
        self._incoming.put_nowait(event)

    def drop(self) -> None:
        """Lose the connection."""
        self._incoming.put_nowait(None)

    def speak(self) -> None:
        """Speak the reply in one response of one item."""
        self._said += 1
        response, item = f"resp_{self._said}", f"item_{self._said}"
        self.say({"type": "response.created", "response": {"id": response, "status": "in_progress"}})
        about = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        audio = base64.b64encode(self._reply).decode()
        self.say({"type": "response.output_audio.delta", "delta": audio, **about})
        self.say({"type": "response.output_audio.done", **about})
        self.say({"type": "response.output_audio_transcript.done", "transcript": self._words, **about})
        self.say({"type": "response.done", "response": {"id": response, "status": "completed"}})

    def heard(self, kind: str) -> list[Json]:
        """What it was told of this type."""
        return [message for message in self.sent if message["type"] == kind]


class Phone:
    """Twilio's side of a media stream: opens the WebSocket in memory, plays marks back, hears audio."""

    def __init__(self, app: ASGIApp, url: str, headers: Mapping[str, str], *, call_sid: str = "CA1") -> None:
        self.heard = b""
        self.frames: list[Json] = []
        self.accepted = False
        self.close_code: int | None = None
        self.gone = False
        self.reads = asyncio.Event()
        self.reads.set()
        self._app = app
        self._call_sid = call_sid
        self._chunk = self._spoken_ms = 0
        self.headers = dict(headers)
        self._url = url
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Phone:
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._serve())
        await self.until(lambda phone: phone.accepted or phone.close_code is not None)
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._task is not None
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await self._task

    async def _serve(self) -> None:
        scope = _scope(self._url, self.headers, {DIRECT: self})
        await self._app(scope, self._to_app.get, self._from_app)

    async def listen(self, hear: Callable[[str | bytes], None]) -> None:
        """Hand on what the phone sends, as the server's direct way does."""
        while (message := await self._to_app.get())["type"] == "websocket.receive":
            hear(message["text"] if "text" in message else message["bytes"])

    def write(self, text: str) -> bool:
        """Take what is sent to the phone by the direct way, while it reads."""
        taken = self.reads.is_set() and not self.gone
        if taken:
            self._take(json.loads(text))
            self._changed.set()
        return taken

    async def _from_app(self, message: Message) -> None:
        await self.reads.wait()
        if self.gone:
            raise ConnectionResetError
        if message["type"] == "websocket.accept":
            self.accepted = True
        elif message["type"] == "websocket.close":
            self.close_code = message.get("code", 1000)
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": self.close_code})
        else:
            self._take(json.loads(message["text"]))
        self._changed.set()

    def _take(self, frame: Json) -> None:
        self.frames.append(frame)
        if frame["event"] == "media":
            self.heard += base64.b64decode(frame["media"]["payload"])
        elif frame["event"] == "mark":
            self.send({"event": "mark", "streamSid": "MZ1", "mark": frame["mark"]})

    def start(self) -> None:
        """Begin the stream as Twilio does."""
        self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {
            "streamSid": "MZ1",
            "callSid": self._call_sid,
            "tracks": ["inbound"],
            "mediaFormat": media_format,
        }
        self.send({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": start})

    def speak(self, audio: bytes) -> None:
        """Send one piece of the caller's audio."""
        payload = base64.b64encode(audio).decode()
        self._chunk += 1
        media = {"track": "inbound", "chunk": str(self._chunk), "timestamp": str(self._spoken_ms)}
        media["payload"] = payload
        self._spoken_ms += len(audio) // 8
        self.send({"event": "media", "sequenceNumber": "3", "streamSid": "MZ1", "media": media})

    def stop(self) -> None:
        """End the stream as Twilio does when the caller hangs up."""
        stop = {"accountSid": "AC1", "callSid": self._call_sid}
        self.send({"event": "stop", "sequenceNumber": "9", "streamSid": "MZ1", "stop": stop})

    def send(self, frame: Json) -> None:
        self.send_text(json.dumps(frame))

    def send_text(self, text: str) -> None:
        self._to_app.put_nowait({"type": "websocket.receive", "text": text})

    def send_bytes(self, data: bytes) -> None:
        self._to_app.put_nowait({"type": "websocket.receive", "bytes": data})

    def vanish(self) -> None:
        """Lose the connection."""
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def until(self, happened: Callable[[Phone], bool], seconds: float = 60) -> None:
        """Wait until something is true of this phone."""
        async with asyncio.timeout(seconds):
            while not happened(self):
                self._changed.clear()
                await self._changed.wait()


def _scope(url: str, headers: Mapping[str, str], state: dict[str, object]) -> Scope:
    path = "/" + url.split("/", 3)[3]
    return {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("203.0.113.7", 40000),
        "scheme": "ws",
        "root_path": "",
        "subprotocols": [],
        "state": state,
    }
