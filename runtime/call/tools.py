"""Tools that are part of every call, and how the use of a tool is recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

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
        arguments = json.loads(text)
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}
