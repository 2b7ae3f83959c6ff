"""The model that a GPT-Live session delegates to: its requests for tools, and their answers.

OpenAI: a task is delegated to a text model on OpenAI's side, whose stream of Responses events comes wrapped.
The outputs of all functions that a response has called go back as items, and then one `response.create` lets
it go on; a part of them is refused. So requests are passed on when the response that makes them is complete.

Speech and tools run side by side here: a goodbye may begin after the request to hang up. So what ends the
agent's part in the call waits until the agent has been silent for a moment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from runtime.call import events as ev
from runtime.call.tools.built_in import HANG_UP, TRANSFER
from runtime.call.usage import Usage
from runtime.engines.mcp_tool import mcp_report
from runtime.engines.realtime_errors import is_fatal

if TYPE_CHECKING:
    from runtime.engines.live_wire import NestedEvent, Tokens
    from runtime.engines.realtime_wire import Item

LAST_WORDS_MS: Final = 1000  # of silence before a call is ended or handed on
LONGEST_HELD_MS: Final = 500  # that requests wait for the end of their response
_ENDINGS: Final = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "error": "failed",
}


class Delegation:
    """What was asked for in one session and is not answered yet. Times are ms of the session."""

    __slots__ = ("_asked", "_asked_at", "_last_words", "_last_words_at", "_open", "_response_id")

    def __init__(self) -> None:
        self._response_id = ""
        self._asked: list[ev.ToolRequested] = []  # by a response that is not over
        self._asked_at = 0.0
        self._last_words: list[ev.ToolRequested] = []
        self._last_words_at = 0.0
        self._open: set[str] = set()

    def take(self, delegation_id: str, event: NestedEvent, now_ms: float) -> list[ev.ModelEvent]:
        """Take an event of the delegated model and return what it means."""
        if event.type == "response.created" and event.response is not None:
            self._response_id = event.response.id or delegation_id
            return []
        if event.type == "response.output_item.done" and event.item is not None:
            return self._take_item(event.item, now_ms)
        status = _ENDINGS.get(event.type)
        return [] if status is None else self._end(status, event, now_ms)

    def _take_item(self, item: Item, now_ms: float) -> list[ev.ModelEvent]:
        if item.type == "mcp_call":
            return [mcp_report(item)]
        if item.type == "function_call" and item.status in (None, "completed"):
            self._asked_at = now_ms
            self._asked.append(
                ev.ToolRequested(
                    self._response_id, item.call_id or "", item.name or "", item.arguments or "{}"
                )
            )
        return []

    def _end(self, status: str, event: NestedEvent, now_ms: float) -> list[ev.ModelEvent]:
        """Pass on what a response asked for; one that failed waits for no answers."""
        response = event.response
        code = response.error.code if response and response.error else event.code
        if status == "failed":
            self._asked.clear()
        ended = ev.ResponseEnded(
            self._response_id,
            status,
            error_code=code,
            fatal=is_fatal(code),
            usage=_usage(response.usage if response else None),
        )
        return [*self._release(now_ms), ended]

    def wait(self, now_ms: float, silent_ms: float) -> list[ev.ModelEvent]:
        """Pass on what has waited for long enough; the agent has been silent for `silent_ms`."""
        events: list[ev.ModelEvent] = []
        if self._asked and now_ms >= self._asked_at + LONGEST_HELD_MS:
            events += self._release(now_ms)
        if self._last_words and min(silent_ms, now_ms - self._last_words_at) >= LAST_WORDS_MS:
            events += self._last_words
            self._last_words = []
        return events

    def interrupted(self, response_id: str) -> list[ev.ModelEvent]:
        """Pass on what would have followed words that the caller spoke into, as part of that response."""
        kept, self._last_words = self._last_words, []
        return [replace(each, response_id=response_id) for each in kept]

    def _release(self, now_ms: float) -> list[ev.ModelEvent]:
        asked, self._asked = self._asked, []
        self._open.update(each.call_id for each in asked)
        at_once: list[ev.ModelEvent] = []
        for each in asked:
            if each.name in (HANG_UP, TRANSFER):
                self._last_words.append(each)
                self._last_words_at = now_ms
            else:
                at_once.append(each)
        return at_once

    def answer(self, call_id: str, output: str) -> list[str]:
        """Return the messages that give a tool's answer; behind the last one the model is to go on."""
        item = {"type": "function_call_output", "call_id": call_id, "output": output}
        messages = [msgspec.json.encode({"type": "response.item.create", "item": item}).decode()]
        self._open.discard(call_id)
        if not self._open:
            messages.append('{"type":"response.create"}')
        return messages


def _usage(tokens: Tokens | None) -> Usage | None:
    if tokens is None:
        return None
    cached = tokens.input_tokens_details.cached_tokens if tokens.input_tokens_details else 0
    return Usage(text_in=tokens.input_tokens, text_cached=cached, text_out=tokens.output_tokens)
