"""One response while it is generated: a course of events in time that can be cut off anywhere.

The course is a generator that yields the time of its next step and is resumed when that time has
come, so what is told and what is stored always agree with the clock.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from sandbox.model import server_events as tell
from sandbox.model.config import AudioFormat, MaxTokens, Modality, VoiceId
from sandbox.model.items import Conversation, FunctionCall
from sandbox.model.output_items import CalledItem, SpokenItem
from sandbox.model.response_object import (
    FailureDetails,
    InputTokens,
    ResponseAudio,
    ResponseAudioOutput,
    ResponseObject,
    ResponseStatus,
    StatusDetails,
)
from sandbox.model.script import Call, Fail, Reply, Say
from sandbox.model.sound import bytes_per_ms, from_ulaw, pieces
from sandbox.model.usage import usage

CancelReason: TypeAlias = Literal["turn_detected", "client_cancelled"]

_CALL_STEP_MS = 20


@dataclass(frozen=True, slots=True)
class Setup:
    """How a response is made.

    `format` is what is told, `sound` what is really sent; `conversation_id` is None out of band.
    """

    format: AudioFormat
    sound: AudioFormat
    voice: str | VoiceId
    modality: Modality
    max_output_tokens: MaxTokens
    metadata: dict[str, str] | None
    conversation_id: str | None
    input_tokens: InputTokens
    think_ms: float
    speed: float


class Response:
    """A response in progress.

    Call `advance` at `due` (ms on the session's clock) and send what it returns, first of all right
    after construction; `cancel` ends it at once. Without a `conversation` its items are not stored.
    """

    def __init__(
        self,
        reply: Reply,
        setup: Setup,
        conversation: Conversation | None,
        *,
        new_id: Callable[[str], str],
        rng: random.Random,
        now: float,
    ) -> None:
        self.id = new_id("resp")
        self.in_conversation = conversation is not None
        self.done = False
        self._reply = reply
        self._setup = setup
        self._conversation = conversation
        self._new_id = new_id
        self._rng = rng
        self._items: list[SpokenItem | CalledItem] = []
        self._open: SpokenItem | CalledItem | None = None
        self._events: list[tell.ServerEvent] = [tell.ResponseCreated(response=self._in_progress())]
        self._course = self._run(now)
        self.due: float | None = next(self._course)

    @property
    def audio_ms(self) -> int:
        """How much sound was sent so far."""
        return sum(item.audio_ms for item in self._items if isinstance(item, SpokenItem))

    def advance(self, now: float) -> list[tell.ServerEvent]:
        """Return everything that is due."""
        while self.due is not None and self.due <= now:
            self.due = next(self._course, None)
        events, self._events = self._events, []
        return events

    def cancel(self, reason: CancelReason) -> list[tell.ServerEvent]:
        """Cut it off: what is open is closed as incomplete, and nothing follows."""
        assert not self.done, "a response ends once"
        self._course.close()
        self.due = None
        if self._open is not None:
            self._close("incomplete")
        self._end("cancelled", StatusDetails(type="cancelled", reason=reason))
        events, self._events = self._events, []
        return events

    def _run(self, now: float) -> Generator[float, None, None]:
        now += self._setup.think_ms
        yield now
        for output in self._reply:
            match output:
                case Say():
                    now = yield from self._say(output, now)
                    if output.stops_after_ms is not None:
                        limit = StatusDetails(type="incomplete", reason="max_output_tokens")
                        return self._end("incomplete", limit)
                case Call():
                    now = yield from self._call(output, now)
                case Fail():
                    error = FailureDetails(type="server_error", code=output.code, message=output.message)
                    return self._end("failed", StatusDetails(type="failed", error=error))
        return self._end("completed", None)

    def _say(self, say: Say, begin: float) -> Generator[float, None, float]:
        per_ms = bytes_per_ms(self._setup.sound)
        item = SpokenItem(
            self._new_id("item"),
            self._setup.modality,
            response_id=self.id,
            index=len(self._items),
            conversation=self._conversation,
            bytes_per_ms=per_ms,
        )
        self._start(item)
        now = begin
        spoken = say.up_to_limit()
        text_only = self._setup.modality == "text"
        sound = b"" if text_only else from_ulaw(spoken.ulaw, self._setup.sound)
        for piece in pieces(spoken.text, sound, per_ms=per_ms, speed=self._setup.speed, rng=self._rng):
            now = begin + piece.at_ms
            yield now
            self._events.append(item.sound(piece.audio) if piece.audio else item.words(piece.words))
        self._close("completed" if say.stops_after_ms is None else "incomplete")
        return now

    def _call(self, call: Call, begin: float) -> Generator[float, None, float]:
        call_item = FunctionCall(
            id=self._new_id("item"),
            call_id=self._new_id("call"),
            name=call.name,
            arguments=json.dumps(dict(call.arguments)),
        )
        item = CalledItem(
            call_item, response_id=self.id, index=len(self._items), conversation=self._conversation
        )
        self._start(item)
        now = begin
        for step in item.steps():
            now += _CALL_STEP_MS
            yield now
            self._events.append(step)
        self._close("completed")
        return now

    def _start(self, item: SpokenItem | CalledItem) -> None:
        self._open = item
        self._items.append(item)
        self._events += item.begin()

    def _close(self, status: Literal["completed", "incomplete"]) -> None:
        assert self._open is not None, "only an open item is closed"
        self._events += self._open.end(status)
        self._open = None

    def _in_progress(self) -> ResponseObject:
        setup = self._setup
        return ResponseObject(
            id=self.id,
            status="in_progress",
            audio=ResponseAudio(output=ResponseAudioOutput(format=setup.format, voice=setup.voice)),
            conversation_id=setup.conversation_id,
            output_modalities=(setup.modality,),
            max_output_tokens=setup.max_output_tokens,
            metadata=setup.metadata,
        )

    def _end(self, status: ResponseStatus, details: StatusDetails | None) -> None:
        self.done = True
        items = tuple(item.item for item in self._items)
        ended = msgspec.structs.replace(
            self._in_progress(),
            status=status,
            status_details=details,
            output=items,
            usage=usage(self._setup.input_tokens, items, audio_ms=self.audio_ms),
        )
        self._events += (tell.ResponseDone(response=ended), tell.RATE_LIMITS)
