"""The connections to the model during a call: each opened, read and closed in one task of its own.

A call has one line at a time, and two while a session is handed over. Whoever has something to say to the
model writes to its line.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from contextlib import suppress

from runtime.call.actions import (
    CloseModel,
    ConfigureModel,
    ConnectModel,
    EngineAction,
    LineAction,
    SwapModel,
)
from runtime.call.events import (
    Event,
    ModelConnected,
    ModelEvent,
    ModelLost,
    ModelUnavailable,
    OfSuccessor,
)
from runtime.engines.realtime import RealtimeEngine
from runtime.figures.logs import get_logger
from runtime.model.connection import ModelConnection, ModelGoneError, ModelUnavailableError
from runtime.outbox import Outbox

_log = get_logger(__name__)

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
        self._asked = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Open the connection in a task of the group, which ends with the line."""
        self._task = tasks.create_task(self._run())

    def put(self, action: EngineAction) -> bool:
        """Queue what is to be sent; False when too much waits already."""
        if isinstance(action, ConfigureModel) and not self._asked:
            self._asked = True
            self._codec = self._engine.fresh()  # its terms may have been completed since the line was opened
        return self._outbox.put(self._codec.encode(action))

    async def flush(self) -> None:
        """Send what waits; a line that fails is closed, and says so to its call."""
        if self._outbox.empty:
            return
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
            _log.warning("model_unavailable", call=self._name, detail=str(error))
            await self._hear(self, ModelUnavailable(str(error), error.may_pass))
            return
        try:
            self._outbox.open(connection.send_raw)
            await self._hear(self, ModelConnected())
            await self._listen(connection)
        except ModelGoneError as error:
            _log.warning("model_lost", call=self._name, detail=str(error))
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


class ModelLines:
    """A call's lines: the one that serves, and a successor while a session is handed over.

    `hear` is given what the serving line says, and what the successor says as `OfSuccessor`; a line that was
    closed has nothing more to say.
    """

    def __init__(
        self,
        name: str,
        engine: RealtimeEngine,
        connect: Callable[[], Awaitable[ModelConnection]],
        *,
        hear: Callable[[Event], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._new_line = functools.partial(
            ModelLine, name, engine, connect, hear=self._hear_line, clock=clock
        )
        self._hear = hear
        self._clock = clock
        self._tasks: asyncio.TaskGroup | None = None
        self._serving: ModelLine | None = None
        self._successor: ModelLine | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Open the first connection; the lines' tasks belong to the group."""
        self._tasks = tasks
        self.do(ConnectModel())

    def do(self, action: EngineAction | LineAction) -> bool:
        """Carry out what the machine wants of the model; False when too much waits to be sent already."""
        match action:
            case ConnectModel(successor):
                self._connect(successor=successor)
            case CloseModel(successor):
                self._close(successor=successor)
            case SwapModel():
                self._close(successor=False)
                self._serving, self._successor = self._successor, None
            case ConfigureModel(successor=True):
                return self._successor is None or self._successor.put(action)
            case _:
                return self._serving is None or self._serving.put(action)
        return True

    async def flush(self) -> None:
        """Send what waits."""
        if self._serving is not None:
            await self._serving.flush()
        if self._successor is not None:
            await self._successor.flush()

    def stalled(self, seconds: float) -> bool:
        """Whether the serving line's peer has accepted nothing for so long."""
        since = self._serving.sending_since if self._serving is not None else None
        return since is not None and self._clock() - since > seconds

    def _connect(self, *, successor: bool) -> None:
        assert self._tasks is not None, "the machine runs only while the session does"
        line = self._new_line()
        if successor:
            self._successor = line
        else:
            self._serving = line
        line.start(self._tasks)

    def _close(self, *, successor: bool) -> None:
        line = self._successor if successor else self._serving
        if successor:
            self._successor = None
        else:
            self._serving = None
        if line is not None:
            line.close()

    async def _hear_line(self, line: ModelLine, event: ModelEvent) -> None:
        if line is self._serving:
            await self._hear(event)
        elif line is self._successor:
            await self._hear(OfSuccessor(event))
