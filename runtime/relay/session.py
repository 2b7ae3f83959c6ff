"""A call in relay mode around its machine, which decides everything: socket, asks, tools, one timer.

Each connection of the caller has a reader and a writer, which end with it; the call outlives it, and may get
another one. Every task belongs to `run` and ends with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final, Protocol

from runtime.call.actions import BeginTransfer, DropStream, Finished, RunTool
from runtime.call.events import BadFrame, StreamBroken, StreamStarted
from runtime.call.text import relay_steps as rs
from runtime.call.text.text_events import AskModel, CancelAsk
from runtime.figures.logs import get_logger
from runtime.legs import conversation_relay
from runtime.legs.flood import Flood

if TYPE_CHECKING:
    from runtime.call.events import Event
    from runtime.call.text.relay_call import RelayCall
    from runtime.engines.text import TextEngine
    from runtime.errands import Errands
    from runtime.model.text_line import AskText
    from runtime.recording import LocalRecording

_log = get_logger(__name__)

SECOND: Final = 1.0
MOST_WAITING: Final = 2_000  # messages for a carrier that does not read: tokens of many minutes
STALLED_SECONDS: Final = 5.0  # s in which a carrier takes nothing, after which it is gone
CLOSING_SECONDS: Final = 2.0  # s in which the carrier closes a session that was ended; after that we do
MOST_BAD_FRAMES: Final = 100
NORMAL_CLOSE: Final = 1000


class Leg(Protocol):
    """The caller's socket as the web server gives it: text messages both ways."""

    async def receive(self) -> str | bytes | None:
        """Return the next message, or None when the socket is closed."""

    async def send(self, text: str) -> None:
        """Send one message; raises `OSError` when the socket is closed."""

    async def close(self, code: int) -> None:
        """Close the socket; does not raise for one that is closed."""


class _Connection:
    """One socket, and what waits to be sent on it; None is the end."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.waiting: asyncio.Queue[str | None] = asyncio.Queue()
        self.set_up = False
        self.bad_frames = 0
        self.flood = Flood()
        self.over = asyncio.Event()

    def put(self, message: str | None) -> bool:
        """Have a message sent; False when the carrier does not read."""
        if message is not None and self.waiting.qsize() >= MOST_WAITING:
            return False
        self.waiting.put_nowait(message)
        return True


class RelaySession:
    """Runs one call. `name` is the call SID. Moments are seconds of `clock`.

    `on_stream` is called each time that the caller is connected, `on_second` about once a second. `transfer`
    carries a transfer out.
    """

    def __init__(
        self,
        name: str,
        machine: RelayCall,
        engine: TextEngine,
        *,
        ask: AskText,
        clock: Callable[[], float],
        on_stream: Callable[[], None],
        on_second: Callable[[], None],
        errands: Errands,
        transfer: Callable[[BeginTransfer, Callable[[Event], None]], None],
    ) -> None:
        self.name = name
        self.machine = machine
        self.goodbye: str | None = None
        self.stream_started_at: float | None = None
        self.stream_was_ended = False
        self.finished_at: float | None = None
        self.recording: LocalRecording | None = None
        self._engine = engine
        self._ask_model = ask
        self._clock = clock
        self._on_stream = on_stream
        self._on_second = on_second
        self.errands = errands
        self._transfer = transfer
        self._tasks: asyncio.TaskGroup | None = None
        self._asks: dict[str, asyncio.Task[None]] = {}
        self._connection: _Connection | None = None
        self._wake = asyncio.Event()
        self._finished = asyncio.Event()

    # --- life -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Live until the call is over, then end everything that belongs to it.

        An error of ours ends the call and is logged; it does not reach the caller of `run`.
        """
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self.errands.start(self._tasks, self.feed)
                self._carry_out(self.machine.begin())
                pacer = self._tasks.create_task(self._pace())
                await self._watch()
                self.errands.end()
                await self._close()
                for task in (pacer, *self._asks.values()):
                    task.cancel()
        except* Exception:
            _log.exception("call_crashed", call=self.name)
        finally:
            if self.finished_at is None:  # cut off, or crashed: the machine has not said so
                self.finished_at = self._clock()
            self._tasks = None
            self._finished.set()

    @property
    def finished(self) -> bool:
        """Whether the machine has said its last word."""
        return self._finished.is_set()

    def feed(self, event: rs.RelayEvent) -> None:
        """Hand in an event from elsewhere: a status callback, an operator, a tool."""
        self._carry_out(self.machine.handle(event, self._clock()))
        self._wake.set()

    async def _watch(self) -> None:
        while not self.finished:
            with suppress(TimeoutError):
                async with asyncio.timeout(SECOND):
                    await self._finished.wait()
            self._on_second()

    async def _close(self) -> None:
        """Let the carrier have what is on its way, and close its socket."""
        connection = self._connection
        if connection is None:
            return
        connection.put(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS + STALLED_SECONDS):
                await connection.over.wait()

    async def _pace(self) -> None:
        """Wake the machine when it is due."""
        while True:
            self._wake.clear()
            due = self.machine.wake_at()
            if due is not None and due <= self._clock():
                self._carry_out(self.machine.wake(self._clock()))
                await asyncio.sleep(0)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else due - self._clock()):
                    await self._wake.wait()

    # --- the carrier ----------------------------------------------------------------------------------

    async def serve_leg(self, leg: Leg) -> None:
        """Serve a socket of the caller until it or the call is over; one at a time."""
        if self._tasks is None or self.finished or self._connection is not None:
            await leg.close(NORMAL_CLOSE)
            return
        connection = self._connection = _Connection(leg)
        reader = self._tasks.create_task(self._read(connection))
        writer = self._tasks.create_task(self._write(connection))
        try:
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
        finally:  # also when the server itself is being stopped
            reader.cancel()
            writer.cancel()
            connection.over.set()
            self._lose(connection, "the socket was closed")
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await leg.close(NORMAL_CLOSE)

    async def _read(self, connection: _Connection) -> None:
        while (message := await connection.leg.receive()) is not None:
            if connection.flood.rises(len(message), self._clock()):
                self._lose(connection, "far more messages than a call has")
                return
            event = conversation_relay.decode(message)
            if event is None or connection is not self._connection:
                continue
            if isinstance(event, BadFrame):
                connection.bad_frames += 1
                if connection.bad_frames > MOST_BAD_FRAMES:
                    self._lose(connection, "too many malformed messages")
                    return
            elif isinstance(event, rs.Complaint):
                _log.warning("message_not_understood", call=self.name, detail=event.detail)
            elif isinstance(event, StreamStarted):
                if not self._set_up(connection, event):
                    return
                continue
            elif not connection.set_up:
                event = BadFrame("a message before the setup")
            self.feed(event)

    def _set_up(self, connection: _Connection, event: StreamStarted) -> bool:
        if event.call_sid != self.name:
            self._lose(connection, "the socket belongs to another call")
            return False
        if connection.set_up:
            self.feed(BadFrame("a second setup"))
            return True
        connection.set_up = True
        self.stream_started_at = self.stream_started_at or self._clock()
        self.feed(event)
        self._on_stream()
        return True

    async def _write(self, connection: _Connection) -> None:
        while (message := await connection.waiting.get()) is not None:
            try:
                async with asyncio.timeout(STALLED_SECONDS):
                    await connection.leg.send(message)
            except TimeoutError:
                self._lose(connection, "the caller's side does not read")
                return
            except OSError as error:
                self._lose(connection, f"sending to the caller failed ({type(error).__name__})")
                return
        await asyncio.sleep(CLOSING_SECONDS)

    def _lose(self, connection: _Connection, detail: str) -> None:
        """Tell the machine that the connection is gone, unless it was given up."""
        if connection is self._connection:
            self._connection = None
            self.feed(StreamBroken(detail))

    # --- the machine ----------------------------------------------------------------------------------

    def _carry_out(self, actions: Iterable[rs.RelayAction]) -> None:
        for action in actions:
            if isinstance(action, rs.SpeakText | rs.SendKeys):
                message = conversation_relay.encode(action)
                if message is not None:
                    self._send(message)
            elif isinstance(action, rs.EndRelay):
                self.goodbye = action.goodbye
                self.stream_was_ended = True
                self._send(conversation_relay.END)
            elif isinstance(action, DropStream):
                self._drop()
            elif isinstance(action, Finished):
                self.finished_at = self._clock()
                self._finished.set()
            else:
                self._do(action)

    def _do(self, action: AskModel | CancelAsk | RunTool | BeginTransfer) -> None:
        assert self._tasks is not None, "the machine begins in `run`"
        if isinstance(action, AskModel):
            self._asks[action.ask_id] = self._tasks.create_task(self._ask(action))
        elif isinstance(action, CancelAsk):
            task = self._asks.get(action.ask_id)
            if task is not None:
                task.cancel()
        elif isinstance(action, RunTool):
            self.errands.run(action)
        else:
            self.stream_was_ended = False
            self._transfer(action, self.feed)

    def _send(self, message: str) -> None:
        connection = self._connection
        if connection is not None and not connection.put(message):
            asyncio.get_running_loop().call_soon(self._lose, connection, "the caller's side does not read")

    def _drop(self) -> None:
        """Let go of the connection once it has what was sent; the next one may come."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.put(None)

    async def _ask(self, ask: AskModel) -> None:
        try:
            async with aclosing(self._ask_model(self._engine, ask)) as events:
                async for event in events:
                    self.feed(event)
        finally:
            del self._asks[ask.ask_id]
