"""Carries one call from its first request to its last callback."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urljoin

from sandbox.network import flow as flows
from sandbox.network.events import Kind
from sandbox.network.flow import Action, CallFlow, End, Failure
from sandbox.network.live_line import LiveLine, Surroundings
from sandbox.network.media_files import media_audio, spoken_words
from sandbox.network.phone_call import HungUp, PhoneCall, Redirected
from sandbox.network.routing import Route, progress_form, target_of, voice_form
from sandbox.network.twiml import TwimlError
from sandbox.network.webhooks import MAX_MEDIA, DeliveryError, Reply, Webhooks, is_audio, read_document


@dataclass(frozen=True, slots=True)
class Ring:
    """How the called phone takes it: it rings for `ms`, and then this happens."""

    ms: float
    outcome: Literal["answer", "busy", "no-answer"]


class CallRunner:
    """Does what the call's flow says, makes its requests, and reports progress.

    `run` is one task; the line's ticking is a second one, which it ends.
    """

    def __init__(self, phone: PhoneCall, route: Route, around: Surroundings) -> None:
        self._phone = phone
        self._call = phone.call
        self._route = route
        self._around = around
        self._flow = CallFlow(route.target)
        self._webhooks = Webhooks(around.token, around.tunnels, around.tls)
        self._line = LiveLine(phone, around)
        self._callbacks_sent = 0

    async def run(self, ring: Ring | None = None) -> None:
        """Hold the call until it has ended and its end is reported; `ring` is for an outbound call."""
        async with self._webhooks:
            try:
                end = await self._ring(ring) if ring is not None else None
                if end is None:
                    end = await self._converse()
            finally:
                await self._line.stop()
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
            async with self._phone.clock.timeout(ring.ms):
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
        watched = {performing, waiting, *self._line.tasks()}
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            self._line.check()
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
        self._line.left_stream = None
        return self._flow.redirected(target_of(interruption.instructions))

    async def _perform(self, action: Action) -> Action:
        match action:
            case flows.Fetch():
                return await self._fetch(action)
            case flows.Read(markup):
                return self._read(Reply("", "text/xml", markup.encode()))
            case flows.Speak(text, times):
                await self._line.play(spoken_words(text), times)
            case flows.PlayMedia(url, times):
                await self._line.play(await self._media(url), times)
            case flows.Silence(ms):
                await self._phone.clock.sleep_until(self._phone.clock.now_ms() + ms)
            case flows.OpenStream(stream):
                await self._line.hold_stream(stream)
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
        self._phone.note(Kind.REQUESTED, f"GET {url}")
        return media_audio(reply.body)

    async def _ask_action_of_left_stream(self) -> None:
        """Tell the action URL of a stream that the call's end has ended; its answer controls nothing."""
        stream = self._line.left_stream
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
        self._line.start()

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
        self._around.alert(code, url, text, self._call.sid)
