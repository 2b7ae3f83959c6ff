"""Relay and gather mode under load: how much later the caller is answered because of `tm serve`.

    python -m bench.text_modes                          # 50 calls in each mode, a turn every second
    python -m bench.text_modes --calls 100 --seconds 30 --only relay

A turn begins when the carrier's message (relay) or request (gather) with the caller's words leaves, and ends
when the first words of the answer (relay) or the whole document (gather) is there. The model answers at once,
so all of it is the runtime's own, its way to the model and back included. The server has one core, carrier
and model (this process) another, where there are two. Loopback, no TLS.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator

from bench.bridge import cpu_share, pin, server, share
from bench.echo_load import TOKEN
from bench.text_model import WORDS, TextModel
from bench.websocket import Peer, connect
from runtime.server import event_loop

TURN_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 10.0
P99_BUDGET: Final = 15.0  # ms
_CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TURN_URL: Final = re.compile(r'action="([^"]+)"')
_RELAY_URL: Final = re.compile(r'<ConversationRelay url="([^"]+)"')


def fleet(mode: str) -> str:
    """Return the declaration of an agent in this mode."""
    return (
        'kind: Agent\nname: desk\nnumbers: "+14155550123"\ngreeting: Hello.\n'
        f"instructions: Take reservations.\nvoice: {{mode: {mode}}}\nmax_call_seconds: 3600\n"
    )


@dataclass
class Turns:
    """What the turns of one run took, in ms: to the model's request, from there to the answer, and in all."""

    to_model: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def note(self, began: float, asked: float, ended: float) -> None:
        """Note a turn by its moments."""
        self.to_model.append((asked - began) * 1000)
        self.back.append((ended - asked) * 1000)
        self.whole.append((ended - began) * 1000)


@dataclass
class Carrier:
    """Twilio, as far as it matters here: one connection for each call's requests."""

    base: str
    model: TextModel
    turns: Turns
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def relay_call(self, number: int) -> None:
        """Hold a call of relay mode."""
        line = await _Http.open(self.base)
        document = await line.post(f"{self.base}/voice/desk", _form(number))
        url = _found(_RELAY_URL, document)
        heard = asyncio.Event()

        def listen(_socket: Peer, message: bytes) -> None:
            if WORDS[0].encode() in message:
                heard.set()

        signature = RequestValidator(TOKEN).compute_signature(url, {})
        socket = await connect(url, {"X-Twilio-Signature": signature}, listen)
        setup = {"type": "setup", "sessionId": f"VX{number:032}", "callSid": f"CA{number:032}"}
        socket.send(json.dumps(setup).encode())
        prompt = {"type": "prompt", "voicePrompt": f"call {number} asks", "lang": "en-US", "last": True}
        while not self.over.is_set():
            await asyncio.sleep(TURN_SECONDS)
            heard.clear()
            began = time.perf_counter()
            socket.send(json.dumps(prompt).encode())
            await asyncio.wait_for(heard.wait(), ANSWER_SECONDS)
            self.turns.note(began, self.model.asked_at[number], time.perf_counter())
        socket.close()
        await self._hang_up(line, number)

    async def gather_call(self, number: int) -> None:
        """Hold a call of gather mode."""
        line = await _Http.open(self.base)
        form = _form(number)
        url = _found(_TURN_URL, await line.post(f"{self.base}/voice/desk", form))
        while not self.over.is_set():
            await asyncio.sleep(TURN_SECONDS)
            began = time.perf_counter()
            document = await line.post(
                url, {**form, "SpeechResult": f"call {number} asks", "Confidence": "0.9"}
            )
            ended = time.perf_counter()
            assert WORDS[0] in document, document
            self.turns.note(began, self.model.asked_at[number], ended)
            url = _found(_TURN_URL, document)
        await self._hang_up(line, number)

    async def _hang_up(self, line: _Http, number: int) -> None:
        ended = {**_form(number), "CallStatus": "completed", "CallDuration": "60"}
        await line.post(f"{self.base}/voice/desk/status", ended)
        line.close()


class _Http:
    """One connection to the runtime, with a request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, base: str) -> _Http:
        parts = urlsplit(base)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def post(self, url: str, form: dict[str, str]) -> str:
        """Post a signed form and return the answer's body."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = urlencode(form)
        signature = RequestValidator(TOKEN).compute_signature(url, form)
        self._writer.write(
            f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nX-Twilio-Signature: {signature}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
            f"{body}".encode()
        )
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = _CONTENT_LENGTH.search(head)
            assert head.startswith(b"HTTP/1.1 20"), head
            return (await self._reader.readexactly(int(length[1]) if length else 0)).decode()

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()


def _form(number: int) -> dict[str, str]:
    return {
        "CallSid": f"CA{number:032}",
        "AccountSid": "AC" + "0" * 32,
        "From": "+14155550190",
        "To": "+14155550123",
        "CallStatus": "ringing",
    }


def _found(pattern: re.Pattern[str], document: str) -> str:
    found = pattern.search(document)
    assert found is not None, document
    return found[1].replace("&amp;", "&")


async def measure(mode: str, calls: int, seconds: float) -> tuple[Turns, float]:
    """Let so many calls last so long; returns their turns and the CPU time of each in ms."""
    model = TextModel()
    listener = await asyncio.get_running_loop().create_server(model.protocol, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        async with server("tm", f"http://127.0.0.1:{port}/v1", fleet(mode)) as (base, pid):
            carrier = Carrier(base, model, Turns())
            hold = carrier.relay_call if mode == "relay" else carrier.gather_call
            async with asyncio.TaskGroup() as held:
                for number in range(calls):
                    held.create_task(hold(number))
                    await asyncio.sleep(TURN_SECONDS / calls)  # turns are spread evenly
                await asyncio.sleep(2 * TURN_SECONDS)
                carrier.turns = Turns()
                busy = await cpu_share(pid, seconds)
                turns = carrier.turns
                carrier.over.set()
    return turns, 1000 * busy * seconds / max(1, len(turns.whole))


def main() -> None:
    """Measure each mode in a server of its own."""
    parser = argparse.ArgumentParser(description="Measure what relay and gather mode add to an answer.")
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--only", choices=["relay", "gather"], help="leave the other mode out")
    options = parser.parse_args()
    pin(os.getpid(), -1)
    print(
        "         calls   turns  ms CPU/turn  to model p50    p99   back p50    p99   added p50    p99   (ms)"
    )
    for mode in [options.only] if options.only else ["relay", "gather"]:
        with asyncio.Runner(loop_factory=event_loop) as runner:
            turns, cpu_ms = runner.run(measure(mode, options.calls, options.seconds))
        p99 = share(turns.whole, 0.99)
        print(
            f"{mode:<8}{options.calls:>6}{len(turns.whole):>8}{cpu_ms:>10.2f}"
            f"{share(turns.to_model, 0.5):>14.2f}{share(turns.to_model, 0.99):>7.2f}"
            f"{share(turns.back, 0.5):>11.2f}{share(turns.back, 0.99):>7.2f}"
            f"{share(turns.whole, 0.5):>12.2f}{p99:>7.2f}"
            f"  {'within budget' if p99 <= P99_BUDGET else 'OVER BUDGET'}",
            flush=True,
        )
    print(f"budget: p99 {P99_BUDGET} ms, the model excluded")


if __name__ == "__main__":
    main()
