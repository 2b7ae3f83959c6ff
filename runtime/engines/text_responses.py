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
from runtime.engines.loose_json import ABSENT, number_of, object_of, string_of, text_of
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
    code: msgspec.Raw = ABSENT


class _InputDetails(msgspec.Struct):
    cached_tokens: msgspec.Raw = ABSENT


class _Tokens(msgspec.Struct):
    input_tokens: msgspec.Raw = ABSENT
    output_tokens: msgspec.Raw = ABSENT
    input_tokens_details: msgspec.Raw = ABSENT


class _Response(msgspec.Struct):
    error: msgspec.Raw = ABSENT
    usage: msgspec.Raw = ABSENT


class _Item(msgspec.Struct):
    type: msgspec.Raw = ABSENT
    id: msgspec.Raw = ABSENT
    call_id: msgspec.Raw = ABSENT
    name: msgspec.Raw = ABSENT
    arguments: msgspec.Raw = ABSENT
    status: msgspec.Raw = ABSENT
    output: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


class _Event(msgspec.Struct):
    type: msgspec.Raw = ABSENT
    delta: msgspec.Raw = ABSENT
    item: msgspec.Raw = ABSENT
    response: msgspec.Raw = ABSENT
    code: msgspec.Raw = ABSENT


class ResponsesReader:
    """Reads one answer, to the ask of this id."""

    def __init__(self, ask_id: str) -> None:
        self._ask_id = ask_id
        self.ended = False
        self.unreadable = 0

    def read(self, data: str) -> Sequence[TextModelEvent | ev.ToolRequested | ev.ToolReported]:
        """Return what the data of one event mean."""
        try:
            event = msgspec.json.decode(data, type=_Event)
        except msgspec.ValidationError:
            self.unreadable += 1
            return []
        except (ValueError, RecursionError):
            return self._fail("the model's server sent what cannot be read")
        match string_of(event.type):
            case "response.output_text.delta" | "response.refusal.delta":
                return [TextDelta(self._ask_id, string_of(event.delta))]
            case "response.output_item.done":
                return self._take_item(object_of(event.item, _Item))
            case "response.completed" | "response.incomplete" as kind:
                self.ended = True
                usage = _usage(object_of(event.response, _Response).usage)
                return [TextEnded(self._ask_id, kind.endswith("completed"), usage)]
            case "response.failed":
                problem = object_of(object_of(event.response, _Response).error, _Problem)
                return self._fail("the model failed", text_of(problem.code))
            case "error":
                return self._fail("the model's server reported an error", text_of(event.code))
        return []

    def close(self, failure: AskFailed) -> TextModelEvent:
        """Return what it means that nothing more comes: the answer has not ended."""
        return failure

    def _take_item(self, item: _Item) -> Sequence[ev.ToolRequested | ev.ToolReported]:
        kind, name = string_of(item.type), string_of(item.name)
        arguments = text_of(item.arguments)
        if kind == "function_call" and string_of(item.status) in ("", "completed"):
            return [ev.ToolRequested(self._ask_id, string_of(item.call_id), name, arguments or "{}")]
        if kind == "mcp_call":
            error = "the tool failed" if text_of(item.error) else None
            return [ev.ToolReported(string_of(item.id), name, arguments, text_of(item.output), error)]
        return []

    def _fail(self, what: str, code: str = "") -> Sequence[AskFailed]:
        self.ended = True
        detail = f"{what} ({code})" if code else what
        return [AskFailed(self._ask_id, detail, may_pass=not is_fatal(code))]


def _usage(raw: msgspec.Raw) -> Usage | None:
    tokens = object_of(raw, _Tokens)
    text_in, text_out = number_of(tokens.input_tokens), number_of(tokens.output_tokens)
    if text_in is None and text_out is None:
        return None
    cached = number_of(object_of(tokens.input_tokens_details, _InputDetails).cached_tokens)
    return Usage(text_in=text_in or 0, text_cached=cached or 0, text_out=text_out or 0)
