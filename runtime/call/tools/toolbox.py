"""The tools that the model has asked for, until each of them is answered.

The model asks for one or several in one response, a *batch*. They run side by side and beside the audio;
their answers go back in the order in which they were asked for, and when the last one has, the model is asked
once to go on. Every request is answered exactly once, whatever comes of it: a model waits for ever for an
answer that does not come.

This module knows neither sockets nor what the functions do. `ask`, `answer`, `response_ended` and `wake`
return what is to be done: `RunTool` for the shell, `AnswerTool` and `Respond` for the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from runtime.call.actions import AnswerTool, Respond, RunTool, TellModel
from runtime.call.tools.tool_texts import failure, line_of, read_arguments, recorded
from runtime.call.tools.toolset import NET_SECONDS, Function, JsonObject, Toolset
from runtime.call_record import JsonValue, ToolUse

if TYPE_CHECKING:
    from runtime.call.events import ToolAnswered, ToolReported, ToolRequested

MOST_RUNNING: Final = 8
MOST_RECORDED: Final = 500  # uses of tools in the record of one call
MOST_REMEMBERED: Final = 256  # requests that are known when the model repeats itself
FILLER_AFTER: Final = 1.5  # s without a word, after which the agent says that it is still at it
FILLER: Final = Respond(
    guidance="What you look up or do takes a moment. Tell the caller so in a few words, in the language of "
    "this conversation, and nothing else.",
    acts=False,
)

NOT_RUN: Final = "not run: the caller spoke first"
NO_SUCH_TOOL: Final = "there is no such tool"
TOO_MANY: Final = "too many tools at once"
NO_ANSWER: Final = "no answer in time"


@dataclass(frozen=True, slots=True)
class ToolLine:
    """A line of the transcript: what was asked for, and what came of it."""

    call_id: str
    text: str


ToolAction: TypeAlias = RunTool | AnswerTool | TellModel | Respond | ToolLine


@dataclass(slots=True)
class _Use:
    """One request: `entry` is its place in the record, None when that is full."""

    call_id: str
    name: str
    arguments: JsonObject
    asked_at: float
    entry: int | None
    due_at: float = math.inf
    output: str | None = None
    given: bool = False


@dataclass(slots=True)
class _Batch:
    """What was asked for in one response; `closed` when that has ended, so that no more can be added."""

    response_id: str
    filler_at: float = math.inf
    filler: Respond = FILLER
    closed: bool = False
    silent: bool = True
    """Nothing of it calls for words: the caller has spoken, and the model answers that."""
    lost: bool = False
    """The session that asked is gone: its successor knows nothing of the request."""
    uses: list[_Use] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return any(use.output is None for use in self.uses)

    @property
    def done(self) -> bool:
        return self.closed and all(use.given for use in self.uses)

    @property
    def calls_for_words(self) -> bool:
        return bool(self.uses) and not self.silent


class Toolbox:
    """Runs the requests of one call. Uses are written into `record` when they are asked for."""

    __slots__ = ("_batches", "_held", "_known", "_record", "_tools")

    def __init__(self, tools: Toolset, record: list[ToolUse]) -> None:
        self._tools = tools
        self._record = record
        self._batches: list[_Batch] = []
        self._known: dict[str, None] = {}
        self._held = False

    @property
    def running(self) -> int:
        """How many requests are not answered yet."""
        return sum(use.output is None for batch in self._batches for use in batch.uses)

    def awaits(self, call_id: str) -> bool:
        """Tell whether a request is still to be answered."""
        return any(use.call_id == call_id and use.output is None for use in self._uses())

    # --- requests

    def ask(
        self, request: ToolRequested, now: float, *, ended: bool = False, unheard: bool = False
    ) -> tuple[Function, JsonObject] | None:
        """Take a request in and return the function to be carried out with its arguments.

        None when there is nothing to carry out: the request is a repetition, or was answered with what is
        wrong with it. `ended` tells that its response is over already; `unheard` that the caller spoke into
        it, so that nothing of it may be done.
        """
        if request.call_id in self._known:
            return None
        self._know(request.call_id)
        batch = self._batch(request.response_id)
        batch.closed = batch.closed or ended
        crowded = self.running >= MOST_RUNNING
        arguments = read_arguments(request.arguments)
        entry = self._note(request.name, arguments or {}, request.call_id)
        use = _Use(request.call_id, request.name, arguments or {}, now, entry)
        batch.uses.append(use)
        if unheard:
            self._settle(use, failure(NOT_RUN), 0)
            return None
        batch.silent = False
        function = self._tools.functions.get(request.name)
        wrong = TOO_MANY if crowded else _wrong(function, arguments)
        if wrong is not None:
            self._settle(use, failure(wrong), 0)
            return None
        assert function is not None
        assert arguments is not None
        use.due_at = now + function.seconds + NET_SECONDS
        if self._tools.fills_silence and not function.built_in and batch.filler_at == math.inf:
            batch.filler_at = now + FILLER_AFTER
            batch.filler = Respond(say=function.filler) if function.filler else FILLER
        return function, arguments

    def answer(self, event: ToolAnswered) -> list[ToolAction]:
        """Take the answer to a request; one that comes too late, or was not asked for, changes nothing."""
        for use in self._uses():
            if use.call_id == event.call_id and use.output is None:
                self._settle(use, event.output, event.ms, event.result)
        return self.give()

    def report(self, event: ToolReported) -> ToolLine:
        """Record a tool that the model's side has run by itself."""
        arguments = read_arguments(event.arguments) or {}
        output = event.output if event.error is None else failure(event.error)
        entry = self._note(event.name, arguments)
        if entry is not None:
            self._record[entry] = replace(self._record[entry], result=recorded(output))
        return ToolLine(event.call_id, line_of(event.name, arguments, output))

    def drop(self, call_id: str) -> None:
        """Leave a request without an answer: it ends the call."""
        for batch in self._batches:
            for use in [use for use in batch.uses if use.call_id == call_id]:
                self._settle(use, "null", 0)
                batch.uses.remove(use)

    def response_ended(self, response_id: str) -> list[ToolAction]:
        """Note that a response can ask for nothing more."""
        for batch in self._batches:
            batch.closed = batch.closed or batch.response_id == response_id
        return self.give()

    def caller_speaks(self) -> None:
        """Say nothing to fill the silence: there is none, and the model answers the caller."""
        for batch in self._batches:
            batch.filler_at = math.inf

    def lose_session(self) -> None:
        """Keep what is running for the next session, which is told the results in words."""
        self._held = True
        for batch in self._batches:
            batch.lost = batch.closed = True

    def resume(self) -> list[ToolAction]:
        """Go on with a new session, and return what has come meanwhile."""
        self._held = False
        return self.give()

    # --- time

    def wake_at(self) -> float:
        """Return when (s) an answer is given up, infinity if none is awaited."""
        if not self._batches:  # as a rule, and asked for each delta
            return math.inf
        return min((use.due_at for use in self._uses() if use.output is None), default=math.inf)

    def filler_at(self) -> float:
        """Return when (s) something is to be said, if nothing else is being said, infinity for never."""
        return min((batch.filler_at for batch in self._batches if batch.running), default=math.inf)

    def take_filler(self) -> Respond:
        """Return what is to be said; no batch says it twice, and batches do not say it in turn."""
        first = min(self._batches, key=lambda batch: batch.filler_at)
        self.caller_speaks()
        return first.filler

    def wake(self, now: float) -> list[ToolAction]:
        """Give up what has not been answered in time."""
        for use in self._uses():
            if use.output is None and now >= use.due_at:
                self._settle(use, failure(NO_ANSWER), round((now - use.asked_at) * 1000))
        return self.give()

    # --- answers

    def give(self) -> list[ToolAction]:
        """Return the answers whose turn it is, and the request to go on behind the last one of a batch."""
        actions: list[ToolAction] = []
        for batch in self._batches if not self._held else ():
            for use in batch.uses:
                if use.output is None:
                    break
                if not use.given:
                    use.given = True
                    actions.append(ToolLine(use.call_id, line_of(use.name, use.arguments, use.output)))
                    actions.append(_told(use) if batch.lost else AnswerTool(use.call_id, use.output))
            if batch.done and batch.calls_for_words:
                actions.append(Respond())
        self._batches = [batch for batch in self._batches if not batch.done]
        return actions

    def _settle(self, use: _Use, output: str, ms: int, result: JsonValue = None) -> None:
        use.output = output
        if use.entry is not None:
            shown = recorded(output) if result is None else result
            self._record[use.entry] = replace(self._record[use.entry], result=shown, ms=ms)

    def _note(self, name: str, arguments: JsonObject, asked_as: str | None = None) -> int | None:
        if len(self._record) >= MOST_RECORDED:
            return None
        self._record.append(ToolUse(name, arguments, asked_as=asked_as))
        return len(self._record) - 1

    def _batch(self, response_id: str) -> _Batch:
        for batch in self._batches:
            if batch.response_id == response_id and not batch.lost:
                return batch
        batch = _Batch(response_id)
        self._batches.append(batch)
        return batch

    def _uses(self) -> Iterator[_Use]:
        for batch in self._batches:
            yield from batch.uses

    def _know(self, call_id: str) -> None:
        self._known[call_id] = None
        if len(self._known) > MOST_REMEMBERED:
            del self._known[next(iter(self._known))]


def _wrong(function: Function | None, arguments: JsonObject | None) -> str | None:
    """Return why a request cannot be carried out, None if it can."""
    if function is None:
        return NO_SUCH_TOOL
    if arguments is None:
        return "the arguments are not a JSON object"
    return function.check(arguments)


def _told(use: _Use) -> TellModel:
    """Return an answer for a session that did not ask: in words, marked as what it is."""
    name = msgspec.json.encode(use.name).decode()
    return TellModel(f"[what you asked {name} for before the line was lost: {use.output}]")
