"""An answer on its way: token by token at the script's pace, as an event stream or whole, faults included."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sandbox.model.text.chat_answer import ChatStory, error_object
from sandbox.model.text.faults import BreakOff, EndEarly, ErrorEvent, Garble, Midway, Stall
from sandbox.model.text.responses_answer import ResponseStory, StreamEvent

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from sandbox.model.clock import Clock
    from sandbox.model.text.desk import TextExchange

Story = ResponseStory | ChatStory

SSE = b"text/event-stream; charset=utf-8"
JSON = b"application/json"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a text is made: `first_ms` before its first token, then `token_ms` for each further one."""

    first_ms: float
    token_ms: float


class BrokenError(Exception):
    """The connection is to be broken now."""


class Delivery:
    """An ASGI response that tells a story; `exchange` learns how it goes, and when the client leaves."""

    def __init__(
        self, story: Story, exchange: TextExchange, pace: Pace, clock: Clock, fault: Midway | None
    ) -> None:
        self._story = story
        self._exchange = exchange
        self._pace = pace
        self._clock = clock
        self._fault = fault
        self._begun = clock.now()
        self._tokens = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Deliver, until it is done or the client has gone."""
        delivering = asyncio.create_task(self._deliver(send), name="text-answer")
        leaving = asyncio.create_task(_gone(receive), name="text-client")
        try:
            await asyncio.wait((delivering, leaving), return_when=asyncio.FIRST_COMPLETED)
            if delivering.done():
                delivering.result()
            else:
                self._end("cancelled")
        except BrokenError:
            # Without the end of its body, the server closes the connection under the client.
            self._end("broken")
        finally:
            for task in (delivering, leaving):
                task.cancel()
            await asyncio.gather(delivering, leaving, return_exceptions=True)

    async def _deliver(self, send: Send) -> None:
        if self._exchange.streamed:
            await self._stream(send)
        else:
            await self._send_whole(send)

    async def _stream(self, send: Send) -> None:
        await _begin(send, 200, SSE)
        for event in self._story.events():
            if event.is_token:
                await self._wait_for_token()
            if isinstance(self._fault, Stall) and self._is_due(event):
                await asyncio.Event().wait()
            frames, ends = self._frames(event)
            for frame in frames:
                await _more(send, frame)
            if ends:
                self._end("broken")
                await _finish(send)
                return
            if event.is_token:
                self._note_token(event)
        if isinstance(self._story, ChatStory) and self._story.composition.failure is None:
            await _more(send, "data: [DONE]\n\n")
        self._end(self._story.composition.ending)
        await _finish(send)

    async def _send_whole(self, send: Send) -> None:
        for event in self._story.events():
            if event.is_token:
                await self._wait_for_token()
                self._note_token(event)
            if self._is_due(event):
                await self._spoil(send)
                return
        failure = self._story.composition.failure
        if failure is not None and isinstance(self._story, ChatStory):
            await _send_json(send, 500, {"error": error_object(failure.code, failure.message)})
        else:
            await _send_json(send, 200, self._story.whole())
        self._end(self._story.composition.ending)

    async def _spoil(self, send: Send) -> None:
        """Let an answer that is not streamed fail."""
        match self._fault:
            case Stall():
                await asyncio.Event().wait()
            case ErrorEvent(code=code, message=message):
                await _send_json(send, 500, {"error": error_object(code, message)})
            case Garble():
                await _begin(send, 200, JSON)
                await _more(send, '{"id": "resp_')
                await _finish(send)
            case _:
                raise BrokenError
        self._end("broken")

    def _frames(self, event: StreamEvent) -> tuple[Iterator[str], bool]:
        """Return what is sent for an event, and whether the stream ends with it. Raises BrokenError."""
        frame = _frame(event, named=isinstance(self._story, ResponseStory))
        if not self._is_due(event):
            return iter((frame,)), False
        match self._fault:
            case BreakOff():
                raise BrokenError
            case EndEarly():
                return iter(()), True
            case ErrorEvent(code=code, message=message):
                return iter((self._error_frame(event, code, message),)), True
            case _:
                self._fault = None
                return iter((f"{frame[: len(frame) // 2]}\n\n", frame)), False

    def _error_frame(self, event: StreamEvent, code: str, message: str) -> str:
        if isinstance(self._story, ChatStory):
            return f"data: {json.dumps({'error': error_object(code, message)})}\n\n"
        body = {"type": "error", "code": code, "message": message, "param": None}
        return _frame(StreamEvent({**body, "sequence_number": event.body["sequence_number"]}), named=True)

    def _is_due(self, event: StreamEvent) -> bool:
        """Tell whether the fault happens in this event's place: at the token after so many, or at the end."""
        if self._fault is None:
            return False
        return event.is_last or (event.is_token and self._tokens >= self._fault.after_tokens)

    async def _wait_for_token(self) -> None:
        due = self._begun + self._pace.first_ms + self._tokens * self._pace.token_ms
        await asyncio.sleep(self._clock.seconds(due - self._clock.now()))

    def _note_token(self, event: StreamEvent) -> None:
        if not self._tokens:
            self._exchange.first_token_ms = self._clock.now() - self._begun
        self._tokens += 1
        self._exchange.tokens = self._tokens
        body = event.body
        if body.get("type") == "response.output_text.delta":
            self._exchange.text += str(body["delta"])
        elif isinstance(self._story, ChatStory):
            self._exchange.text += _content_of(body)

    def _end(self, status: Literal["completed", "incomplete", "failed", "cancelled", "broken"]) -> None:
        self._exchange.status = status
        self._exchange.ended_ms = self._clock.now() - self._begun
        self._exchange.ended.set()


def _content_of(chunk: dict[str, object]) -> str:
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        return str(choice["delta"].get("content") or "")
    return ""


def _frame(event: StreamEvent, *, named: bool) -> str:
    """Return an event as it is sent. The Responses API names it, Chat Completions does not."""
    data = f"data: {json.dumps(event.body)}\n\n"
    return f"event: {event.body['type']}\n{data}" if named else data


async def _begin(send: Send, status: int, content_type: bytes) -> None:
    headers = [(b"content-type", content_type)]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _more(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _finish(send: Send) -> None:
    await send({"type": "http.response.body", "body": b""})


async def _send_json(send: Send, status: int, body: object) -> None:
    await _begin(send, status, JSON)
    await _more(send, json.dumps(body))
    await _finish(send)


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
