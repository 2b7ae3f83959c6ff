"""The texts that go between a model and its tools, and how they stand in the record."""

from __future__ import annotations

from typing import Final

import msgspec

from runtime.call.toolset import JsonObject
from runtime.call_record import JsonValue

MOST_ARGUMENT_CHARACTERS: Final = 64 * 1024
MOST_RECORDED_CHARACTERS: Final = 4 * 1024
MOST_LINE_CHARACTERS: Final = 1024


def read_arguments(text: str) -> JsonObject | None:
    """Return the arguments that a model gave, None when they are no JSON object, or beyond all measure."""
    if len(text) > MOST_ARGUMENT_CHARACTERS:
        return None
    try:
        arguments = msgspec.json.decode(text)  # unlike `json`, takes nothing that JSON cannot carry
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) else None


def failure(message: str) -> str:
    """Return an error in the form in which models are told of it."""
    return msgspec.json.encode({"error": message}).decode()


def recorded(output: str) -> JsonValue:
    """Return a tool's answer as the record has it: JSON as such, text as text, a long one only in part."""
    if len(output) > MOST_RECORDED_CHARACTERS:
        return f"{output[:MOST_RECORDED_CHARACTERS]}…"
    try:
        value: JsonValue = msgspec.json.decode(output)
    except (ValueError, RecursionError):
        return output
    return value


def line_of(name: str, arguments: JsonObject, output: str) -> str:
    """Return the line of the transcript for a use of a tool; a new session of the model reads it, too."""
    asked = msgspec.json.encode(arguments).decode()
    line = f"{name} {asked}: {output}"
    return line if len(line) <= MOST_LINE_CHARACTERS else f"{line[:MOST_LINE_CHARACTERS]}…"
