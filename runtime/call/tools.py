"""Tools that are part of every call, and how the use of a tool is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from runtime.call_record import JsonValue, ToolUse

if TYPE_CHECKING:
    from runtime.call.events import ToolRequested

HANG_UP: Final = "hang_up"
UNKNOWN_TOOL: Final = '{"error": "there is no such tool"}'


def tool_use(request: ToolRequested, result: JsonValue, ms: int) -> ToolUse:
    """Return the record of a tool that was asked for; arguments that are no object are recorded as none."""
    return ToolUse(request.name, _arguments(request.arguments), result, ms)


def _arguments(text: str) -> Mapping[str, JsonValue]:
    try:
        arguments = msgspec.json.decode(text)  # unlike `json`, takes nothing that JSON cannot carry
    except (ValueError, RecursionError):
        return {}
    return arguments if isinstance(arguments, dict) else {}
