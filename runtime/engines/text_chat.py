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
from runtime.engines.loose_json import ABSENT, list_of, number_of, object_of, string_of, text_of
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
    name: msgspec.Raw = ABSENT
    arguments: msgspec.Raw = ABSENT


class _CallDelta(msgspec.Struct):
    index: msgspec.Raw = ABSENT
    id: msgspec.Raw = ABSENT
    function: msgspec.Raw = ABSENT


class _Delta(msgspec.Struct):
    content: msgspec.Raw = ABSENT
    refusal: msgspec.Raw = ABSENT
    tool_calls: msgspec.Raw = ABSENT


class _Part(msgspec.Struct):
    text: msgspec.Raw = ABSENT


class _Choice(msgspec.Struct):
    delta: msgspec.Raw = ABSENT
    finish_reason: msgspec.Raw = ABSENT


class _CachedTokens(msgspec.Struct):
    cached_tokens: msgspec.Raw = ABSENT


class _Tokens(msgspec.Struct):
    prompt_tokens: msgspec.Raw = ABSENT
    completion_tokens: msgspec.Raw = ABSENT
    prompt_tokens_details: msgspec.Raw = ABSENT


class _Problem(msgspec.Struct):
    code: msgspec.Raw = ABSENT


class _Chunk(msgspec.Struct):
    choices: msgspec.Raw = ABSENT
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


class _Call(msgspec.Struct):
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class ChatReader:
    """Reads one answer, to the ask of this id."""

    def __init__(self, ask_id: str) -> None:
        self._ask_id = ask_id
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._finish_reason = ""
        self._usage: Usage | None = None
        self.ended = False
        self.unreadable = 0

    def read(self, data: str) -> Sequence[TextModelEvent | ev.ToolRequested | ev.ToolReported]:
        """Return what the data of one event mean."""
        if data.strip() == DONE:
            return [self.close(AskFailed(self._ask_id, "the model broke off"))]
        try:
            chunk = msgspec.json.decode(data, type=_Chunk)
        except msgspec.ValidationError:
            self.unreadable += 1
            return []
        except (ValueError, RecursionError):
            return self._fail("the model's server sent what cannot be read")
        if text_of(chunk.error):
            code = text_of(object_of(chunk.error, _Problem).code)
            return self._fail("the model's server reported an error", code)
        self._usage = _usage(chunk.usage) or self._usage
        choices = list_of(chunk.choices)
        return self._take(object_of(choices[0], _Choice)) if choices else []

    def close(self, failure: AskFailed) -> TextModelEvent:
        """Return what it means that nothing more comes: the end, if the model has given its reason."""
        self.ended = True
        if not self._finish_reason:
            return failure
        return TextEnded(self._ask_id, self._finish_reason != "length", self._usage)

    def _take(self, choice: _Choice) -> Sequence[TextModelEvent | ev.ToolRequested]:
        events: list[TextModelEvent | ev.ToolRequested] = []
        delta = object_of(choice.delta, _Delta)
        if words := _words(delta.content) or string_of(delta.refusal):
            events.append(TextDelta(self._ask_id, words))
        for piece in list_of(delta.tool_calls):
            self._add(object_of(piece, _CallDelta))
        if reason := string_of(choice.finish_reason):
            self._finish_reason = reason
            events += self._requests()
        return events

    def _add(self, piece: _CallDelta) -> None:
        """Put a piece of a tool call to its others."""
        function = object_of(piece.function, _FunctionDelta)
        name, arguments = string_of(function.name), text_of(function.arguments)
        call = self._call_of(number_of(piece.index), string_of(piece.id), name)
        if call is not None:
            call.name = name or call.name
            call.arguments += arguments

    def _call_of(self, index: int | None, call_id: str, name: str) -> _Call | None:
        """Return the call that a piece belongs to, None when there are too many.

        Not all servers count the calls; what tells them apart then is that each begins with its name.
        """
        if index is None:
            call = self._calls[-1] if self._calls else None
            is_next = bool(name) and (not call_id or call is None or call_id != call.call_id)
        else:
            call = self._by_index.get(index)
            is_next = bool(call and name and call_id and call_id != call.call_id)
        if call is None or is_next:
            if len(self._calls) >= _MOST_CALLS:
                return None
            call = _Call()
            self._calls.append(call)
            if index is not None:
                self._by_index[index] = call
        call.call_id = call.call_id or call_id
        return call

    def _requests(self) -> list[ev.ToolRequested]:
        """Return the tool calls, which are whole now; one that was cut by the token limit is none."""
        calls, self._calls = self._calls, []
        self._by_index.clear()
        if self._finish_reason == "length":
            return []
        return [
            ev.ToolRequested(self._ask_id, call.call_id, call.name, call.arguments or "{}") for call in calls
        ]

    def _fail(self, what: str, code: str = "") -> Sequence[AskFailed]:
        self.ended = True
        detail = f"{what} ({code})" if code else what
        return [AskFailed(self._ask_id, detail, may_pass=not is_fatal(code))]


def _words(content: msgspec.Raw) -> str:
    """Return the words of a piece, which some servers send in parts."""
    return string_of(content) or "".join(string_of(object_of(part, _Part).text) for part in list_of(content))


def _usage(raw: msgspec.Raw) -> Usage | None:
    tokens = object_of(raw, _Tokens)
    text_in, text_out = number_of(tokens.prompt_tokens), number_of(tokens.completion_tokens)
    if text_in is None and text_out is None:
        return None
    cached = number_of(object_of(tokens.prompt_tokens_details, _CachedTokens).cached_tokens)
    return Usage(text_in=text_in or 0, text_cached=cached or 0, text_out=text_out or 0)
