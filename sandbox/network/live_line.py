"""An answered call in real time: the line's ticks, and what is played on it or attached to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from sandbox.account.formats import new_sid
from sandbox.network.events import Kind, happenings
from sandbox.network.line import LineTick
from sandbox.network.phone_call import HungUp, PhoneCall
from sandbox.network.stream import MediaStream, StreamError
from sandbox.network.stream_faults import StreamFaults
from sandbox.network.surroundings import Surroundings
from sandbox.network.utterances import Utterance
from sandbox.network.verbs import Stream
from sandbox.network.wire import StreamWriter
from sandbox.speech.ulaw import BYTES_PER_MS


class Attachment(Protocol):
    """What listens to the caller, and may speak to him: a stream, a seat in a room, a collector of keys."""

    def ticked(self, tick: LineTick, end_ms: float) -> None:
        """Take 20 ms of the caller that end at `end_ms` on the line."""

    def settle(self, end_ms: float) -> None:
        """Let the line play at least up to `end_ms`, before that tick."""


class LiveLine:
    """Keeps one call's line going from `start` to `stop`."""

    def __init__(self, phone: PhoneCall, around: Surroundings) -> None:
        self._phone = phone
        self._around = around
        self._attached: Attachment | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._streams = 0

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

    @contextmanager
    def attached(self, attachment: Attachment) -> Iterator[None]:
        """Attach something to the line until the block ends; there is one thing at a time."""
        self._attached = attachment
        try:
            yield
        finally:
            self._attached = None

    async def wait(self, ms: float) -> None:
        """Let time pass on the network's clock."""
        await self._phone.clock.sleep_until(self._phone.clock.now_ms() + ms)

    async def play(self, ulaw: bytes, times: int = 1, *, words: str = "") -> None:
        """Let the caller hear µ-law audio, which says `words` if any, and return when it has been played."""
        phone, playout, utterance = self._phone, self._phone.line.playout, Utterance()
        if words:
            phone.line.utterances.append(utterance)
        try:
            for number in range(times):
                playout.media(ulaw, phone.line_ms())
                ends_ms = playout.ends_at()
                utterance.say(
                    words if not number else f" {words}", ends_ms - len(ulaw) / BYTES_PER_MS, ends_ms
                )
                await self.wait(playout.ends_at() - phone.line_ms())
        except asyncio.CancelledError:
            playout.clear(phone.line_ms())
            utterance.cut(phone.line_ms())
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
            self.faults_of_next_stream(),
            alert=lambda code, text: around.alert(code, stream.url, text, phone.sid),
            cleared=lambda ms: phone.note(Kind.CLEARED, f"{ms} ms"),
        )
        try:
            await media.connect(stream, around.token, around.tunnels, around.tls)
            with self.attached(media):
                phone.note(Kind.STREAM_OPENED, stream.url.partition("?")[0])
                phone.note(Kind.STREAM_CLOSED, await media.run())
        except StreamError as error:
            around.alert(error.code, stream.url, f"Stream - {error.text}", phone.sid)
            phone.note(Kind.STREAM_CLOSED, error.text)
        except asyncio.CancelledError:
            phone.note(Kind.STREAM_CLOSED, "ended with the call")
            raise

    def faults_of_next_stream(self) -> StreamFaults:
        """Return what goes wrong with the socket that is opened now."""
        faults = self._around.faults
        self._streams += 1
        return faults if faults.streams is None or self._streams <= faults.streams else StreamFaults()

    async def _tick(self) -> None:
        """Let the line live, 20 ms at a time on a steady schedule, until somebody hangs up."""
        phone, line = self._phone, self._phone.line
        answered = phone.clock.now_ms() - phone.line_ms()
        while True:
            end_ms = line.next_tick_ms
            await phone.clock.sleep_until(answered + end_ms)
            attached = self._attached
            if attached is not None:
                attached.settle(end_ms)
            else:
                line.settle(phone.line_ms())
            tick = line.tick()
            for kind, detail in happenings(tick):
                phone.note(kind, detail)
            if attached is not None:
                attached.ticked(tick, end_ms)
            if tick.caller.hang_up:
                phone.hang_up()
                return
            limit = phone.time_limit_seconds
            if limit is not None and end_ms >= limit * 1000:
                phone.interrupt(HungUp("time_limit"))
                return

    async def stop(self) -> None:
        """End the ticking."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
