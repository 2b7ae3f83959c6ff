"""The conversation: messages, function calls and their results, in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import msgspec

from sandbox.model.config import Part
from sandbox.model.refusal import RefusedError

Status: TypeAlias = Literal["completed", "incomplete", "in_progress"]


class InputText(Part, tag_field="type", tag="input_text"):
    """Text from the caller or the application."""

    text: str


class InputAudio(Part, tag_field="type", tag="input_audio"):
    """Speech of the caller; the server gives only the transcript back."""

    transcript: str | None = None
    audio: str | msgspec.UnsetType = msgspec.UNSET


class InputImage(Part, tag_field="type", tag="input_image"):
    """A picture."""

    image_url: str
    detail: Literal["auto", "low", "high"] = "auto"


class OutputText(Part, tag_field="type", tag="output_text"):
    """Text of the agent."""

    text: str


class OutputAudio(Part, tag_field="type", tag="output_audio"):
    """Speech of the agent; a null transcript when it has been truncated."""

    transcript: str | None = None


Content: TypeAlias = InputText | InputAudio | InputImage | OutputText | OutputAudio


class Message(Part, tag_field="type", tag="message"):
    """What somebody said or wrote."""

    role: Literal["system", "user", "assistant"]
    content: tuple[Content, ...]
    id: str = ""
    object: Literal["realtime.item"] = "realtime.item"
    status: Status = "completed"


class FunctionCall(Part, tag_field="type", tag="function_call"):
    """The model asks the application to do something; `arguments` is JSON text."""

    name: str
    arguments: str
    call_id: str = ""
    id: str = ""
    object: Literal["realtime.item"] = "realtime.item"
    status: Status = "completed"


class FunctionCallOutput(Part, tag_field="type", tag="function_call_output"):
    """What the application answers."""

    call_id: str
    output: str
    id: str = ""
    object: Literal["realtime.item"] = "realtime.item"
    status: Status = "completed"


Item: TypeAlias = Message | FunctionCall | FunctionCallOutput

_ALLOWED_CONTENT: dict[str, tuple[type[Content], ...]] = {
    "system": (InputText,),
    "user": (InputText, InputAudio, InputImage),
    "assistant": (OutputText, OutputAudio),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An item and what only the server knows of it: its length, the lines recognised in it, their text."""

    item: Item
    audio_ms: int = 0
    clips: tuple[str, ...] = ()
    heard: str = ""


class Conversation:
    """The items of a session, oldest first."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every item, oldest first."""
        return tuple(self._entries)

    def add(self, entry: Entry, *, after: str | None = None) -> str | None:
        """Put an item at the end, or behind another (`root`: first); return the id that it follows."""
        if any(known.item.id == entry.item.id for known in self._entries):
            raise RefusedError(
                "item_create_duplicate_item_id",
                f"Error adding item: the id '{entry.item.id}' exists already.",
                param="item.id",
            )
        at = len(self._entries) if after is None else self._behind(after)
        self._entries.insert(at, entry)
        return self._entries[at - 1].item.id if at else None

    def find(self, item_id: str, *, wanted_for: str) -> Entry:
        """Return an item, or refuse what it was `wanted_for`."""
        return self._entries[self._position(item_id, wanted_for)]

    def replace(self, entry: Entry) -> None:
        """Store a newer state of an item; one that was deleted in the meantime stays deleted."""
        self._entries = [entry if known.item.id == entry.item.id else known for known in self._entries]

    def delete(self, item_id: str) -> None:
        """Forget an item."""
        del self._entries[self._position(item_id, "delete")]

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cut the agent's speech where the caller stopped hearing it; the transcript goes.

        OpenAI: only assistant messages with audio, and never past the end of the audio.
        """
        entry = self.find(item_id, wanted_for="truncate")
        item = entry.item
        if not isinstance(item, Message) or item.role != "assistant":
            raise RefusedError(
                "invalid_value", "Only model output audio messages can be truncated.", param="item_id"
            )
        if content_index != 0:
            raise RefusedError("invalid_value", "There is no such content part.", param="content_index")
        if not 0 <= audio_end_ms <= entry.audio_ms:
            raise RefusedError(
                "invalid_value",
                f"Audio content of {entry.audio_ms}ms is already shorter than {audio_end_ms}ms.",
                param="audio_end_ms",
            )
        cut = msgspec.structs.replace(item, content=(OutputAudio(),))
        self.replace(replace(entry, item=cut, audio_ms=audio_end_ms))

    def _behind(self, item_id: str) -> int:
        return 0 if item_id == "root" else self._position(item_id, "create") + 1

    def _position(self, item_id: str, wanted_for: str) -> int:
        for position, entry in enumerate(self._entries):
            if entry.item.id == item_id:
                return position
        raise RefusedError(
            f"item_{wanted_for}_invalid_item_id",
            f"Item with the id '{item_id}' not found.",
            param="previous_item_id" if wanted_for == "create" else "item_id",
        )


def checked(item: Item) -> Item:
    """Refuse an item that no client may create, and drop the audio that is never given back."""
    if not isinstance(item, Message):
        return item
    allowed = _ALLOWED_CONTENT[item.role]
    for position, part in enumerate(item.content):
        if not isinstance(part, allowed):
            raise RefusedError(
                "invalid_value",
                f"A {item.role} message has no such content.",
                param=f"item.content[{position}].type",
            )
    kept = tuple(
        InputAudio(transcript=part.transcript) if isinstance(part, InputAudio) else part
        for part in item.content
    )
    return msgspec.structs.replace(item, content=kept)
