"""An answered call in real time: the line's ticks, and what is played or streamed on it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field

from sandbox.account.account import Account
from sandbox.account.formats import new_sid
from sandbox.network.events import Kind, happenings
from sandbox.network.phone_call import HungUp, PhoneCall
from sandbox.network.stream import MediaStream, StreamError, StreamFaults
from sandbox.network.twiml import Stream
from sandbox.network.webhooks import Tunnels
from sandbox.network.wire import StreamWriter


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a call needs of the network: the account, its Region's token, tunnels, TLS, faults."""

    account: Account = field(repr=False)
    token: str = field(repr=False)
    tunnels: Tunnels
    tls: ssl.SSLContext
    faults: StreamFaults
    time_limit_seconds: int | None = None

    def alert(self, code: int, url: str, text: str, call_sid: str) -> None:
        """Write to the account's debugger."""
        self.account.alert(code, url, text, call_sid)


class LiveLine:
    """Keeps one call's line going from `start` to `stop`.

    `left_stream` is the stream whose end the app has not yet been asked about: while one is held,
    and after the call has ended in the middle of it.
    """

    def __init__(self, phone: PhoneCall, around: Surroundings) -> None:
        self.left_stream: Stream | None = None
        self._phone = phone
        self._around = around
        self._stream: MediaStream | None = None
        self._ticking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tick: the call was answered just now."""
        self._ticking = asyncio.create_task(self._tick(), name="call-line")

    def tasks(self) -> tuple[asyncio.Task[None], ...]:
        """Return the ticking, once it has begun, for whoever waits for its end."""
        return () if self._ticking is None else (self._ticking,)

    def check(self) -> None:
        """Raise what broke the ticking, if anything did."""
        if self._ticking is not None and self._ticking.done():
            self._ticking.result()

    async def play(self, ulaw: bytes, times: int) -> None:
        """Let the caller hear µ-law audio, and return when it has been played."""
        phone, playout = self._phone, self._phone.line.playout
        try:
            for _ in range(times):
                playout.media(ulaw, phone.line_ms())
                left_ms = playout.ends_at() - phone.line_ms()
                await phone.clock.sleep_until(phone.clock.now_ms() + left_ms)
        except asyncio.CancelledError:
            playout.clear(phone.line_ms())
            raise

    async def hold_stream(self, stream: Stream) -> None:
        """Open a stream and stay in it until its socket ends."""
        around, phone = self._around, self._phone
        sid = new_sid("MZ")
        media = MediaStream(
            sid,
            phone.line,
            StreamWriter(phone.call.account_sid, phone.sid, sid),
            phone.line_ms,
            around.faults,
            alert=lambda code, text: around.alert(code, stream.url, text, phone.sid),
            cleared=lambda ms: phone.note(Kind.CLEARED, f"{ms} ms"),
        )
        self.left_stream = stream
        try:
            await media.connect(stream, around.token, around.tunnels, around.tls)
            self._stream = media
            phone.note(Kind.STREAM_OPENED, stream.url.partition("?")[0])
            phone.note(Kind.STREAM_CLOSED, await media.run())
        except StreamError as error:
            around.alert(error.code, stream.url, error.text, phone.sid)
            phone.note(Kind.STREAM_CLOSED, error.text)
        except asyncio.CancelledError:
            phone.note(Kind.STREAM_CLOSED, "ended with the call")
            raise
        finally:
            self._stream = None
        self.left_stream = None

    async def _tick(self) -> None:
        """Let the line live, 20 ms at a time on a steady schedule, until somebody hangs up."""
        phone, line = self._phone, self._phone.line
        answered = phone.clock.now_ms() - phone.line_ms()
        limit = self._around.time_limit_seconds
        while True:
            end_ms = line.next_tick_ms
            await phone.clock.sleep_until(answered + end_ms)
            stream = self._stream
            if stream is not None:
                stream.settle()
            else:
                line.settle(phone.line_ms())
            tick = line.tick()
            for kind, detail in happenings(tick):
                phone.note(kind, detail)
            if stream is not None:
                stream.frame(tick.frame, end_ms)
                if tick.caller.digit is not None:
                    stream.digit(tick.caller.digit)
            if tick.caller.hang_up:
                phone.hang_up()
                return
            if limit is not None and end_ms >= limit * 1000:
                phone.interrupt(HungUp("time_limit"))
                return

    async def stop(self) -> None:
        """End the ticking."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
