"""The bridge under load: CPU and memory per call of `tm serve`, and the latency that it adds each way.

    python -m bench.bridge                        # 10 and 50 calls, 30 s each
    python -m bench.bridge --calls 100 --seconds 20

Callers and model stand in this process and do as little as they can. Each caller sends a 20 ms frame 50 times
a second, and the model echoes every frame as a delta of one endless answer: audio both ways all the time,
which no real call has. Loopback, no TLS. Every frame carries its number, so the time that it takes from
the caller's socket to the model's, and from the model's back to the caller's, is known for each.

CPU and memory are those of the server alone, from /proc (Linux). Memory per call is what the resident set
grows by, against that of a server that has had one call.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from cli.demo.processes import free_port
from runtime.server import event_loop

FRAME_SECONDS = 0.02
FRAME_BYTES = 160
RAMP_SECONDS = 0.05
SETTLE_SECONDS = 3.0
TOKEN = "0" * 32
APPEND = '{"type":"input_audio_buffer.append","audio":"'
DELTA = '{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"'
MEDIA = '{"event":"media","streamSid":"MZ1","media":{"track":"inbound","payload":"'
FLEET = """\
kind: Agent
name: echo
numbers: "+14155550123"
instructions: Echo.
"""


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

    def at_model(self, number: int) -> None:
        """Note that the frame has come to the model, which sends it back at once."""
        now = time.perf_counter()
        if (sent := self.sent.pop(number, None)) is not None:
            self.up_ms.append((now - sent) * 1000)
            self.echoed[number] = now

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


async def be_model(socket: ServerConnection, load: Load) -> None:
    """Accept any configuration, and echo."""
    with suppress(ConnectionClosed):
        async for message in socket:
            assert isinstance(message, str)
            if message.startswith(APPEND):
                payload = message[len(APPEND) : -2]
                head = base64.b64decode(payload[:12])
                load.calls[int.from_bytes(head[:4])].at_model(int.from_bytes(head[4:8]))
                await socket.send(f'{DELTA}{payload}"}}')
                continue
            event = json.loads(message)
            if event["type"] == "session.update":
                await socket.send(json.dumps({"type": "session.updated", "session": event["session"]}))
            elif event["type"] == "response.create":
                await socket.send('{"type": "response.created", "response": {"id": "r"}}')


async def be_caller(base: str, call: int, load: Load, over: asyncio.Event) -> None:
    """Call, speak until it is over, hang up."""
    frames = load.calls[call] = Frames()
    sid = f"CA{call:032}"
    url = await webhook(base, sid)
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    async with connect(
        url, additional_headers={"X-Twilio-Signature": signature}, compression=None, ping_interval=None
    ) as socket:
        media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {"streamSid": "MZ1", "callSid": sid, "tracks": ["inbound"], "mediaFormat": media_format}
        await socket.send(json.dumps({"event": "start", "streamSid": "MZ1", "start": start}))
        listening = asyncio.create_task(listen(socket, frames))
        began, number = time.perf_counter(), 0
        while not over.is_set():
            payload = frames.frame(call, number)
            if not load.measuring:
                frames.sent.clear()
            await socket.send(f'{MEDIA}{payload}"}}}}')
            number += 1
            await asyncio.sleep(max(0.0, began + number * FRAME_SECONDS - time.perf_counter()))
        await socket.send(json.dumps({"event": "stop", "streamSid": "MZ1", "stop": {}}))
        await listening


async def listen(socket: object, frames: Frames) -> None:
    """Take the audio that comes back, and return the marks as if everything were played at once."""
    with suppress(ConnectionClosed):
        async for message in socket:  # type: ignore[attr-defined]  # a client connection
            frame = json.loads(message)
            if frame["event"] == "media":
                frames.back(base64.b64decode(frame["media"]["payload"]))
            elif frame["event"] == "mark":
                await socket.send(message)  # type: ignore[attr-defined]


async def webhook(base: str, sid: str) -> str:
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


@asynccontextmanager
async def server(model_url: str) -> AsyncIterator[tuple[str, int]]:
    """Run `tm serve` on an echoing agent; yields its base URL and process id."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "agents.d").mkdir()
        (Path(folder) / "agents.d" / "echo.yaml").write_text(FLEET)
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "TM_AGENTS_DIR": f"{folder}/agents.d",
            "TM_STATE_DIR": folder,
            "TM_DATABASE_URL": f"sqlite:///{folder}/calls.sqlite3",
            "TM_PUBLIC_URL": base,
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "OPENAI_API_KEY": "sk-bench",
            "OPENAI_BASE_URL": model_url,
        }
        command = (sys.executable, "-m", "cli", "serve", "--port", str(port), "--log-level", "error")
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        try:
            await until_ready(base)
            yield base, process.pid
        finally:
            process.terminate()
            await process.wait()


async def until_ready(base: str) -> None:
    """Wait until the server answers, 20 s at most."""
    async with asyncio.timeout(20), httpx2.AsyncClient() as client:
        while True:
            with suppress(httpx2.TransportError):
                if (await client.get(f"{base}/readyz")).is_success:
                    return
            await asyncio.sleep(0.1)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kb(pid: int) -> int:
    """Return how much memory a process has resident, in KB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0])


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the values are."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure(calls: int, seconds: float) -> None:
    """Let so many calls last so long, and print a line."""
    load = Load()

    async def model(socket: ServerConnection) -> None:
        await be_model(socket, load)

    async with serve(model, "127.0.0.1", 0, compression=None, ping_interval=None) as listener:
        port = next(iter(listener.sockets)).getsockname()[1]
        async with server(f"http://127.0.0.1:{port}/v1") as (base, pid):
            await talk(base, range(1), load, 1.0)  # what is loaded by the first call alone
            idle = resident_kb(pid)
            cpu, grown = 0.0, 0

            async def watch() -> None:
                nonlocal cpu, grown
                await asyncio.sleep(calls * RAMP_SECONDS + SETTLE_SECONDS)
                before, load.measuring = cpu_seconds(pid), True
                await asyncio.sleep(seconds)
                cpu, grown, load.measuring = cpu_seconds(pid) - before, resident_kb(pid) - idle, False

            length = calls * RAMP_SECONDS + SETTLE_SECONDS + seconds + 0.5
            await asyncio.gather(watch(), talk(base, range(1, calls + 1), load, length))
    print_line(calls, cpu / (calls * seconds) * 1000, grown / calls, idle, list(load.calls.values()))


async def talk(base: str, numbers: range, load: Load, seconds: float) -> None:
    """Hold calls for a while, all at once, begun one after the other."""
    over = asyncio.Event()
    async with asyncio.TaskGroup() as callers:
        ending = asyncio.get_running_loop().call_later(seconds, over.set)
        for number in numbers:
            callers.create_task(be_caller(base, number, load, over))
            await asyncio.sleep(RAMP_SECONDS)
    ending.cancel()


def print_line(calls: int, cpu_ms: float, kb: float, idle_kb: int, frames: list[Frames]) -> None:
    """Print what was measured."""
    ways = {
        "up": [ms for call in frames for ms in call.up_ms],
        "down": [ms for call in frames for ms in call.down_ms],
    }
    latency = ", ".join(
        f"{way} p50 {percentile(values, 0.5):.2f} p99 {percentile(values, 0.99):.2f} ms of {len(values)}"
        for way, values in ways.items()
    )
    print(
        f"{calls} calls: {cpu_ms:.2f} ms CPU per call-second, {kb:.0f} KB per call"
        f" (idle {idle_kb / 1024:.0f} MB), {latency}"
    )


def main() -> None:
    """Measure each number of calls in a server of its own."""
    parser = argparse.ArgumentParser(description="Measure the bridge under echo load.")
    parser.add_argument("--calls", type=int, nargs="+", default=[10, 50])
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    for calls in options.calls:
        with asyncio.Runner(loop_factory=event_loop) as runner:
            runner.run(measure(calls, options.seconds))


if __name__ == "__main__":
    main()
