"""Carries one call from its first request to its last callback."""

from __future__ import annotations

import asyncio
import math
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urljoin

from sandbox.account.account import Account
from sandbox.account.formats import new_sid
from sandbox.network import flow as flows
from sandbox.network.events import Kind, happenings
from sandbox.network.flow import Action, CallFlow, End, Failure
from sandbox.network.media_files import media_audio, spoken_words
from sandbox.network.phone_call import HungUp, PhoneCall, Redirected
from sandbox.network.routing import Route, progress_form, target_of, voice_form
from sandbox.network.stream import MediaStream, StreamError, StreamFaults
from sandbox.network.twiml import Stream, TwimlError
from sandbox.network.webhooks import (
    MAX_MEDIA,
    DeliveryError,
    Reply,
    Tunnels,
    Webhooks,
    is_audio,
    read_document,
)
from sandbox.network.wire import StreamWriter


@dataclass(frozen=True, slots=True)
class Ring:
    """How the called phone takes it: it rings for `ms`, and then this happens."""

    ms: float
    outcome: Literal["answer", "busy", "no-answer"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a call needs of the network: the account, its Region's token, tunnels, TLS, faults."""

    account: Account
    token: str
    tunnels: Tunnels
    tls: ssl.SSLContext
    faults: StreamFaults
    time_limit_seconds: int | None = None


class CallRunner:
    """Does what the call's flow says, keeps the line ticking, and reports progress.

    `run` is one task; the line's ticking is a second one, which it owns.
    """

    def __init__(self, phone: PhoneCall, route: Route, around: Surroundings) -> None:
        self._phone = phone
        self._call = phone.call
        self._route = route
        self._around = around
        self._flow = CallFlow(route.target)
        self._webhooks = Webhooks(around.token, around.tunnels, around.tls)
        self._stream: MediaStream | None = None
        self._left_stream: Stream | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._callbacks_sent = 0

    async def run(self, ring: Ring | None = None) -> None:
        """Hold the call until it has ended and its end is reported; `ring` is for an outbound call."""
        async with self._webhooks:
            try:
                end = await self._ring(ring) if ring is not None else None
                if end is None:
                    end = await self._converse()
            finally:
                await self._stop_ticking()
            self._end(end)
            await self._ask_action_of_left_stream()
            await self._report("completed", self._call.status)

    async def _ring(self, ring: Ring) -> End | None:
        """Ring the other side; None when it answers."""
        await self._report("initiated", "initiated")
        self._call.status = "ringing"
        self._phone.note(Kind.RINGING, self._call.to)
        await self._report("ringing", "ringing")
        try:
            async with asyncio.timeout(ring.ms / 1000):
                await self._phone.interrupted.wait()
        except TimeoutError:
            if ring.outcome != "answer":
                return End(ring.outcome, f"{self._call.to} did not answer")
            self._answer()
            await self._report("answered", "in-progress")
            return None
        return End("canceled", "canceled while ringing")

    async def _converse(self) -> End:
        action = self._flow.begin()
        while True:
            if self._flow.answered:
                self._answer()
            if isinstance(action, End):
                return action
            action = await self._perform_unless_interrupted(action)

    async def _perform_unless_interrupted(self, action: Action) -> Action:
        performing = asyncio.create_task(self._perform(action), name="call-action")
        waiting = asyncio.create_task(self._phone.interrupted.wait(), name="call-interruption")
        watched = {performing, waiting} | ({self._ticking} if self._ticking is not None else set())
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if self._ticking is not None and self._ticking.done():
                self._ticking.result()
            if self._phone.interruption is None:
                return await performing
        finally:
            for task in (performing, waiting):
                task.cancel()
            await asyncio.gather(performing, waiting, return_exceptions=True)
        return self._give_way(self._phone.interruption)

    def _give_way(self, interruption: HungUp | Redirected) -> Action:
        if isinstance(interruption, HungUp):
            self._phone.note(Kind.HUNG_UP, interruption.by)
            unanswered: flows.Outcome = "no-answer" if interruption.by == "caller" else "canceled"
            return End("completed" if self._flow.answered else unanswered, interruption.by)
        self._phone.interruption = None
        self._phone.interrupted.clear()
        self._left_stream = None
        return self._flow.redirected(target_of(interruption.instructions))

    async def _perform(self, action: Action) -> Action:
        match action:
            case flows.Fetch():
                return await self._fetch(action)
            case flows.Read(markup):
                return self._read(Reply("", "text/xml", markup.encode()))
            case flows.Speak(text, times):
                await self._play(spoken_words(text), times)
            case flows.PlayMedia(url, times):
                await self._play(await self._media(url), times)
            case flows.Silence(ms):
                await self._phone.clock.sleep_until(self._phone.clock.now_ms() + ms)
            case flows.OpenStream(stream):
                await self._hold_stream(stream)
            case End():
                return action
        return self._flow.done()

    async def _fetch(self, action: flows.Fetch) -> Action:
        form = voice_form(self._call, self._call.status, self._route.application_sid)
        try:
            reply = await self._webhooks.send(action.method, action.url, (*form, *action.extra))
        except DeliveryError as error:
            return self._fail(error.failure)
        self._phone.note(Kind.REQUESTED, f"{action.method} {action.url}")
        return self._read(reply)

    def _read(self, reply: Reply) -> Action:
        if is_audio(reply):
            return self._flow.audio(reply.url)
        try:
            document = read_document(reply)
        except TwimlError as error:
            return self._fail(Failure(error.code, reply.url, error.text))
        for oddity in document.warnings:
            self._alert(oddity.code, reply.url, oddity.text)
        return self._flow.document(document, reply.url)

    def _fail(self, failure: Failure) -> Action:
        self._alert(failure.code, failure.url, failure.text)
        return self._flow.failed(failure)

    async def _media(self, url: str) -> bytes:
        try:
            reply = await self._webhooks.send("GET", url, (), limit=MAX_MEDIA)
        except DeliveryError as error:
            self._alert(error.failure.code, url, error.failure.text)
            return b""
        return media_audio(reply.body)

    async def _play(self, ulaw: bytes, times: int) -> None:
        phone, playout = self._phone, self._phone.line.playout
        try:
            for _ in range(times):
                playout.media(ulaw, phone.line_ms())
                left_ms = playout.ends_at() - phone.line_ms()
                await phone.clock.sleep_until(phone.clock.now_ms() + left_ms)
        except asyncio.CancelledError:
            playout.clear(phone.line_ms())
            raise

    async def _hold_stream(self, stream: Stream) -> None:
        """Open a stream and stay in it until its socket ends."""
        around, phone = self._around, self._phone
        sid = new_sid("MZ")
        media = MediaStream(
            sid,
            phone.line,
            StreamWriter(self._call.account_sid, self._call.sid, sid),
            phone.line_ms,
            around.faults,
            alert=lambda code, text: self._alert(code, stream.url, text),
            cleared=lambda ms: phone.note(Kind.CLEARED, f"{ms} ms"),
        )
        self._left_stream = stream
        try:
            await media.connect(stream, around.token, around.tunnels, around.tls)
            self._stream = media
            phone.note(Kind.STREAM_OPENED, stream.url.partition("?")[0])
            phone.note(Kind.STREAM_CLOSED, await media.run())
        except StreamError as error:
            self._alert(error.code, stream.url, error.text)
            phone.note(Kind.STREAM_CLOSED, error.text)
        except asyncio.CancelledError:
            phone.note(Kind.STREAM_CLOSED, "ended with the call")
            raise
        finally:
            self._stream = None
        self._left_stream = None

    async def _ask_action_of_left_stream(self) -> None:
        """Tell the action URL of a stream that the call's end has ended; its answer controls nothing."""
        stream = self._left_stream
        if stream is None or not stream.action:
            return
        form = voice_form(self._call, self._call.status, self._route.application_sid)
        url = urljoin(self._flow.base, stream.action)
        try:
            await self._webhooks.send(stream.method, url, form)
        except DeliveryError as error:
            self._alert(error.failure.code, url, error.failure.text)

    def _answer(self) -> None:
        """Pick up, once: the line's clock starts here."""
        if self._phone.answered_at_ms is not None:
            return
        self._flow.answered = True
        self._phone.answered_at_ms = int(self._phone.now_ms())
        self._call.status = "in-progress"
        self._call.started = datetime.now(UTC)
        self._phone.note(Kind.ANSWERED)
        self._ticking = asyncio.create_task(self._tick(), name="call-line")

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

    async def _stop_ticking(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)

    def _end(self, end: End) -> None:
        call, phone = self._call, self._phone
        call.ended = datetime.now(UTC)
        if phone.answered_at_ms is not None:
            phone.line.settle(phone.line_ms())
            call.duration_seconds = math.ceil(phone.line_ms() / 1000)
        call.status = end.outcome
        if phone.interruption is None:
            phone.note(Kind.HUNG_UP if phone.answered_at_ms is not None else Kind.REJECTED, end.reason)
        phone.note(Kind.ENDED, end.outcome)

    async def _report(self, event: str, status: str) -> None:
        """Send a status callback if the call has one for `event`; when it fails, that is an alert only."""
        callback = self._route.callback
        if callback is None or event not in callback.events:
            return
        form = progress_form(self._call, status, self._callbacks_sent, self._route.application_sid)
        self._callbacks_sent += 1
        try:
            await self._webhooks.send(callback.method, callback.url, form)
        except DeliveryError as error:
            self._alert(error.failure.code, error.failure.url, error.failure.text)

    def _alert(self, code: int, url: str, text: str) -> None:
        self._around.account.alert(code, url, text, self._call.sid)
