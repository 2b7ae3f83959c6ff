"""An MCP server as OpenAI's APIs take it, Realtime and Responses alike: called by OpenAI, not by us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.call.events import ToolReported

if TYPE_CHECKING:
    from runtime.call_record import JsonValue
    from runtime.engines.realtime_wire import Item
    from schemas.tools import McpServer


def mcp_tool(server: McpServer) -> dict[str, JsonValue]:
    """Return the server as an entry of `tools`; its headers are revealed here and nowhere else."""
    tool: dict[str, JsonValue] = {
        "type": "mcp",
        "server_label": server.label,
        "server_url": server.url,
        "require_approval": "never",
    }
    if server.headers:
        tool["headers"] = {name: secret.reveal() for name, secret in server.headers.items()}
    if server.allowed_tools:
        tool["allowed_tools"] = list(server.allowed_tools)
    return tool


def mcp_report(item: Item) -> ToolReported:
    """Return what an item of a call (`mcp_call`) that OpenAI has made says of it."""
    name = f"{item.server_label}.{item.name}" if item.server_label else item.name or ""
    error = (item.error.message or "it failed") if item.error else None
    return ToolReported(item.id or "", name, item.arguments or "{}", item.output or "", error)
