"""One connection to the model during a call: opened, read and closed in one task, written to from several.

A call has one line at a time, and two while a session is handed over. What a line hears it hands on with
itself, so that the call can tell whether it still listens to it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from runtime.call.actions import ConfigureModel, EngineAction
from runtime.call.events import ModelConnected, ModelEvent, ModelLost, ModelUnavailable
from runtime.engines.realtime import RealtimeEngine
from runtime.model_connection import ModelConnection, ModelGoneError, ModelUnavailableError
from runtime.outbox import Outbox

_log = logging.getLogger(__name__)

# Messages that wait for a slow peer: some ten seconds of audio.
MOST_WAITING = 500
# How long closing may take before the socket is dropped.
CLOSING_SECONDS = 2.0


class ModelLine:
    """A connection with its codec. `name` is the call's, for the log; moments are seconds of `clock`.

    `hear` is given each event; `connect` is called once.
    """

    def __init__(
        self,
        name: str,
        engine: RealtimeEngine,
        connect: Callable[[], Awaitable[ModelConnection]],
        *,
        hear: Callable[[ModelLine, ModelEvent], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._engine = engine
        self._codec = engine.fresh()
        self._connect = connect
        self._hear = hear
        self._outbox = Outbox(most_waiting=MOST_WAITING, clock=clock)
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Open the connection in a task of the group, which ends with the line."""
        self._task = tasks.create_task(self._run())

    def put(self, action: EngineAction) -> bool:
        """Queue what is to be sent; False when too much waits already."""
        if isinstance(
            action, ConfigureModel
        ):  # whose terms may have been completed since the line was opened
            self._codec = self._engine.fresh()
        return self._outbox.put(self._codec.encode(action))

    async def flush(self) -> None:
        """Send what waits; a line that fails is closed, and says so to its call."""
        try:
            await self._outbox.flush()
        except ModelGoneError as error:
            self._outbox.close()
            await self._hear(self, ModelLost(str(error)))

    @property
    def sending_since(self) -> float | None:
        """The moment (s) at which the send under way began, None when there is none."""
        return self._outbox.since

    def close(self) -> None:
        """Stop reading and let go of the connection, whichever task asks for it."""
        self._closed = True
        self._outbox.close()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _run(self) -> None:
        """Connect, then read until the connection or the need for it ends."""
        try:
            connection = await self._connect()
        except ModelUnavailableError as error:
            _log.warning("event=model_unavailable call=%s detail=%r", self._name, str(error))
            await self._hear(self, ModelUnavailable(str(error), error.may_pass))
            return
        try:
            self._outbox.open(connection.send_raw)
            await self._hear(self, ModelConnected())
            await self._listen(connection)
        except ModelGoneError as error:
            _log.warning("event=model_lost call=%s detail=%r", self._name, str(error))
            await self._hear(self, ModelLost(str(error)))
        finally:
            self._outbox.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_SECONDS):
                    await connection.close()

    async def _listen(self, connection: ModelConnection) -> None:
        while not self._closed:
            event = self._codec.decode(await connection.recv_bytes())
            if event is not None:
                await self._hear(self, event)
