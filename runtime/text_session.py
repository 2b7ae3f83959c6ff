"""What every call with a text model has around its machine: asks, tools, transfers, one timer, one life.

The machine decides everything. A mode adds its wire to the carrier: what `_to_carrier` does with the actions
that are for it, and how the carrier's side comes in, by `feed`. Every task belongs to `run` and ends with it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeAlias, TypeVar

from runtime.call.actions import BeginTransfer, Finished, RunTool
from runtime.call.events import Event
from runtime.call.text.text_events import AskModel, CancelAsk, TextModelEvent
from runtime.figures.logs import get_logger

if TYPE_CHECKING:
    from runtime.engines.text import TextEngine
    from runtime.errands import Errands
    from runtime.model.text_line import AskText
    from runtime.recording import LocalRecording

_log = get_logger(__name__)

SECOND: Final = 1.0

FromCarrier = TypeVar("FromCarrier")
ToCarrier = TypeVar("ToCarrier")
Told = TypeVar("Told", contravariant=True)
Wanted = TypeVar("Wanted", covariant=True)

AnyEvent: TypeAlias = TextModelEvent | Event
Work: TypeAlias = AskModel | CancelAsk | RunTool | BeginTransfer | Finished


class TextMachine(Protocol[Told, Wanted]):
    """A call without I/O, which is told what its mode's carrier does and wants things of it."""

    def begin(self) -> Sequence[Wanted | Work]:
        """Open the talk."""

    def handle(self, event: Told | AnyEvent, now: float, /) -> Sequence[Wanted | Work]:
        """Take one event and return what is to be done about it, in order."""

    def wake_at(self) -> float | None:
        """Return the moment (s) at which to call `wake`, None once the call is over."""

    def wake(self, now: float, /) -> Sequence[Wanted | Work]:
        """Do what is due."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a call has of its node. Moments are seconds of `clock`.

    `on_stream` is called when the carrier has taken something up, `on_second` about once a second.
    `transfer` carries a transfer out, and feeds what comes of it.
    """

    engine: TextEngine
    ask: AskText
    clock: Callable[[], float]
    on_stream: Callable[[], None]
    on_second: Callable[[], None]
    errands: Errands
    transfer: Callable[[BeginTransfer, Callable[[Event], None]], None]


class TextSession(ABC, Generic[FromCarrier, ToCarrier]):
    """Runs one call. `name` is the call SID.

    What the machine wants of the model before `run` is done when that begins.
    """

    def __init__(
        self, name: str, machine: TextMachine[FromCarrier, ToCarrier], surroundings: Surroundings
    ) -> None:
        self.name = name
        self.goodbye: str | None = None
        self.stream_started_at: float | None = None
        self.stream_was_ended = False
        self.finished_at: float | None = None
        self.recording: LocalRecording | None = None
        self.errands = surroundings.errands
        self._machine = machine
        self._here = surroundings
        self._clock = surroundings.clock
        self._tasks: asyncio.TaskGroup | None = None
        self._asks: dict[str, asyncio.Task[None]] = {}
        self._early: list[ToCarrier | Work] = []
        self._wake = asyncio.Event()
        self._finished = asyncio.Event()
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
                await self._let_go()
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

    def feed(self, event: FromCarrier | AnyEvent) -> None:
        """Hand in an event: of the carrier, of the model, or from elsewhere."""
        self._carry_out(self._machine.handle(event, self._clock()))
        self._wake.set()

    async def _let_go(self) -> None:
        """Let go of the carrier, when the call is over."""

    async def _watch(self) -> None:
        while not self.finished:
            with suppress(TimeoutError):
                async with asyncio.timeout(SECOND):
                    await self._finished.wait()
            self._here.on_second()

    async def _pace(self) -> None:
        """Wake the machine when it is due."""
        while True:
            self._wake.clear()
            due = self._machine.wake_at()
            if due is not None and due <= self._clock():
                self._carry_out(self._machine.wake(self._clock()))
                await asyncio.sleep(0)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else due - self._clock()):
                    await self._wake.wait()

    # --- what the machine wants -----------------------------------------------------------------------

    @abstractmethod
    def _to_carrier(self, action: ToCarrier) -> None:
        """Do what is for the carrier."""

    def _carry_out(self, actions: Iterable[ToCarrier | Work]) -> None:
        for action in actions:
            if isinstance(action, Finished):
                self.finished_at = self._clock()
                self._finished.set()
            elif not isinstance(action, AskModel | CancelAsk | RunTool | BeginTransfer):
                self._to_carrier(action)
            elif self._tasks is None:
                self._early.append(action)
            else:
                self._do(action, self._tasks)

    def _do(self, action: AskModel | CancelAsk | RunTool | BeginTransfer, tasks: asyncio.TaskGroup) -> None:
        if isinstance(action, AskModel):
            self._asks[action.ask_id] = tasks.create_task(self._ask(action))
        elif isinstance(action, CancelAsk):
            task = self._asks.get(action.ask_id)
            if task is not None:
                task.cancel()
        elif isinstance(action, RunTool):
            self.errands.run(action)
        else:
            self.stream_was_ended = False  # the caller is coming back, as far as anybody knows
            self._here.transfer(action, self.feed)

    async def _ask(self, ask: AskModel) -> None:
        try:
            async with aclosing(self._here.ask(self._here.engine, ask)) as events:
                async for event in events:
                    self.feed(event)
        finally:
            del self._asks[ask.ask_id]
