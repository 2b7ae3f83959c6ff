"""The answer of Chat Completions: one object, or the chunks of a stream. No I/O.

OpenAI: the first chunk has the role, each further one a piece of `content` or of a tool call's arguments
(id and name come with its first piece), the last one with a choice has `finish_reason`; with
`include_usage` one more follows, without choices; then `[DONE]`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from sandbox.model.config import JsonObject
from sandbox.model.text.chat_request import ChatRequest
from sandbox.model.text.composing import Composition, Invocation, Text, estimated_tokens
from sandbox.model.text.responses_answer import StreamEvent
from sandbox.model.text.thread import Thread, characters


@dataclass(slots=True)
class ChatStory:
    """How one completion comes to be. `thread` is what it answers, `created_at` in epoch seconds."""

    request: ChatRequest
    thread: Thread
    composition: Composition
    new_id: Callable[[str], str]
    created_at: int
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.new_id("chatcmpl").replace("_", "-")

    def events(self) -> Iterator[StreamEvent]:
        """Yield all chunks in order, without the closing `[DONE]`; a failure ends them with an error."""
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        for part in self.composition.parts:
            yield from self._words(part) if isinstance(part, Text) else self._call(part)
        failure = self.composition.failure
        if failure is not None:
            yield StreamEvent({"error": error_object(failure.code, failure.message)}, is_last=True)
            return
        yield self._chunk({}, self._finish())
        options = self.request.stream_options
        if options is not None and options.include_usage:
            yield StreamEvent({**self._base("chat.completion.chunk"), "choices": [], "usage": self._usage()})

    def whole(self) -> JsonObject:
        """Return the completion as one object."""
        calls = [_tool_call(part) for part in self._calls()]
        text = self.composition.text
        message: JsonObject = {"role": "assistant", "content": text or None, "refusal": None}
        message["annotations"] = []
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish()}
        return {**self._base("chat.completion"), "choices": [choice], "usage": self._usage()}

    def _words(self, part: Text) -> Iterator[StreamEvent]:
        for token in part.tokens:
            yield self._chunk({"content": token}, is_token=True)

    def _call(self, part: Invocation) -> Iterator[StreamEvent]:
        index = self._calls().index(part)
        function: JsonObject = {"name": part.name, "arguments": ""}
        first = {"index": index, "id": part.call_id, "type": "function", "function": function}
        yield self._chunk({"tool_calls": [first]})
        for token in part.tokens:
            piece = {"index": index, "function": {"arguments": token}}
            yield self._chunk({"tool_calls": [piece]}, is_token=True)

    def _calls(self) -> list[Invocation]:
        return [part for part in self.composition.parts if isinstance(part, Invocation)]

    def _finish(self) -> str:
        if self.composition.ending == "incomplete":
            return "length"
        return "tool_calls" if self._calls() else "stop"

    def _chunk(self, delta: JsonObject, finish: str | None = None, *, is_token: bool = False) -> StreamEvent:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        body = {**self._base("chat.completion.chunk"), "choices": [choice]}
        options = self.request.stream_options
        if options is not None and options.include_usage:
            body["usage"] = None
        if options is None or options.include_obfuscation:
            body["obfuscation"] = secrets.token_urlsafe(6)
        return StreamEvent(body, is_token, is_last=finish is not None)

    def _base(self, kind: str) -> JsonObject:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created_at,
            "model": self.request.model,
            "service_tier": "default",
            "system_fingerprint": None,
        }

    def _usage(self) -> JsonObject:
        tools = sum(len(msgspec.json.encode(tool)) for tool in self.request.tools)
        given = estimated_tokens(tools + characters(self.thread))
        made = self.composition.output_tokens
        return {
            "prompt_tokens": given,
            "completion_tokens": made,
            "total_tokens": given + made,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": self.composition.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def error_object(code: str, message: str) -> JsonObject:
    """Return an error as it stands in a stream."""
    return {"message": message, "type": "server_error", "param": None, "code": code}


def _tool_call(part: Invocation) -> JsonObject:
    function: JsonObject = {"name": part.name, "arguments": part.arguments}
    return {"id": part.call_id, "type": "function", "function": function}
