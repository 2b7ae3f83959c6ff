"""What the model has understood: recognised clips, text, the results of tools.

Read from the conversation, so that history which a client replays counts as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.model.items import Entry, FunctionCall, FunctionCallOutput, InputText, Message
from sandbox.model.script import Heard, heard_text


def last_heard(entries: Sequence[Entry]) -> Heard | None:
    """Return what the newest input says, or None when the caller has not said anything yet."""
    for entry in reversed(entries):
        heard = _heard_in(entry, entries)
        if heard is not None:
            return heard
    return None


def _heard_in(entry: Entry, entries: Sequence[Entry]) -> Heard | None:
    match entry.item:
        case Message(role="user", content=content):
            text = " ".join(part.text for part in content if isinstance(part, InputText))
            return heard_text(text) if text else Heard(text=entry.heard, clips=entry.clips)
        case FunctionCallOutput(call_id=call_id, output=output):
            return Heard(text=output, tool=_tool_of(call_id, entries))
        case _:
            return None


def _tool_of(call_id: str, entries: Sequence[Entry]) -> str | None:
    for entry in entries:
        if isinstance(entry.item, FunctionCall) and entry.item.call_id == call_id:
            return entry.item.name
    return None
