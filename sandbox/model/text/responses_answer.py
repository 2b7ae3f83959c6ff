"""The answer of the Responses API: one object, or the events that tell how it comes to be. No I/O.

OpenAI: `response.created` and `response.in_progress` come at once; each output item is added, filled and
done before the next; the last event is `response.completed`, `.incomplete` or `.failed`, with the usage.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from sandbox.model.config import JsonObject
from sandbox.model.text.composing import Composition, Invocation, Text, estimated_tokens
from sandbox.model.text.responses_request import FunctionTool, ResponsesRequest
from sandbox.model.text.thread import Called, Entry, Thread, Told, characters


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event; `is_token` says that the model made a token for it, which takes its time.

    `is_last` is for the one that ends the answer.
    """

    body: JsonObject
    is_token: bool = False
    is_last: bool = False


@dataclass(slots=True)
class ResponseStory:
    """How one response comes to be. `thread` is what it answers, `created_at` in epoch seconds."""

    request: ResponsesRequest
    thread: Thread
    composition: Composition
    new_id: Callable[[str], str]
    created_at: int
    id: str = ""
    _output: list[JsonObject] = field(default_factory=list)
    _told: int = 0

    def __post_init__(self) -> None:
        self.id = self.id or self.new_id("resp")

    @property
    def said(self) -> Thread:
        """What the response adds to the thread."""
        return tuple(_entry(part) for part in self.composition.parts)

    def events(self) -> Iterator[StreamEvent]:
        """Yield all events in order, numbered."""
        for body, is_token in self._events():
            numbered = {**body, "sequence_number": self._told}
            self._told += 1
            yield StreamEvent(numbered, is_token, is_last=body["type"] == self._last_type)

    @property
    def _last_type(self) -> str:
        return f"response.{self.composition.ending}"

    def whole(self) -> JsonObject:
        """Return the response as one object, as it is in the end."""
        last: JsonObject = {}
        for body, _ in self._events():
            last = body
        response = last["response"]
        assert isinstance(response, dict), "the last event has the response"
        return response

    def _events(self) -> Iterator[tuple[JsonObject, bool]]:
        self._output = []
        yield {"type": "response.created", "response": self._response("in_progress")}, False
        yield {"type": "response.in_progress", "response": self._response("in_progress")}, False
        if self.composition.reasoning_tokens:
            yield from self._thinking()
        for part in self.composition.parts:
            yield from self._message(part) if isinstance(part, Text) else self._call(part)
        yield {"type": self._last_type, "response": self._response(self.composition.ending)}, False

    def _thinking(self) -> Iterator[tuple[JsonObject, bool]]:
        item: JsonObject = {"id": self.new_id("rs"), "type": "reasoning", "summary": []}
        yield self._about_item("added", item), True
        yield self._about_item("done", item), False
        self._output.append(item)

    def _message(self, part: Text) -> Iterator[tuple[JsonObject, bool]]:
        item: JsonObject = {"id": self.new_id("msg"), "type": "message", "role": "assistant"}
        where: JsonObject = {"item_id": item["id"], "output_index": len(self._output), "content_index": 0}
        yield self._about_item("added", {**item, "status": "in_progress", "content": []}), False
        yield {"type": "response.content_part.added", **where, "part": _content("")}, False
        for token in part.tokens:
            delta = {"type": "response.output_text.delta", **where, "delta": token, "logprobs": []}
            yield self._padded(delta), True
        yield {"type": "response.output_text.done", **where, "text": part.text, "logprobs": []}, False
        yield {"type": "response.content_part.done", **where, "part": _content(part.text)}, False
        done: JsonObject = {**item, "status": _status(part), "content": [_content(part.text)]}
        yield self._about_item("done", done), False
        self._output.append(done)

    def _call(self, part: Invocation) -> Iterator[tuple[JsonObject, bool]]:
        item: JsonObject = {
            "id": self.new_id("fc"),
            "type": "function_call",
            "call_id": part.call_id,
            "name": part.name,
        }
        where: JsonObject = {"item_id": item["id"], "output_index": len(self._output)}
        yield self._about_item("added", {**item, "status": "in_progress", "arguments": ""}), False
        for token in part.tokens:
            delta = {"type": "response.function_call_arguments.delta", **where, "delta": token}
            yield self._padded(delta), True
        arguments: JsonObject = {"arguments": part.arguments}
        yield {"type": "response.function_call_arguments.done", **where, **arguments}, False
        done: JsonObject = {**item, "status": _status(part), **arguments}
        yield self._about_item("done", done), False
        self._output.append(done)

    def _about_item(self, what: str, item: JsonObject) -> JsonObject:
        return {"type": f"response.output_item.{what}", "output_index": len(self._output), "item": item}

    def _padded(self, delta: JsonObject) -> JsonObject:
        options = self.request.stream_options
        if options is not None and not options.include_obfuscation:
            return delta
        return {**delta, "obfuscation": secrets.token_urlsafe(6)}

    def _response(self, status: str) -> JsonObject:
        request, failure = self.request, self.composition.failure
        reason = {"reason": "max_output_tokens"} if status == "incomplete" else None
        error = {"code": failure.code, "message": failure.message} if failure is not None else None
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "error": error if status == "failed" else None,
            "incomplete_details": reason,
            "model": request.model,
            "output": list(self._output),
            "usage": None if status == "in_progress" else self._usage(),
            **_echo(request),
        }

    def _usage(self) -> JsonObject:
        given = input_tokens(self.request, self.thread)
        made = self.composition.output_tokens
        return {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": self.composition.reasoning_tokens},
            "total_tokens": given + made,
        }


def input_tokens(request: ResponsesRequest, thread: Thread) -> int:
    """Return how many tokens a request has: instructions, tools, and all that was said."""
    tools = sum(len(msgspec.json.encode(tool)) for tool in request.tools)
    return estimated_tokens(len(request.instructions or "") + tools + characters(thread))


def _echo(request: ResponsesRequest) -> JsonObject:
    """Return what a response repeats of its request, with OpenAI's defaults."""
    text = request.text
    return {
        "background": False,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "metadata": request.metadata or {},
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.previous_response_id,
        "prompt_cache_key": request.prompt_cache_key,
        "reasoning": {"effort": request.effort, "summary": None},
        "safety_identifier": request.safety_identifier,
        "service_tier": "default",
        "store": request.store is not False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": {
            "format": (text and text.format) or {"type": "text"},
            "verbosity": (text and text.verbosity) or "medium",
        },
        "tool_choice": msgspec.to_builtins(request.tool_choice),
        "tools": [_tool(tool) for tool in request.tools],
        "top_logprobs": 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": request.truncation or "disabled",
        "user": request.user,
    }


def _tool(tool: object) -> JsonObject:
    """Return a tool as a response repeats it. OpenAI: functions are strict unless they say otherwise."""
    told: JsonObject = msgspec.to_builtins(tool)
    if isinstance(tool, FunctionTool):
        return {**told, "strict": tool.strict is not False}
    return {name: value for name, value in told.items() if value is not None and name != "authorization"}


def _content(text: str) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _status(part: Text | Invocation) -> str:
    return "completed" if part.whole else "incomplete"


def _entry(part: Text | Invocation) -> Entry:
    if isinstance(part, Text):
        return Told("assistant", part.text)
    return Called(part.call_id, part.name, part.arguments)
