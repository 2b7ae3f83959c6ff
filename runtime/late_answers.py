"""Answers of tools that come when their call is over.

A request that changes something is not broken off by a caller who hangs up: nobody would know whether the
booking was made. It goes on within its own time limit, as work of the node, and what comes of it is added to
the call's record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from runtime.call.tools.tool_texts import recorded
from runtime.call_record import CallRecord, JsonValue, ToolUse
from runtime.figures.logs import get_logger

if TYPE_CHECKING:
    from runtime.call.events import ToolAnswered

_log = get_logger(__name__)

Answering: TypeAlias = "asyncio.Task[ToolAnswered]"

CLOSING_SECONDS: Final = 6.0  # s that a node which stops waits for: a little more than a tool has as a rule
UNANSWERED: Final[JsonValue] = {"error": "the call ended before the answer"}


class Answered(Protocol):
    """Where records are kept, as far as answers go."""

    def answer_tool(self, call_id: str, place: int, result: JsonValue, ms: int) -> None:
        """Add an answer to the use of a tool that stands at this place of the record. Never waits."""


class KeptRequests:
    """The requests of one node that are to be finished whatever becomes of their calls."""

    def __init__(self) -> None:
        self._tasks: set[Answering] = set()

    def begin(self, request: Coroutine[None, None, ToolAnswered]) -> Answering:
        """Begin a request, which has a time limit of its own."""
        task = asyncio.create_task(request)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Wait for what is under way, 6 s at most."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=CLOSING_SECONDS)
        if late:
            _log.warning("tool_requests_given_up", requests=len(late))
            for task in late:
                task.cancel()
            await asyncio.wait(late)


def closed(tools: Iterable[ToolUse]) -> tuple[ToolUse, ...]:
    """Return uses of tools as the record of a call that is over has them: nothing is still awaited."""
    return tuple(replace(use, result=UNANSWERED) if use.awaits_answer else use for use in tools)


def add_when_there(record: CallRecord, running: Mapping[str, Answering], store: Answered) -> None:
    """Let the answers of what still runs, by the model's name for it, be added to the record of its call."""
    for place, use in enumerate(record.tools):
        task = running.get(use.asked_as or "") if use.awaits_answer else None
        if task is not None:
            task.add_done_callback(partial(_add, record.id, place, store))


def _add(call_id: str, place: int, store: Answered, task: Answering) -> None:
    if not task.cancelled():
        answer = task.result()
        store.answer_tool(call_id, place, recorded(answer.output), answer.ms)
