"""Carries one call from its first request to its last callback."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.account.detection import MachineDetection
from sandbox.account.recording_orders import RecordingOrder
from sandbox.network import flow as flows
from sandbox.network.bridge import Bridge
from sandbox.network.call_requests import CallRequests
from sandbox.network.detecting import detect
from sandbox.network.events import Kind
from sandbox.network.flow import Action, CallFlow, End, Extra
from sandbox.network.live_line import LiveLine
from sandbox.network.performing import Performer
from sandbox.network.phone_call import HungUp, PhoneCall, Redirected
from sandbox.network.phones import Phone
from sandbox.network.recorder import Recorder
from sandbox.network.routing import Route, progress_form, target_of
from sandbox.network.surroundings import Surroundings
from sandbox.network.verbs import Callback


@dataclass(frozen=True, slots=True)
class Ring:
    """An outbound call on its way: the phone, how long it may ring, and what is done when it answers."""

    phone: Phone | None
    ms: float
    detection: MachineDetection | None = None
    send_digits: str = ""
    recording: RecordingOrder | None = None

    @property
    def outcome(self) -> flows.Outcome | None:
        """How the call ends unanswered; None when it is answered. A person who declines counts as busy."""
        phone = self.phone
        if phone is None or phone.ring_ms > self.ms or phone.outcome == "no-answer":
            return "no-answer"
        if phone.outcome == "rejects":
            return "busy"
        return None if phone.outcome == "answer" else phone.outcome

    @property
    def rings_ms(self) -> float:
        """How long it rings before that."""
        if self.phone is None or self.phone.outcome == "no-answer":
            return self.ms
        return min(self.phone.ring_ms, self.ms)


class CallRunner:
    """Lets the call's flow be performed, gives way to interruptions, and reports progress.

    `run` is one task; the line's ticking is a second one, and a detection beside the call a third, which it
    ends. `bridge` is where the call meets the one that dialled it.
    """

    def __init__(
        self, phone: PhoneCall, route: Route, around: Surroundings, bridge: Bridge | None = None
    ) -> None:
        self._phone = phone
        self._call = phone.call
        self._route = route
        self._flow = CallFlow(route.target, dialled=bridge is not None)
        self._webhooks = around.webhooks()
        self._requests = CallRequests(phone, around, self._webhooks, route.application_sid)
        self._line = LiveLine(phone, around)
        self.recorder = Recorder(phone, around)
        self._performer = Performer(
            self._flow, self._line, self._requests, self.recorder, self._answer, bridge
        )
        self._detecting: asyncio.Task[None] | None = None
        self._callbacks_sent = 0

    async def run(self, ring: Ring | None = None) -> None:
        """Hold the call until it has ended and its end is reported; `ring` is for an outbound call."""
        async with self._webhooks:
            try:
                end = await self._ring(ring) if ring is not None else None
                if end is None:
                    end = await self._converse(ring)
            finally:
                await self._line.stop()
                if self._detecting is not None:
                    self._detecting.cancel()
            self._end(end)
            await self._ask_what_was_left()
            await self._report("completed", self._call.status)

    async def _ring(self, ring: Ring) -> End | None:
        """Ring the other side; None when it answers."""
        await self._report("initiated", "initiated")
        self._call.status = "ringing"
        self._phone.note(Kind.RINGING, self._call.to)
        await self._report("ringing", "ringing")
        try:
            async with self._phone.clock.timeout(ring.rings_ms):
                await self._phone.interrupted.wait()
        except TimeoutError:
            if ring.outcome is not None:
                return End(ring.outcome, f"{self._call.to} did not answer")
            self._answer()
            await self._report("answered", "in-progress")
            return None
        declined = self._phone.interruption == HungUp("caller")
        return End("busy", "declined") if declined else End("canceled", "canceled while ringing")

    async def _converse(self, ring: Ring | None) -> End:
        action = await self._unless_interrupted(flows.Begin(), ring)
        while True:
            if self._flow.answered:
                self._answer()
            if isinstance(action, End):
                return action
            action = await self._unless_interrupted(action)

    async def _unless_interrupted(self, action: Action, ring: Ring | None = None) -> Action:
        performing = asyncio.create_task(self._perform(action, ring), name="call-action")
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

    async def _perform(self, action: Action, ring: Ring | None) -> Action:
        if not isinstance(action, flows.Begin):
            return await self._performer.perform(action)
        extra: Extra = ()
        if ring is not None:
            if ring.recording is not None:
                self.recorder.start(ring.recording)
            if ring.send_digits:
                await self._performer.perform(flows.SendDigits(ring.send_digits))
            extra = await self._detect(ring)
        return self._flow.begin(extra)

    async def _detect(self, ring: Ring) -> Extra:
        """Find out who answered: at once, or beside the call. Twilio: without `AsyncAmd` the call waits."""
        if ring.phone is None or ring.detection is None:
            return ()
        order, detected = ring.detection, detect(ring.phone, ring.detection)

        async def find_out() -> None:
            await self._line.wait(detected.ms)
            self._call.answered_by = detected.answered_by
            self._phone.note(Kind.DETECTED, detected.answered_by)
            if order.callback is not None:
                callback = Callback(order.callback, order.callback_method)
                self._requests.post(callback, detected.form())

        if order.waits:
            await find_out()
            return detected.form()
        self._detecting = asyncio.create_task(find_out(), name="call-detection")
        return ()

    def _give_way(self, interruption: HungUp | Redirected) -> Action:
        if isinstance(interruption, HungUp):
            self._phone.note(Kind.HUNG_UP, interruption.by)
            unanswered: flows.Outcome = "no-answer" if interruption.by == "caller" else "canceled"
            return End("completed" if self._flow.answered else unanswered, interruption.by)
        self._phone.interruption = None
        self._phone.interrupted.clear()
        self._performer.redirected()
        return self._flow.redirected(target_of(interruption.instructions))

    async def _ask_what_was_left(self) -> None:
        """Tell the action of the verb that the call's end has ended; its answer controls nothing."""
        left = self._performer.left_behind()
        if left is not None:
            request, extra = left
            await self._requests.tell(request.method, request.url, self._requests.form(extra))

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
        self.recorder.finish()

    async def _report(self, event: str, status: str) -> None:
        """Send a status callback if the call has one for `event`; when it fails, that is an alert only."""
        callback = self._route.callback
        if callback is None or event not in callback.events:
            return
        form = progress_form(self._call, status, self._callbacks_sent, self._route.application_sid)
        self._callbacks_sent += 1
        await self._requests.tell(callback.method, callback.url, form)
