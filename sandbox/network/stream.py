"""The socket of one media stream: what Twilio does between a line and the app's WebSocket server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError

from sandbox.network.line import Line, LineTick
from sandbox.network.racing import first_of
from sandbox.network.sockets import GOODBYE_SECONDS, StreamError, checked_address, open_socket
from sandbox.network.stream_faults import FaultyWriter, StreamFaults
from sandbox.network.verbs import Stream
from sandbox.network.webhooks import Tunnels
from sandbox.network.wire import Clear, Mark, Media, RefusedMessageError, StreamWriter, parse_outgoing
from sandbox.speech.ulaw import BYTES_PER_MS

MAX_WAITING = 500  # messages to a server that does not read: ten seconds of audio

__all__ = ["MediaStream", "StreamError", "stream_address"]


def stream_address(url: str, tunnels: Tunnels) -> tuple[str, str | None]:
    """Return the URL to connect to and what was wrong with it, if that can be mended.

    Twilio: no query string. Raises StreamError.
    """
    address = checked_address(url, tunnels)
    if urlsplit(url).query:
        return address.partition("?")[0], "a Stream url has no query string: it was dropped"
    return address, None


class MediaStream:
    """One bidirectional stream. `run` connects and returns when the server has ended it.

    `clock` tells the line's time in ms; `alert` takes what Twilio's debugger would show, `cleared` how
    many ms of audio the server dropped. `ticked` and `settle` are called as the line ticks.
    """

    def __init__(
        self,
        sid: str,
        line: Line,
        writer: StreamWriter,
        clock: Callable[[], float],
        faults: StreamFaults,
        *,
        alert: Callable[[int, str], None],
        cleared: Callable[[int], None],
    ) -> None:
        self.sid = sid
        self._line = line
        self._writer = writer
        self._clock = clock
        self._alert_once = alert
        self._faults = faults
        self._cleared = cleared
        self._outbox: asyncio.Queue[tuple[float, str]] = asyncio.Queue(MAX_WAITING)
        self._last_due = 0.0
        self._alerted: set[int] = set()
        self._socket: ClientConnection | None = None
        self._began_ms = 0.0
        self._faulty = FaultyWriter(writer, faults)
        self._thaw = asyncio.Event()
        self._leaving = asyncio.Event()
        self._stopped = False

    async def connect(self, stream: Stream, token: str, tunnels: Tunnels, tls: ssl.SSLContext) -> None:
        """Open the signed WebSocket and send `connected` and `start`. Raises StreamError."""
        url, oddity = stream_address(stream.url, tunnels)
        if oddity is not None:
            self._alert(31920, oddity)
        self._socket = await open_socket(
            url, token=token, tunnels=tunnels, tls=tls, agent="TwilioMediaStreams"
        )
        self._began_ms = self._clock()
        self._put(self._writer.connected())
        self._put(self._writer.start(dict(stream.parameters)))

    async def run(self) -> str:
        """Carry messages both ways until the server closes, and return how it ended.

        When cancelled (the caller hung up, another document took over) it says `stop` and closes.
        """
        assert self._socket is not None, "connect comes first"
        sender = asyncio.create_task(self._send_all(self._socket), name="stream-sender")
        try:
            await first_of(self._read_all(self._socket), self._leaving.wait())
        except ConnectionClosedError as error:
            self._alert(31921, f"Stream - closed abnormally: {error}")
            return "broken"
        except asyncio.CancelledError:
            await self._say_goodbye()
            raise
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            self._line.playout.clear(self._clock())
            self._line.settle(self._clock())
            await self._socket.close()
        return "closed by the phone's side" if self._leaving.is_set() else "closed by the app"

    async def _read_all(self, socket: ClientConnection) -> None:
        async for frame in socket:
            await self._frozen()
            if self._faults.read_delay_ms:
                await asyncio.sleep(self._faults.read_delay_ms / 1000)
            self._receive(frame)

    def ticked(self, tick: LineTick, end_ms: float) -> None:
        """Send on what the caller said in the 20 ms that end at `end_ms` on the line, and the key pressed."""
        self._send_audio(tick.frame, end_ms)
        if tick.caller.digit is not None and self._socket is not None and not self._stopped:
            self._put(self._writer.dtmf(tick.caller.digit))

    def _send_audio(self, ulaw: bytes, end_ms: float) -> None:
        if self._socket is None:
            return
        at = round(end_ms - self._began_ms) - len(ulaw) // BYTES_PER_MS
        faults = self._faults
        if at < 0 or self._stopped:
            return
        if _is_due(faults.drop_after_ms, at):
            self._socket.transport.abort()
        elif _is_due(faults.close_after_ms, at):
            self._leaving.set()
        elif _is_due(faults.stop_after_ms, at):
            self._put(self._writer.stop())
            self._stopped = True
        else:
            for frame in self._faulty.media(ulaw, at):
                self._put(frame)

    def settle(self, _end_ms: float) -> None:
        """Let the line play up to now and return the marks that came due."""
        self._settle_now()

    def _settle_now(self) -> None:
        now = self._clock()
        for name in self._line.settle(now):
            self._faulty.mark(name, now)
        if not self._stopped:
            for frame in self._faulty.due_marks(now):
                self._put(frame)

    def _receive(self, frame: str | bytes) -> None:
        try:
            message = parse_outgoing(frame, self.sid)
        except RefusedMessageError as refused:
            self._alert(refused.code, f"Stream - {refused.text}")
            return
        now = self._clock()
        match message:
            case Media(ulaw):
                if not self._line.playout.media(ulaw, now):
                    self._alert(31931, "Stream - more than ten minutes of audio wait: refused")
            case Mark(name):
                self._line.playout.mark(name, now)
            case Clear():
                self._cleared(self._line.playout.clear(now) // BYTES_PER_MS)
        self._settle_now()

    def _put(self, message: str) -> None:
        try:
            self._outbox.put_nowait((self._due_at(), message))
        except asyncio.QueueFull:
            self._alert(31930, "Stream - the server does not read: messages are lost")

    def _due_at(self) -> float:
        """Return when (s of the loop) a message goes out: late by its jitter, but never before another."""
        if self._faults.jitter_ms:
            late = asyncio.get_running_loop().time() + self._faulty.delay_s()
            self._last_due = max(self._last_due, late)
        return self._last_due

    async def _send_all(self, socket: ClientConnection) -> None:
        while True:
            due, message = await self._outbox.get()
            await self._frozen()
            if self._faults.jitter_ms:
                await asyncio.sleep(due - asyncio.get_running_loop().time())
            try:
                await socket.send(message)
            finally:
                self._outbox.task_done()

    async def _frozen(self) -> None:
        """Wait for ever once the stream is to freeze."""
        after = self._faults.freeze_after_ms
        if after is not None and self._clock() - self._began_ms >= after:
            await self._thaw.wait()

    async def _say_goodbye(self) -> None:
        if not self._stopped:
            self._put(self._writer.stop())
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._outbox.join()
        except TimeoutError:
            self._alert(31930, "Stream - stop could not be delivered")

    def _alert(self, code: int, text: str) -> None:
        """Show each kind of trouble once per stream, as Twilio does."""
        if code not in self._alerted:
            self._alerted.add(code)
            self._alert_once(code, text)


def _is_due(after_ms: int | None, at_ms: int) -> bool:
    return after_ms is not None and at_ms >= after_ms
