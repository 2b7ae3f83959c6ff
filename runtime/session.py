"""One call's sockets and timer around its machine, which decides everything.

A session lives from the webhook to the machine's `Finished`. Its tasks belong to `run` and end with it: one
holds the model's connection (its `ModelLine`), one the caller's stream, and the pacer wakes the machine at
the one moment that it asked for. What either side says is heard where it arrives, without a task in between:
the machine decides, and what it wants sent is written before the next message is read.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Protocol

from runtime.call.actions import (
    Action,
    BeginTransfer,
    ClearPlayback,
    DropStream,
    EndStream,
    Finished,
    LegAction,
    PlayAudio,
    PlayMark,
    RunTool,
)
from runtime.call.events import (
    BadFrame,
    CallerAudio,
    Event,
    ModelLost,
    StreamBroken,
    StreamStarted,
)
from runtime.call.machine import CallMachine
from runtime.engines.engine import Engine
from runtime.errands import Errands
from runtime.figures.logs import get_logger
from runtime.legs import media_streams
from runtime.legs.flood import Flood
from runtime.legs.pulse import Pulse
from runtime.model.connection import ModelConnection
from runtime.model.line import ModelLines
from runtime.outbox import Outbox
from runtime.recording import LocalRecording

_log = get_logger(__name__)

# A peer that has accepted nothing for so long is gone, whatever TCP says; looked at once a second.
STALLED_SECONDS = 5.0
STALL_CHECK_SECONDS = 1.0
# Messages that wait for a slow peer: some ten seconds of audio.
MOST_WAITING = 500
# Broken frames after which a stream is not Twilio's any more.
MOST_BAD_FRAMES = 100
# How long closing may take before the sockets are dropped.
CLOSING_SECONDS = 3.0

NORMAL_CLOSE = 1000
_LEG_ACTIONS = (PlayAudio, PlayMark, ClearPlayback)
_OWN_ACTIONS = (EndStream, DropStream, RunTool, BeginTransfer, Finished)


class Leg(Protocol):
    """The caller's stream as the web server gives it: text messages both ways."""

    async def listen(self, hear: Callable[[str | bytes], None]) -> None:
        """Give `hear` each message as it arrives, until the stream is over. Raises what `hear` raises."""

    def write(self, text: str) -> bool:
        """Send one message if that needs no waiting; False when nothing was sent."""

    async def send(self, text: str) -> None:
        """Send one message; raises `OSError` when the stream is over."""

    async def close(self, code: int) -> None:
        """Close the stream; does not raise for one that is over."""


class CallSession:
    """Runs one call. `name` is the call SID: it stands on every log line and in the stream's start.

    `on_stream` is called each time that the caller's stream has started, `on_second` about once a second
    while the call lasts, `on_silence` when the stream is dead though nobody closed it. `record` begins a
    recording of both sides, at the first stream. `errands` run the tools. Moments are seconds of `clock`.
    """

    def __init__(
        self,
        name: str,
        machine: CallMachine,
        engine: Engine,
        *,
        connect: Callable[[], Awaitable[ModelConnection]],
        clock: Callable[[], float],
        on_stream: Callable[[], None],
        on_second: Callable[[], None] = lambda: None,
        on_silence: Callable[[], None] = lambda: None,
        record: Callable[[], LocalRecording] | None = None,
        errands: Errands | None = None,
        transfer: Callable[[BeginTransfer, Callable[[Event], None]], None] | None = None,
    ) -> None:
        self.name = name
        self.machine = machine
        self.goodbye: str | None = None
        self.stream_started_at: float | None = None
        self.finished_at: float | None = None
        self._clock = clock
        self._on_stream = on_stream
        self._on_second = on_second
        self._on_silence = on_silence
        self.recording: LocalRecording | None = None
        self._begin_recording = record
        self.errands = errands
        self._transfer = transfer
        self._to_leg = self._new_outbox()
        self._lines = ModelLines(name, engine, connect, hear=self._step, clock=clock)
        self._leg: Leg | None = None
        self._stream_id: str | None = None
        self._leg_is_ending = False
        self._bad_frames = 0
        self._flood = Flood()
        self._pulse = Pulse()
        self._overdue: deque[Event] = deque()
        self._tasks: asyncio.TaskGroup | None = None
        self._context: contextvars.Context | None = None
        self._reader: asyncio.Task[None] | None = None
        self._finished = asyncio.Event()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None

    # --- life -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Live until the call is over, then end everything that belongs to it.

        An error of ours ends the call and is logged; it does not reach the caller of `run`.
        """
        try:
            self._context = contextvars.copy_context()
            async with asyncio.TaskGroup() as self._tasks:
                if not self.finished:
                    self._lines.start(self._tasks)
                if self.errands is not None:
                    self.errands.start(self._tasks, self.feed)
                pacer = self._tasks.create_task(self._pace())
                self._arm()
                await self._watch()
                if self.errands is not None:
                    self.errands.end()
                await self._close_leg()
                for child in (pacer, self._reader):  # the line's was ended by the machine, and says goodbye
                    if child is not None:
                        child.cancel()
        except* Exception:
            _log.exception("call_crashed", call=self.name)
            await self._close_leg()
        finally:
            if self.finished_at is None:  # cut off, or crashed: the machine has not said so
                self.finished_at = self._clock()
            self._finished.set()
            self._tasks = None
            if self._timer is not None:
                self._timer.cancel()

    async def serve_leg(self, leg: Leg) -> None:
        """Serve a stream of the caller until it or the call is over; one at a time."""
        if self._tasks is None or self.finished or self._leg is not None:
            await leg.close(NORMAL_CLOSE)
            return
        self._leg = leg
        self._to_leg.open(leg, self._tasks)
        # the call's own context, not that of the request that brought the stream: log lines name the call
        self._reader = reader = self._tasks.create_task(self._read_stream(leg), context=self._context)
        try:
            await asyncio.wait((reader,))
            if leg is not self._leg:  # dropped: another one may come
                with suppress(TimeoutError, OSError):
                    async with asyncio.timeout(CLOSING_SECONDS):
                        await leg.close(NORMAL_CLOSE)
        finally:
            if not reader.done():  # the server itself is being stopped
                reader.cancel()
                self.feed(StreamBroken("the server let go of the stream"))

    def feed(self, event: Event) -> None:
        """Hand in an event from elsewhere: a status callback, an operator."""
        self._step(event)

    @property
    def stream_was_ended(self) -> bool:
        """Whether our side has closed the caller's stream, or is about to."""
        return self._leg_is_ending

    @property
    def finished(self) -> bool:
        """Whether the machine has said its last word."""
        return self._finished.is_set()

    async def _watch(self) -> None:
        while not self.finished:
            with suppress(TimeoutError):
                async with asyncio.timeout(STALL_CHECK_SECONDS):
                    await self._finished.wait()
            self._look_for_stalls()
            self._on_second()

    async def _close_leg(self) -> None:
        """Let the caller's side have what is on its way, then close it."""
        if self._leg is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._to_leg.sent()
                await self._leg.close(NORMAL_CLOSE)
        self._to_leg.close()

    def _new_outbox(self) -> Outbox:
        return Outbox(most_waiting=MOST_WAITING, clock=self._clock, on_failure=self._lose_leg)

    def _lose_leg(self, error: OSError) -> None:
        self._step(StreamBroken(f"sending to the caller failed ({type(error).__name__})"))

    # --- the machine ----------------------------------------------------------------------------------

    def _step(self, event: Event) -> None:
        self._carry_out(self.machine.handle(event, self._clock()))

    def _carry_out(self, actions: Iterable[Action]) -> None:
        """Do what the machine wants, and what that leads to."""
        self._act(actions)
        while self._overdue:
            self._act(self.machine.handle(self._overdue.popleft(), self._clock()))
        self._arm()

    def _act(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, _LEG_ACTIONS):
                self._tell_caller(action)
            elif isinstance(action, _OWN_ACTIONS):
                self._do(action)
            elif not self._lines.do(action):
                self._overdue.append(ModelLost("the model does not read"))

    def _tell_caller(self, action: LegAction) -> None:
        assert self._stream_id is not None, "the machine plays only into a stream that has started"
        if self.recording is not None:
            _record(self.recording, action, self._clock())
        if not self._to_leg.put(media_streams.encode(action, self._stream_id)):
            self._overdue.append(StreamBroken("the caller's side does not read"))

    def _do(self, action: EndStream | DropStream | RunTool | BeginTransfer | Finished) -> None:
        """Do what concerns neither side's messages."""
        match action:
            case EndStream(goodbye):
                self.goodbye = goodbye
                self._leg_is_ending = True
            case DropStream():
                self._drop_leg()
            case RunTool():
                assert self.errands is not None, "a call with tools has somebody to run them"
                self.errands.run(action)
            case BeginTransfer():
                assert self._transfer is not None, "a call with somebody to transfer to can be transferred"
                self._transfer(action, self.feed)
            case Finished():
                self.finished_at = self._clock()
                self._finished.set()

    # --- time -----------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Set the timer for the machine's next moment; one that rings too early is harmless and stays."""
        due = self.machine.wake_at()
        if due is None or math.isinf(due) or (self._timer_at is not None and self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        self._timer = asyncio.get_running_loop().call_later(max(0.0, due - self._clock()), self._ring)

    def _ring(self) -> None:
        self._timer = self._timer_at = None
        self._wake.set()

    async def _pace(self) -> None:
        """Wake the machine when it is due."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            due = self.machine.wake_at()
            if due is not None and due <= self._clock():
                self._carry_out(self.machine.wake(self._clock()))
            self._arm()

    def _look_for_stalls(self) -> None:
        """End a side that has accepted nothing for too long, or brought nothing."""
        now = self._clock()
        if self._to_leg.since is not None and now - self._to_leg.since > STALLED_SECONDS:
            self._to_leg.close()
            self.feed(StreamBroken("the caller's side does not read"))
        if self._pulse.stopped() and self._leg is not None and not self._leg_is_ending:
            self.feed(StreamBroken("nothing comes from the caller's side"))
            if self.machine.awaits_stream:
                self._on_silence()
        if self._lines.stalled(STALLED_SECONDS):
            self.feed(ModelLost("the model does not read"))
        if self._lines.stopped():
            self.feed(ModelLost("nothing comes from the model"))

    # --- the two sides --------------------------------------------------------------------------------

    async def _read_stream(self, leg: Leg) -> None:
        # The server hands the messages on in a context of its own; log lines name the call.
        context = contextvars.copy_context()
        await leg.listen(lambda message: context.run(self._hear_caller, leg, message))
        if leg is self._leg and not self._leg_is_ending:
            self._step(StreamBroken("the socket was closed without a stop"))

    def _hear_caller(self, leg: Leg, message: str | bytes) -> None:
        """Let the machine know what a message of the caller's stream means."""
        if leg is not self._leg or self.finished:
            return
        is_new = self._stream_id is None
        event = self._read_leg(message)
        self._pulse.beats = True
        if isinstance(event, CallerAudio):
            self._pulse.watched = True
            if self.recording is not None:
                self.recording.hear_caller(event.payload, self._clock())
        if event is not None:
            self._step(event)
        if is_new and self._stream_id is not None:
            self._on_stream()

    def _drop_leg(self) -> None:
        """Let go of the stream, wherever it was found broken; its reader ends, and the next may come."""
        reader, self._reader = self._reader, None
        self._leg = self._stream_id = None
        self._bad_frames = 0
        self._flood = Flood()
        self._pulse = Pulse()
        self._to_leg.close()
        self._to_leg = self._new_outbox()
        if reader is not None:
            reader.cancel()

    def _read_leg(self, message: str | bytes) -> Event | None:
        if self._flood.rises(len(message), self._clock()):
            return StreamBroken("far more messages than a call has")
        if isinstance(message, bytes):
            event: Event | None = BadFrame("a binary message")
        else:
            event = media_streams.decode(message, self._stream_id)
        if isinstance(event, StreamStarted) and self._stream_id is None:
            if event.call_sid not in (None, self.name):
                return StreamBroken("the stream belongs to another call")
            self._stream_id = event.stream_id
            self.stream_started_at = self.stream_started_at or self._clock()
            if self._begin_recording is not None and self.recording is None:
                self.recording = self._begin_recording()
        elif isinstance(event, BadFrame):
            self._bad_frames += 1
            if self._bad_frames > MOST_BAD_FRAMES:
                return StreamBroken("too many malformed messages")
        return event


def _record(recording: LocalRecording, action: LegAction, now: float) -> None:
    if isinstance(action, PlayAudio):
        recording.play_agent(action.payload, now)
    elif isinstance(action, ClearPlayback):
        recording.cut_agent(now)
