"""A bridge as the usual samples write it, to compare with: `json`, base64 both ways, a mark for each delta.

It has no pacing, no record of what was heard, no limits and no signature check; on an interruption it clears
and truncates at what was sent. The address of the model comes from `OPENAI_BASE_URL`.

    OPENAI_BASE_URL=http://127.0.0.1:9000/v1 python -m bench.naive_bridge 8080
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect

SESSION = {
    "type": "realtime",
    "audio": {
        "input": {"format": {"type": "audio/pcmu"}, "turn_detection": {"type": "server_vad"}},
        "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"},
    },
}


async def ready(_request: Request) -> Response:
    """Say that the server is up."""
    return PlainTextResponse("ready")


async def voice(request: Request) -> Response:
    """Answer the webhook with a stream."""
    host = request.headers["host"]
    document = f'<Response><Connect><Stream url="ws://{host}/stream"/></Connect></Response>'
    return Response(document, media_type="text/xml")


async def stream(socket: WebSocket) -> None:
    """Bridge one call."""
    await socket.accept()
    address = os.environ["OPENAI_BASE_URL"].replace("http", "ws", 1)
    async with connect(f"{address}/realtime?model=gpt-realtime-2.1", compression=None) as model:
        await model.send(json.dumps({"type": "session.update", "session": SESSION}))
        await model.send(json.dumps({"type": "response.create"}))
        call = Call(socket, model)
        await asyncio.gather(call.from_caller(), call.from_model())


class Call:
    """The two directions of a call, and what the samples keep about it."""

    def __init__(self, socket: WebSocket, model: ClientConnection) -> None:
        self._socket = socket
        self._model = model
        self._stream_sid = ""
        self._item = ""
        self._sent = 0
        self._marks: list[str] = []

    async def from_caller(self) -> None:
        """Pass the caller's audio on."""
        try:
            async for message in self._socket.iter_text():
                event = json.loads(message)
                if event["event"] == "media":
                    audio = event["media"]["payload"]
                    await self._model.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
                elif event["event"] == "start":
                    self._stream_sid = event["start"]["streamSid"]
                elif event["event"] == "mark" and self._marks:
                    self._marks.pop(0)
                elif event["event"] == "stop":
                    break
        except WebSocketDisconnect:
            pass
        await self._model.close()

    async def from_model(self) -> None:
        """Pass the model's audio on, with a mark behind each piece."""
        async for message in self._model:
            event = json.loads(message)
            if event["type"] == "response.output_audio.delta":
                audio = base64.b64decode(event["delta"])
                self._sent += len(audio)
                self._item = event["item_id"]
                payload = base64.b64encode(audio).decode()
                await self._say("media", media={"payload": payload})
                await self._say("mark", mark={"name": "part"})
                self._marks.append("part")
            elif event["type"] == "input_audio_buffer.speech_started" and self._marks:
                await self._say("clear")
                cut = {"item_id": self._item, "content_index": 0, "audio_end_ms": self._sent // 8}
                await self._model.send(json.dumps({"type": "conversation.item.truncate", **cut}))

    async def _say(self, event: str, **fields: object) -> None:
        await self._socket.send_json({"event": event, "streamSid": self._stream_sid, **fields})


app = Starlette(
    routes=[
        Route("/readyz", ready),
        Route("/voice/echo", voice, methods=["POST"]),
        WebSocketRoute("/stream", stream),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
