"""The texts that go between a model and its tools, and how they stand in the record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from runtime.call.tools.toolset import JsonObject
from runtime.call_record import JsonValue

MOST_ARGUMENT_CHARACTERS: Final = 64 * 1024
MOST_NESTED: Final = 64  # levels of JSON: what reads and writes them later ends at a few hundred
MOST_RECORDED_CHARACTERS: Final = 4 * 1024
MOST_LINE_CHARACTERS: Final = 1024


def read_arguments(text: str) -> JsonObject | None:
    """Return the arguments that a model gave, None when they are no JSON object, or too long or too deep."""
    if len(text) > MOST_ARGUMENT_CHARACTERS:
        return None
    try:
        arguments = msgspec.json.decode(text)  # unlike `json`, takes nothing that JSON cannot carry
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) and not _too_deep(arguments) else None


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
    return output if _too_deep(value) else value


def _too_deep(value: JsonValue) -> bool:
    """Tell whether JSON has more than `MOST_NESTED` levels, level by level: without any recursion."""
    level = [value]
    for _ in range(MOST_NESTED + 1):
        level = [inner for outer in level for inner in _within(outer)]
        if not level:
            return False
    return True


def _within(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def line_of(name: str, arguments: JsonObject, output: str) -> str:
    """Return the line of the transcript for a use of a tool; a new session of the model reads it, too."""
    asked = msgspec.json.encode(arguments).decode()
    line = f"{name} {asked}: {output}"
    return line if len(line) <= MOST_LINE_CHARACTERS else f"{line[:MOST_LINE_CHARACTERS]}…"
