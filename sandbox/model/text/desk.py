"""The HTTP side of the text models: requests for texts, and recordings that are to be written down."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.model.clock import Clock
from sandbox.model.ids import id_maker
from sandbox.model.refusal import RefusedError
from sandbox.model.script import Say, Script
from sandbox.model.text import chat_request, responses_request
from sandbox.model.text.chat_answer import ChatStory
from sandbox.model.text.chat_request import ChatRequest
from sandbox.model.text.composing import compose
from sandbox.model.text.faults import Deny, Midway, TextFault
from sandbox.model.text.responses_answer import ResponseStory
from sandbox.model.text.responses_request import ResponsesRequest
from sandbox.model.text.stream import Delivery, Pace, Story
from sandbox.model.text.thread import Thread, choose
from sandbox.model.text.transcriptions import Note, read_note, transcribed

MAX_KEPT = 1000  # requests, and responses that a later one may continue


@dataclass(slots=True)
class TextExchange:
    """One request for a text and what became of it: `text` is what was written, ms count from the request.

    `status` ends as completed, incomplete, failed, `cancelled` (the client left) or `broken` (by a fault).
    """

    request: ResponsesRequest | ChatRequest
    thread: Thread
    status: Literal["in_progress", "completed", "incomplete", "failed", "cancelled", "broken"] = "in_progress"
    text: str = ""
    tokens: int = 0
    first_token_ms: float | None = None
    ended_ms: float | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def streamed(self) -> bool:
        """Whether the answer is an event stream."""
        return bool(self.request.stream)


class TextDesk:
    """Answers requests for texts from a script, and keeps them; `faults` are taken one by each request.

    `refuse` makes the answer of a status, as the server has it for all its routes.
    """

    def __init__(self, seed: int, clock: Clock, refuse: Callable[[int], JSONResponse]) -> None:
        self.exchanges: list[TextExchange] = []
        self.faults: list[TextFault | None] = []
        self.notes: list[Note] = []
        self._seed = seed
        self._clock = clock
        self._refuse = refuse
        self._stored: dict[str, Thread] = {}
        self._asked = 0

    async def respond(self, request: Request, script: Script) -> Response | Delivery:
        """Answer a request to the Responses API."""
        body = await request.body()
        fault = self._next_fault()
        if isinstance(fault, Deny):
            return self._denied(fault)
        try:
            wanted = responses_request.read_request(body)
            thread = responses_request.read_thread(wanted, self._stored)
        except RefusedError as refused:
            return _refusal(refused)
        if isinstance(wanted.input, str):
            script = replace(script, rules=(), otherwise=(Say(script.text),))
        new_id = self._id_maker()
        composition = compose(choose(script, thread), wanted.limits, new_id)
        story = ResponseStory(wanted, thread, composition, new_id, int(time.time()))
        if wanted.store is not False:
            self._keep(story.id, (*thread, *story.said))
        return self._deliver(TextExchange(wanted, thread), story, script, fault)

    async def complete(self, request: Request, script: Script) -> Response | Delivery:
        """Answer a request to Chat Completions."""
        body = await request.body()
        fault = self._next_fault()
        if isinstance(fault, Deny):
            return self._denied(fault)
        try:
            wanted = chat_request.read_request(body)
            thread = chat_request.read_thread(wanted)
        except RefusedError as refused:
            return _refusal(refused)
        new_id = self._id_maker()
        composition = compose(choose(script, thread), wanted.limits, new_id)
        story = ChatStory(wanted, thread, composition, new_id, int(time.time()))
        return self._deliver(TextExchange(wanted, thread), story, script, fault)

    async def transcribe(self, request: Request) -> Response:
        """Write a recording down."""
        body = await request.body()
        fault = self._next_fault()
        if fault is not None:
            return self._denied(fault if isinstance(fault, Deny) else Deny(500))
        try:
            note = read_note(request.headers.get("content-type", ""), body)
        except RefusedError as refused:
            return _refusal(refused)
        self.notes.append(note)
        del self.notes[:-MAX_KEPT]
        return JSONResponse(transcribed(note))

    def _deliver(
        self, exchange: TextExchange, story: Story, script: Script, fault: Midway | None
    ) -> Delivery:
        self.exchanges.append(exchange)
        del self.exchanges[:-MAX_KEPT]
        token_ms = 1000 / script.tokens_per_second if script.tokens_per_second else 0
        return Delivery(story, exchange, Pace(script.text_ms, token_ms), self._clock, fault)

    def _next_fault(self) -> TextFault | None:
        return self.faults.pop(0) if self.faults else None

    def _denied(self, fault: Deny) -> JSONResponse:
        response = self._refuse(fault.status)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = fault.retry_after
        return response

    def _id_maker(self) -> Callable[[str], str]:
        self._asked += 1
        return id_maker(random.Random(f"{self._seed}/text/{self._asked}"))  # noqa: S311 - repeatable, no secret

    def _keep(self, response_id: str, thread: Thread) -> None:
        self._stored[response_id] = thread
        while len(self._stored) > MAX_KEPT:
            del self._stored[next(iter(self._stored))]


def _refusal(refused: RefusedError) -> JSONResponse:
    error = {"message": refused.message, "type": "invalid_request_error"}
    return JSONResponse({"error": {**error, "param": refused.param, "code": refused.code}}, 400)
