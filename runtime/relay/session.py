"""A call in relay mode: the caller's connection around a session that outlives it, and may get another one.

Each connection has a reader and a writer, which end with it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from runtime.call.actions import DropStream
from runtime.call.events import BadFrame, StreamBroken, StreamStarted
from runtime.call.text import relay_steps as rs
from runtime.figures.logs import get_logger
from runtime.legs import conversation_relay
from runtime.legs.flood import Flood
from runtime.text_session import Surroundings, TextSession

if TYPE_CHECKING:
    from runtime.call.text.relay_call import RelayCall

_log = get_logger(__name__)

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


class RelaySession(TextSession[rs.CarrierEvent, rs.ConnectionAction]):
    """Runs one call."""

    def __init__(self, name: str, machine: RelayCall, surroundings: Surroundings) -> None:
        self.machine = machine
        self._connection: _Connection | None = None
        super().__init__(name, machine, surroundings)

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
                _log.warning("message_not_understood", call=self.name)
                _log.debug("message_not_understood_detail", call=self.name, detail=event.detail)
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
        self._here.on_stream()
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

    # --- what is for the carrier

    def _to_carrier(self, action: rs.ConnectionAction) -> None:
        if isinstance(action, DropStream):
            self._drop()
            return
        if isinstance(action, rs.EndRelay):
            self.goodbye = action.goodbye
            self.stream_was_ended = True
        if (message := conversation_relay.encode(action)) is not None:
            self._send(message)

    def _send(self, message: str) -> None:
        connection = self._connection
        if connection is not None and not connection.put(message):
            asyncio.get_running_loop().call_soon(self._lose, connection, "the caller's side does not read")

    def _drop(self) -> None:
        """Let go of the connection once it has what was sent; the next one may come."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.put(None)

    async def _let_go(self) -> None:
        """Let the carrier have what is on its way, and close its socket."""
        connection = self._connection
        if connection is None:
            return
        connection.put(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS + STALLED_SECONDS):
                await connection.over.wait()
