"""The items of a response while they come into being: what is told of each, and what is stored."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import msgspec

from sandbox.model import server_events as tell
from sandbox.model.config import Modality
from sandbox.model.items import (
    Content,
    Conversation,
    Entry,
    FunctionCall,
    Message,
    OutputAudio,
    OutputText,
    Status,
)

_ARGUMENTS_CHUNK = 12


class _OutputItem:
    """What speech and function calls share: a place in the response, and one in the conversation."""

    def __init__(self, response_id: str, index: int, conversation: Conversation | None) -> None:
        self._response_id = response_id
        self._index = index
        self._conversation = conversation
        self._previous_id: str | None = None

    def _added(self, item: Message | FunctionCall) -> Iterator[tell.ServerEvent]:
        yield tell.OutputItemAdded(response_id=self._response_id, output_index=self._index, item=item)
        if self._conversation is not None:
            self._previous_id = self._conversation.add(Entry(item))
            yield tell.ItemAdded(item=item, previous_item_id=self._previous_id)

    def _done(self, item: Message | FunctionCall) -> Iterator[tell.ServerEvent]:
        if self._conversation is not None and item.status == "completed":
            yield tell.ItemDone(item=item, previous_item_id=self._previous_id)
        yield tell.OutputItemDone(response_id=self._response_id, output_index=self._index, item=item)


class SpokenItem(_OutputItem):
    """A message of the agent, as sound with a transcript or as text."""

    def __init__(
        self,
        item_id: str,
        modality: Modality,
        *,
        response_id: str,
        index: int,
        conversation: Conversation | None,
        bytes_per_ms: int,
    ) -> None:
        super().__init__(response_id, index, conversation)
        self.item = Message(id=item_id, role="assistant", content=(), status="in_progress")
        self._modality = modality
        self._bytes_per_ms = bytes_per_ms
        self._sent_bytes = 0
        self._said = ""

    @property
    def audio_ms(self) -> int:
        """How much sound was sent."""
        return self._sent_bytes // self._bytes_per_ms

    def begin(self) -> Iterator[tell.ServerEvent]:
        """Open the item and its one content part."""
        yield from self._added(self.item)
        yield tell.ContentPartAdded(
            response_id=self._response_id, item_id=self.item.id, output_index=self._index, part=self._part()
        )

    def words(self, words: str) -> tell.ServerEvent:
        """Send some words."""
        self._said += words
        kind = tell.TextDelta if self._modality == "text" else tell.TranscriptDelta
        return kind(
            response_id=self._response_id, item_id=self.item.id, output_index=self._index, delta=words
        )

    def sound(self, audio: bytes) -> tell.ServerEvent:
        """Send some sound; what was sent can be truncated, so it is stored at once."""
        self._sent_bytes += len(audio)
        self._store()
        return tell.AudioDelta(
            response_id=self._response_id,
            item_id=self.item.id,
            output_index=self._index,
            delta=base64.b64encode(audio).decode(),
        )

    def end(self, status: Status) -> Iterator[tell.ServerEvent]:
        """Close the content part and the item."""
        content: Content = (
            OutputText(text=self._said) if self._modality == "text" else OutputAudio(transcript=self._said)
        )
        self.item = msgspec.structs.replace(self.item, status=status, content=(content,))
        self._store()
        yield from self._all_said()
        yield tell.ContentPartDone(
            response_id=self._response_id, item_id=self.item.id, output_index=self._index, part=self._part()
        )
        yield from self._done(self.item)

    def _all_said(self) -> Iterator[tell.ServerEvent]:
        response_id, item_id, index = self._response_id, self.item.id, self._index
        if self._modality == "text":
            yield tell.TextDone(response_id=response_id, item_id=item_id, output_index=index, text=self._said)
            return
        yield tell.AudioDone(response_id=response_id, item_id=item_id, output_index=index)
        yield tell.TranscriptDone(
            response_id=response_id, item_id=item_id, output_index=index, transcript=self._said
        )

    def _part(self) -> tell.AudioPart | tell.TextPart:
        if self._modality == "text":
            return tell.TextPart(text=self._said)
        return tell.AudioPart(transcript=self._said)

    def _store(self) -> None:
        if self._conversation is not None:
            self._conversation.replace(Entry(self.item, audio_ms=self.audio_ms))


class CalledItem(_OutputItem):
    """A function call; `steps` are its arguments in pieces."""

    def __init__(
        self,
        item: FunctionCall,
        *,
        response_id: str,
        index: int,
        conversation: Conversation | None,
    ) -> None:
        super().__init__(response_id, index, conversation)
        self.item = item
        self._open = msgspec.structs.replace(item, arguments="", status="in_progress")

    def begin(self) -> Iterator[tell.ServerEvent]:
        """Open the item."""
        return self._added(self._open)

    def steps(self) -> Iterator[tell.ServerEvent]:
        """Send the arguments."""
        arguments = self.item.arguments
        for at in range(0, len(arguments), _ARGUMENTS_CHUNK):
            yield tell.ArgumentsDelta(
                response_id=self._response_id,
                item_id=self.item.id,
                output_index=self._index,
                call_id=self.item.call_id,
                delta=arguments[at : at + _ARGUMENTS_CHUNK],
            )

    def end(self, status: Status) -> Iterator[tell.ServerEvent]:
        """Close the item; one that was cut off keeps no arguments."""
        done = self.item if status == "completed" else msgspec.structs.replace(self._open, status=status)
        self.item = done
        if self._conversation is not None:
            self._conversation.replace(Entry(done))
        yield tell.ArgumentsDone(
            response_id=self._response_id,
            item_id=done.id,
            output_index=self._index,
            call_id=done.call_id,
            name=done.name,
            arguments=done.arguments,
        )
        yield from self._done(done)
