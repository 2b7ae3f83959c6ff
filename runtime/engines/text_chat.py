"""Chat Completions, streamed, for servers that have no Responses API.

Chat: a chunk's `choices[0].delta` has the next text, or pieces of tool calls by their index; these are whole
when the `finish_reason` comes. Usage is in a last chunk without choices, where the server sends one at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from runtime.call import events as ev
from runtime.call.text.text_events import AskFailed, Shown, TextDelta, TextEnded, TextModelEvent, Told
from runtime.call.usage import Usage
from runtime.engines.realtime_errors import is_fatal
from runtime.engines.text_responses import MOST_TOKENS

if TYPE_CHECKING:
    from runtime.call.text.text_events import AskModel, ContextItem, File
    from runtime.call.tools.toolset import Function
    from runtime.call_record import JsonValue

DONE: Final = "[DONE]"
_ROLES: Final = {"caller": "user", "agent": "assistant", "system": "system"}
_MOST_CALLS: Final = 16


def chat_body(
    ask: AskModel, model: str, instructions: str, functions: Sequence[Function]
) -> dict[str, JsonValue]:
    """Return the request for an ask."""
    messages: list[JsonValue] = [{"role": "system", "content": instructions}]
    messages += [part for item in ask.context for part in _messages(item)]
    if ask.guidance is not None:
        messages.append({"role": "system", "content": ask.guidance})
    body: dict[str, JsonValue] = {
        "model": model,
        "messages": messages,
        "max_completion_tokens": MOST_TOKENS,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if functions:
        body["tools"] = [_function(function) for function in functions]
        body["tool_choice"] = "auto" if ask.acts else "none"
    return body


def _function(function: Function) -> JsonValue:
    """Return a function; Chat nests what the Responses API has flat."""
    told = function.to_model()
    return {"type": "function", "function": {name: told[name] for name in told if name != "type"}}


def _messages(item: ContextItem) -> list[JsonValue]:
    if isinstance(item, Told):
        return [{"role": _ROLES[item.role], "content": item.text}]
    if isinstance(item, Shown):
        words: JsonValue = {"type": "text", "text": item.text}
        return [{"role": "user", "content": [words, *map(_file, item.files)]}]
    function: JsonValue = {"name": item.name, "arguments": item.arguments}
    call: JsonValue = {"id": item.call_id, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": item.call_id, "content": item.output},
    ]


def _file(file: File) -> JsonValue:
    if file.is_image:
        return {"type": "image_url", "image_url": {"url": file.data}}
    return {"type": "file", "file": {"filename": file.name, "file_data": file.data}}


class _FunctionDelta(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _CallDelta(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _FunctionDelta | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_CallDelta] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _CachedTokens(msgspec.Struct):
    cached_tokens: int | None = None


class _Tokens(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _CachedTokens | None = None


class _Problem(msgspec.Struct):
    code: str | int | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Tokens | None = None
    error: _Problem | None = None


class _Call(msgspec.Struct):
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class ChatReader:
    """Reads one answer, to the ask of this id."""

    def __init__(self, ask_id: str) -> None:
        self._ask_id = ask_id
        self._calls: dict[int, _Call] = {}
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self.ended = False

    def read(self, data: str) -> Sequence[TextModelEvent | ev.ToolRequested | ev.ToolReported]:
        """Return what the data of one event mean."""
        if data.strip() == DONE:
            return self._end()
        try:
            chunk = msgspec.json.decode(data, type=_Chunk)
        except (ValueError, RecursionError):
            return self._fail("the model's server sent what cannot be read")
        if chunk.error is not None:
            return self._fail("the model's server reported an error", chunk.error.code)
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage)
        return self._take(chunk.choices[0]) if chunk.choices else []

    def _take(self, choice: _Choice) -> Sequence[TextModelEvent | ev.ToolRequested]:
        events: list[TextModelEvent | ev.ToolRequested] = []
        delta = choice.delta or _Delta()
        if words := delta.content or delta.refusal:
            events.append(TextDelta(self._ask_id, words))
        for piece in delta.tool_calls or ():
            self._add(piece)
        if choice.finish_reason is not None:
            self._finish_reason = choice.finish_reason
            events += self._requests()
        return events

    def _add(self, piece: _CallDelta) -> None:
        """Put a piece of a tool call to its others."""
        if piece.index not in self._calls and len(self._calls) >= _MOST_CALLS:
            return
        call = self._calls.setdefault(piece.index, _Call())
        call.call_id = piece.id or call.call_id
        if piece.function is not None:
            call.name = piece.function.name or call.name
            call.arguments += piece.function.arguments or ""

    def _requests(self) -> list[ev.ToolRequested]:
        """Return the tool calls, which are whole now; one that was cut by the token limit is none."""
        calls, self._calls = self._calls, {}
        if self._finish_reason == "length":
            return []
        return [
            ev.ToolRequested(self._ask_id, call.call_id, call.name, call.arguments or "{}")
            for _, call in sorted(calls.items())
        ]

    def _end(self) -> Sequence[TextModelEvent]:
        if self._finish_reason is None:
            return self._fail("the model broke off")
        self.ended = True
        return [TextEnded(self._ask_id, self._finish_reason != "length", self._usage)]

    def _fail(self, what: str, code: str | int | None = None) -> Sequence[AskFailed]:
        self.ended = True
        detail = what if code is None else f"{what} ({code})"
        return [AskFailed(self._ask_id, detail, may_pass=not is_fatal(str(code)))]


def _usage(tokens: _Tokens) -> Usage:
    details = tokens.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or 0
    return Usage(text_in=tokens.prompt_tokens, text_cached=cached, text_out=tokens.completion_tokens)
