"""OpenAI's Responses API, streamed: the JSON of a request, and the events of its answer.

OpenAI: an answer is a list of output items; text comes in `response.output_text.delta`, a function call is
complete with its `response.output_item.done`, and exactly one of `response.completed`, `.incomplete` and
`.failed` is the end. An `error` event is one as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from runtime.call import events as ev
from runtime.call.text.text_events import AskFailed, Shown, TextDelta, TextEnded, TextModelEvent, Told
from runtime.call.usage import Usage
from runtime.engines.mcp_tool import mcp_tool
from runtime.engines.realtime_errors import is_fatal

if TYPE_CHECKING:
    from runtime.call.text.text_events import AskModel, ContextItem, File
    from runtime.call.tools.toolset import Function
    from runtime.call_record import JsonValue
    from schemas.tools import McpServer

MOST_TOKENS: Final = 4_000  # of one answer, what the model thinks before it included
_ROLES: Final = {"caller": "user", "agent": "assistant", "system": "developer"}


def responses_body(
    ask: AskModel,
    model: str,
    instructions: str,
    functions: Sequence[Function],
    mcp: Sequence[McpServer],
) -> dict[str, JsonValue]:
    """Return the request for an ask."""
    items: list[JsonValue] = [part for item in ask.context for part in _item(item)]
    if ask.guidance is not None:
        items.append(_message("system", ask.guidance))
    return {
        "model": model,
        "instructions": instructions,
        "input": items or [_message("system", "The call begins.")],
        # OpenAI: functions are strict unless they say otherwise, which few schemas could be.
        "tools": [*({**each.to_model(), "strict": False} for each in functions), *map(mcp_tool, mcp)],
        "tool_choice": "auto" if ask.acts else "none",
        "max_output_tokens": MOST_TOKENS,
        "store": False,
        "stream": True,
    }


def _item(item: ContextItem) -> list[JsonValue]:
    if isinstance(item, Told):
        return [_message(item.role, item.text)]
    if isinstance(item, Shown):
        words: JsonValue = {"type": "input_text", "text": item.text}
        return [{"type": "message", "role": "user", "content": [words, *map(_file, item.files)]}]
    return [
        {"type": "function_call", "call_id": item.call_id, "name": item.name, "arguments": item.arguments},
        {"type": "function_call_output", "call_id": item.call_id, "output": item.output},
    ]


def _file(file: File) -> JsonValue:
    if file.is_image:
        return {"type": "input_image", "image_url": file.data, "detail": "auto"}
    return {"type": "input_file", "filename": file.name, "file_data": file.data}


def _message(role: str, text: str) -> JsonValue:
    return {"type": "message", "role": _ROLES[role], "content": text}


class _Problem(msgspec.Struct):
    code: str | None = None
    type: str | None = None
    message: str | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: int = 0


class _Tokens(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: _InputDetails | None = None


class _Response(msgspec.Struct):
    error: _Problem | None = None
    usage: _Tokens | None = None


class _Item(msgspec.Struct):
    type: str = ""
    id: str = ""
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    status: str | None = None
    output: str | None = None
    error: str | msgspec.Raw | None = None


class _Event(msgspec.Struct):
    type: str = ""
    delta: str | msgspec.Raw = ""
    item: _Item | None = None
    response: _Response | None = None
    code: str | None = None
    message: str | None = None


class ResponsesReader:
    """Reads one answer, to the ask of this id."""

    def __init__(self, ask_id: str) -> None:
        self._ask_id = ask_id
        self.ended = False

    def read(self, data: str) -> Sequence[TextModelEvent | ev.ToolRequested | ev.ToolReported]:
        """Return what the data of one event mean."""
        try:
            event = msgspec.json.decode(data, type=_Event)
        except (ValueError, RecursionError):
            return self._fail("the model's server sent what cannot be read")
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta" if isinstance(event.delta, str):
                return [TextDelta(self._ask_id, event.delta)]
            case "response.output_item.done" if event.item is not None:
                return self._take_item(event.item)
            case "response.completed" | "response.incomplete":
                self.ended = True
                usage = _usage(event.response.usage if event.response else None)
                return [TextEnded(self._ask_id, event.type.endswith("completed"), usage)]
            case "response.failed":
                problem = event.response.error if event.response else None
                return self._fail("the model failed", problem.code if problem else None)
            case "error":
                return self._fail("the model's server reported an error", event.code)
        return []

    def _take_item(self, item: _Item) -> Sequence[ev.ToolRequested | ev.ToolReported]:
        if item.type == "function_call" and item.status in (None, "completed"):
            return [ev.ToolRequested(self._ask_id, item.call_id, item.name, item.arguments)]
        if item.type == "mcp_call":
            error = None if item.error is None else "the tool failed"
            return [ev.ToolReported(item.id, item.name, item.arguments, item.output or "", error)]
        return []

    def _fail(self, what: str, code: str | None = None) -> Sequence[AskFailed]:
        self.ended = True
        detail = what if code is None else f"{what} ({code})"
        return [AskFailed(self._ask_id, detail, may_pass=not is_fatal(code))]


def _usage(tokens: _Tokens | None) -> Usage | None:
    if tokens is None:
        return None
    cached = tokens.input_tokens_details.cached_tokens if tokens.input_tokens_details else 0
    return Usage(text_in=tokens.input_tokens, text_cached=cached, text_out=tokens.output_tokens)
