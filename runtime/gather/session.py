"""A call in gather mode around its machine, which decides everything: requests, asks, tools, one timer.

The carrier's requests come and go; between them the session goes on: the model writes, tools run. A request
hands in what the caller did and waits for the step that the machine gives it, which is a matter of seconds at
the most. Every task belongs to `run` and ends with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

from runtime.call.actions import BeginTransfer, Finished, RunTool
from runtime.call.text import gather_steps as gs
from runtime.call.text.text_events import AskModel, CancelAsk
from runtime.figures.logs import get_logger

if TYPE_CHECKING:
    from runtime.call.events import Event
    from runtime.call.text.gather_call import GatherCall
    from runtime.call.text.text_events import CallerTurn
    from runtime.engines.text import TextEngine
    from runtime.errands import Errands
    from runtime.model.text_line import AskText
    from runtime.recording import LocalRecording

_log = get_logger(__name__)

SECOND: Final = 1.0
# Beyond the machine's own patience: a request is answered even if something has gone wrong here.
ANSWER_SECONDS: Final = 12.0


class GatherSession:
    """Runs one call. `name` is the call SID. Moments are seconds of `clock`.

    `on_step` is called when a step was given, `on_second` about once a second. `fetch` lets the carrier ask
    for what follows the step of a number. `transfer` carries a transfer out.
    """

    def __init__(
        self,
        name: str,
        machine: GatherCall,
        engine: TextEngine,
        *,
        ask: AskText,
        clock: Callable[[], float],
        on_step: Callable[[], None],
        on_second: Callable[[], None],
        fetch: Callable[[int], None],
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
        self._on_step = on_step
        self._on_second = on_second
        self._fetch = fetch
        self.errands = errands
        self._transfer = transfer
        self._tasks: asyncio.TaskGroup | None = None
        self._asks: dict[str, asyncio.Task[None]] = {}
        self._early: list[gs.GatherAction] = []
        self._given = asyncio.Event()
        self._wake = asyncio.Event()
        self._finished = asyncio.Event()
        self._ended = asyncio.Event()
        self._carry_out(machine.begin())

    # --- life -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Live until the call is over, then end everything that belongs to it.

        An error of ours ends the call and is logged; it does not reach the caller of `run`.
        """
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self.errands.start(self._tasks, self.feed)
                early, self._early = self._early, []
                self._carry_out(early)
                pacer = self._tasks.create_task(self._pace())
                await self._watch()
                self.errands.end()
                for task in (pacer, *self._asks.values()):
                    task.cancel()
        except* Exception:
            _log.exception("call_crashed", call=self.name)
        finally:
            if self.finished_at is None:  # cut off, or crashed: the machine has not said so
                self.finished_at = self._clock()
            self._tasks = None
            self._finished.set()
            self._given.set()
            self._ended.set()

    @property
    def finished(self) -> bool:
        """Whether the machine has said its last word."""
        return self._finished.is_set()

    async def ended(self) -> None:
        """Wait until `run` has ended."""
        await self._ended.wait()

    def feed(self, event: gs.GatherEvent | Event) -> None:
        """Hand in an event from elsewhere: a status callback, an operator, a tool."""
        self._carry_out(self.machine.handle(event, self._clock()))
        self._wake.set()

    async def _watch(self) -> None:
        while not self.finished:
            with suppress(TimeoutError):
                async with asyncio.timeout(SECOND):
                    await self._finished.wait()
            self._on_second()

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

    async def turn(self, number: int, turn: CallerTurn | None) -> gs.Step | None:
        """Return what follows the step of this number; a request that is repeated gets the same answer.

        None when the call is over and there was nothing to be said.
        """
        if number == self.machine.number and not self.machine.asked:
            self._given.clear()
            self.feed(gs.Asked(turn))
        return await self._next_step()

    async def come_back(self) -> gs.Step | None:
        """Return what comes next for a caller whom the carrier sends here out of turn."""
        if not self.machine.asked:
            self._given.clear()
            self.feed(gs.CameBack())
        return await self._next_step()

    def overhear(self, number: int, text: str) -> None:
        """Take what the recogniser makes of the caller so far, after the step of this number."""
        if number == self.machine.number:
            self.feed(gs.Overheard(text))

    async def _next_step(self) -> gs.Step | None:
        if self.machine.asked and not self.finished:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._given.wait()
            except TimeoutError:
                _log.error("no_step_in_time", call=self.name)
                return None
        return self.machine.step

    # --- the machine ----------------------------------------------------------------------------------

    def _carry_out(self, actions: Iterable[gs.GatherAction]) -> None:
        for action in actions:
            if isinstance(action, gs.GiveStep):
                self._given.set()
                if self._tasks is not None:
                    self._on_step()
            elif isinstance(action, Finished):
                self.finished_at = self._clock()
                self._finished.set()
            elif self._tasks is None:  # `run` is about to begin, and does it
                self._early.append(action)
            else:
                self._do(action, self._tasks)

    def _do(
        self,
        action: gs.FetchCaller | AskModel | CancelAsk | RunTool | BeginTransfer,
        tasks: asyncio.TaskGroup,
    ) -> None:
        if isinstance(action, AskModel):
            self._asks[action.ask_id] = tasks.create_task(self._ask(action))
        elif isinstance(action, CancelAsk):
            task = self._asks.get(action.ask_id)
            if task is not None:
                task.cancel()
        elif isinstance(action, RunTool):
            self.errands.run(action)
        elif isinstance(action, BeginTransfer):
            self._transfer(action, self.feed)
        else:
            self._fetch(self.machine.number)

    async def _ask(self, ask: AskModel) -> None:
        try:
            async with aclosing(self._ask_model(self._engine, ask)) as events:
                async for event in events:
                    self.feed(event)
        finally:
            del self._asks[ask.ask_id]
