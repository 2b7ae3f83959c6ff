"""Calls with audio both ways all the time, and a model that echoes: the load of the bridge benchmark.

Each caller sends a 20 ms frame 50 times a second, and the model sends every frame back as a delta of one
endless answer. Every frame carries its call and number, so the time that it takes from the caller's socket to
the model's, and from the model's back to the caller's, is known for each.

A frame that comes to the model far too late is not echoed: those that waited while the model was connected
come all at once, and audio that a bridge is given ahead of its time it may rightly keep.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from dataclasses import dataclass, field

import httpx2
from twilio.request_validator import RequestValidator

from bench.websocket import Peer, connect

FRAME_SECONDS = 0.02
FRAME_BYTES = 160
RAMP_SECONDS = 0.05
TOO_LATE_SECONDS = 0.1
TOKEN = "0" * 32
AUDIO = b'"audio":'
DELTA = b'{"type":"response.output_audio.delta","event_id":"e","response_id":"r","item_id":"i","delta":"'
MEDIA = '{"event":"media","sequenceNumber":"%d","streamSid":"MZ1","media":{"track":"inbound","chunk":"%d",'


@dataclass
class Frames:
    """When each frame of one call was where: moments of `time.perf_counter`, by the frame's number."""

    sent: dict[int, float] = field(default_factory=dict)
    echoed: dict[int, float] = field(default_factory=dict)
    up_ms: list[float] = field(default_factory=list)
    down_ms: list[float] = field(default_factory=list)

    def frame(self, call: int, number: int) -> str:
        """Return the frame with this number, as base64: the call and the number in its first bytes."""
        head = call.to_bytes(4) + number.to_bytes(4)
        self.sent[number] = time.perf_counter()
        return base64.b64encode(head.ljust(FRAME_BYTES, b"\xff")).decode()

    def at_model(self, number: int, *, measuring: bool) -> bool:
        """Note that the frame has come to the model; returns whether it is in time to be sent back."""
        now = time.perf_counter()
        late = now - self.sent.pop(number, 0.0)
        if measuring:
            self.up_ms.append(late * 1000)
            self.echoed[number] = now
        return late <= TOO_LATE_SECONDS

    def back(self, audio: bytes) -> None:
        """Note the frames that came back to the caller, several in a message perhaps."""
        now = time.perf_counter()
        for start in range(0, len(audio), FRAME_BYTES):
            number = int.from_bytes(audio[start + 4 : start + 8])
            if (echoed := self.echoed.pop(number, None)) is not None:
                self.down_ms.append((now - echoed) * 1000)


@dataclass
class Load:
    """All calls of one run; frames are measured while `measuring`."""

    calls: dict[int, Frames] = field(default_factory=dict)
    measuring: bool = False

    def at_model(self, socket: Peer, message: bytes) -> None:
        """Be the model: accept any configuration, and echo."""
        if b"input_audio_buffer.append" in message[:60]:
            payload = message[message.index(AUDIO) + len(AUDIO) :].strip(b' "}')
            head = base64.b64decode(payload[:12])
            frames = self.calls[int.from_bytes(head[:4])]
            if frames.at_model(int.from_bytes(head[4:8]), measuring=self.measuring):
                socket.send(DELTA + payload + b'"}')
            return
        event = json.loads(message)
        if event["type"] == "session.update":
            socket.send(json.dumps({"type": "session.updated", "session": event["session"]}).encode())
        elif event["type"] == "response.create":
            socket.send(b'{"type": "response.created", "response": {"id": "r"}}')

    async def call(self, base: str, number: int, over: asyncio.Event) -> None:
        """Be a caller: call, speak until it is over, hang up."""
        frames = self.calls[number] = Frames()
        sid = f"CA{number:032}"
        url = await _webhook(base, sid)
        signature = RequestValidator(TOKEN).compute_signature(url, {})

        def listen(socket: Peer, message: bytes) -> None:
            """Take the audio that comes back, and return the marks as if everything were played at once."""
            frame = json.loads(message)
            if frame["event"] == "media":
                frames.back(base64.b64decode(frame["media"]["payload"]))
            elif frame["event"] == "mark":
                socket.send(message)

        socket = await connect(url, {"X-Twilio-Signature": signature}, listen)
        media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {"streamSid": "MZ1", "callSid": sid, "tracks": ["inbound"], "mediaFormat": media_format}
        opening = {"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": start}
        socket.send(json.dumps(opening).encode())
        await self._speak(socket, frames, number, over)
        socket.send(json.dumps({"event": "stop", "streamSid": "MZ1", "stop": {}}).encode())
        await asyncio.wait_for(socket.closed.wait(), 10)

    async def _speak(self, socket: Peer, frames: Frames, call: int, over: asyncio.Event) -> None:
        began, number = time.perf_counter(), 0
        while not over.is_set():
            payload = frames.frame(call, number)
            head = MEDIA % (number + 2, number + 1)
            socket.send(f'{head}"timestamp":"{number * 20}","payload":"{payload}"}}}}'.encode())
            number += 1
            await asyncio.sleep(max(0.0, began + number * FRAME_SECONDS - time.perf_counter()))

    async def talk(self, base: str, numbers: range, seconds: float) -> None:
        """Hold calls for a while, all at once, begun one after the other."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as callers:
            ending = asyncio.get_running_loop().call_later(seconds, over.set)
            for number in numbers:
                callers.create_task(self.call(base, number, over))
                await asyncio.sleep(RAMP_SECONDS)
        ending.cancel()


async def _webhook(base: str, sid: str) -> str:
    """Announce a call as Twilio does and return where its stream is expected."""
    form = {"CallSid": sid, "From": "+14155550190", "To": "+14155550123", "CallStatus": "ringing"}
    signature = RequestValidator(TOKEN).compute_signature(f"{base}/voice/echo", form)
    async with httpx2.AsyncClient() as client:
        answer = await client.post(
            f"{base}/voice/echo", data=form, headers={"X-Twilio-Signature": signature}, timeout=20
        )
    found = re.search(r'<Stream url="([^"]+)"', answer.raise_for_status().text)
    assert found is not None, answer.text
    return found[1]
