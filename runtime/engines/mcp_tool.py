"""An MCP server as OpenAI's APIs take it, Realtime and Responses alike: called by OpenAI, not by us."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.call_record import JsonValue
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
