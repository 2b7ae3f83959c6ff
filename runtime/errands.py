"""What is done for a call beside its talk: the tools that its agent uses, and the prep before its first word.

Each errand is a task of the call. It blocks nothing, ends with the call at the latest, and what comes of it
is an event like any other. Only a request that changes something outlives its call, as a task of the node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Final, TypeAlias

from runtime.call.actions import RunTool
from runtime.call.events import Event, Prepared, ToolAnswered
from runtime.call.tools.tool_texts import failure
from runtime.figures.logs import get_logger
from runtime.late_answers import Answering

_log = get_logger(__name__)

Keep: TypeAlias = Callable[[Coroutine[None, None, ToolAnswered]], Answering]

FAILED: Final = failure("the tool failed")


class Errands:
    """The errands of one call. `name` is the call's, for the log; moments are seconds of `clock`.

    `run_tool` returns what the model is told; `prepare` is run once, at the start. `keep` begins a request
    that is to be finished even if the call is over, None for a tool that may be broken off.
    """

    def __init__(
        self,
        name: str,
        run_tool: Callable[[RunTool], Awaitable[str]],
        *,
        clock: Callable[[], float],
        prepare: Callable[[], Awaitable[Prepared]] | None = None,
        keep: Callable[[str], Keep | None] = lambda _tool: None,
    ) -> None:
        self._name = name
        self._run_tool = run_tool
        self._prepare = prepare
        self._keep = keep
        self._kept: dict[str, Answering] = {}
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None
        self._feed: Callable[[Event], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, tasks: asyncio.TaskGroup, feed: Callable[[Event], None]) -> None:
        """Begin: the errands' tasks belong to the group, and `feed` takes what comes of them."""
        self._group = tasks
        self._feed = feed
        if self._prepare is not None:
            self._begin(self._do_prepare(self._prepare))

    def run(self, action: RunTool) -> None:
        """Run a tool; its answer is fed as `ToolAnswered`, whatever happens."""
        keep = self._keep(action.name)
        if keep is None:
            self._begin(self._do_run(action))
            return
        for call_id in [call_id for call_id, task in self._kept.items() if task.done()]:
            del self._kept[call_id]
        self._kept[action.call_id] = task = keep(self._do_run(action))
        self._begin(asyncio.shield(task))

    @property
    def kept(self) -> Mapping[str, Answering]:
        """The requests that outlive the call, by the model's names for them; some have been answered."""
        return self._kept

    def end(self) -> None:
        """Let go of what still runs."""
        for task in self._tasks:
            task.cancel()

    def _begin(self, errand: Awaitable[Event]) -> None:
        assert self._group is not None, "the machine runs only while the session does"
        task = self._group.create_task(self._deliver(errand))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, errand: Awaitable[Event]) -> None:
        event = await errand
        assert self._feed is not None
        self._feed(event)

    async def _do_run(self, action: RunTool) -> ToolAnswered:
        begun_at = self._clock()
        try:
            output = await self._run_tool(action)
        except Exception:
            _log.exception("tool_crashed", call=self._name, tool=action.name)
            output = FAILED
        ms = round((self._clock() - begun_at) * 1000)
        return ToolAnswered(action.call_id, output, None, ms)

    async def _do_prepare(self, prepare: Callable[[], Awaitable[Prepared]]) -> Event:
        try:
            return await prepare()
        except Exception:
            _log.exception("prep_crashed", call=self._name)
            return Prepared(None, complete=False)
