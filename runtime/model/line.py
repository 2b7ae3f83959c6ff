"""The connections to the model during a call: each opened and closed in one task of its own.

A call has one line at a time, and two while a session is handed over. Whoever has something to say to the
model writes to its line; what the model says is heard in the moment at which it arrives.
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
    ModelConfigured,
    ModelConnected,
    ModelEvent,
    ModelLost,
    ModelUnavailable,
    ModelUsed,
    OfSuccessor,
)
from runtime.engines.engine import Engine
from runtime.figures.logs import get_logger
from runtime.legs.pulse import Pulse
from runtime.model.connection import ModelConnection, ModelGoneError, ModelUnavailableError
from runtime.outbox import Outbox

_log = get_logger(__name__)

# Messages that wait for a slow peer: some ten seconds of audio.
MOST_WAITING = 500
# How long closing may take before the socket is dropped.
CLOSING_SECONDS = 2.0
# How long a model that is told of the end may take to say that it has come: the call's record waits for it.
FAREWELL_SECONDS = 5.0


class ModelLine:
    """A connection with its codec. `name` is the call's, for the log; moments are seconds of `clock`.

    `hear` is given each event; `connect` is called once.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        connect: Callable[[], Awaitable[ModelConnection]],
        *,
        hear: Callable[[ModelLine, ModelEvent], None],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._engine = engine
        self._codec = engine.fresh()
        self._connect = connect
        self._hear = hear
        self._outbox = Outbox(most_waiting=MOST_WAITING, clock=clock, on_failure=self._fail)
        self._asked = False
        self._closed = False
        self._pulse = Pulse()
        self._task: asyncio.Task[None] | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Open the connection in a task of the group, which ends with the line."""
        self._task = tasks.create_task(self._run(tasks))

    def put(self, action: EngineAction) -> bool:
        """Send it, or queue it; False when too much waits already."""
        if isinstance(action, ConfigureModel) and not self._asked:
            self._asked = True
            self._codec = self._engine.fresh()  # its terms may have been completed since the line was opened
        return all(map(self._outbox.put, self._codec.write(action)))

    def _fail(self, error: OSError) -> None:
        """Tell the call that the connection does not take anything any more."""
        self._hear(self, ModelLost(str(error)))

    @property
    def sending_since(self) -> float | None:
        """The moment (s) at which the send under way began, None when there is none."""
        return self._outbox.since

    def stopped(self) -> bool:
        """Look, about once a second, whether a model that sends all the time does so no more."""
        return self._pulse.stopped()

    def close(self) -> None:
        """Stop listening and let go of the connection."""
        self._closed = True
        self._outbox.close()
        if self._task is not None:
            self._task.cancel()

    async def _run(self, tasks: asyncio.TaskGroup) -> None:
        """Connect, then listen until the connection or the need for it ends."""
        try:
            connection = await self._connect()
        except ModelUnavailableError as error:
            _log.warning("model_unavailable", call=self._name, detail=str(error))
            self._end(ModelUnavailable(str(error), error.may_pass))
            return
        try:
            self._outbox.open(connection, tasks)
            self._hear(self, ModelConnected())
            await connection.listen(self._take)
        except ModelGoneError as error:
            _log.warning("model_lost", call=self._name, detail=str(error))
            self._end(ModelLost(str(error)))
        finally:
            self._outbox.close()
            try:
                await self._take_leave(connection)
            finally:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSING_SECONDS):
                        await connection.close()

    def _end(self, news: ModelUnavailable | ModelLost) -> None:
        """Tell the call, for which there is nothing left to interrupt here."""
        self._task = None
        self._hear(self, news)

    def _take(self, message: bytes) -> None:
        if self._closed:
            return
        self._pulse.beats = True
        for event in self._codec.read(message):
            if isinstance(event, ModelConfigured):
                self._pulse.watched = self._codec.capabilities.sounds_always
            self._hear(self, event)

    async def _take_leave(self, connection: ModelConnection) -> None:
        """Let a session that is billed until it is closed end, and count what it took to its end."""
        farewell = self._codec.farewell()
        if farewell is not None:
            with suppress(TimeoutError, ModelGoneError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await connection.send(farewell)
                    await connection.listen(self._take_last)
        usage = self._codec.untold_usage()
        if usage is not None:
            self._hear(self, ModelUsed(usage))

    def _take_last(self, message: bytes) -> None:
        """Count what the session says that it took. Raises `ModelGoneError` once it has come to its end."""
        for event in self._codec.read(message):
            if isinstance(event, ModelUsed):
                self._hear(self, event)
        if self._codec.closed:
            raise ModelGoneError("closed as it was asked to")


class ModelLines:
    """A call's lines: the one that serves, and a successor while a session is handed over.

    `hear` is given what the serving line says, and what the successor says as `OfSuccessor`; a line that was
    closed has nothing more to say, except what it took.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        connect: Callable[[], Awaitable[ModelConnection]],
        *,
        hear: Callable[[Event], None],
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

    def stalled(self, seconds: float) -> bool:
        """Whether the serving line's peer has accepted nothing for so long."""
        since = self._serving.sending_since if self._serving is not None else None
        return since is not None and self._clock() - since > seconds

    def stopped(self) -> bool:
        """Look, about once a second, whether the serving line's peer has fallen silent."""
        return self._serving is not None and self._serving.stopped()

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

    def _hear_line(self, line: ModelLine, event: ModelEvent) -> None:
        if line is self._serving or isinstance(event, ModelUsed):
            self._hear(event)
        elif line is self._successor:
            self._hear(OfSuccessor(event))
