"""Tools of an agent: HTTP calls, MCP servers and the built-in ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.declared import Declared
from schemas.fields import HttpUrl, JsonObject, OneOrMore, Text, choice
from schemas.secret import Secret

MethodName = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
BuiltinName = Literal["hang_up", "transfer", "send_digits", "collect_digits", "take_message"]


class HttpCall(Declared):
    """The request that a tool makes; its arguments are the JSON body."""

    url: HttpUrl
    """Where the request goes."""
    method: Annotated[MethodName, choice(MethodName)] = "POST"
    """The HTTP method."""
    headers: Mapping[str, Secret] = Field(default_factory=dict)
    """Headers, never printed or logged."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 5
    """Seconds after which the tool has failed."""


class HttpTool(Declared):
    """A function that the model may call, answered over HTTP."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    """The function's name, as the model sees it."""
    description: Text
    """When and how to use it, for the model to read."""
    parameters: JsonObject = Field(default_factory=dict)
    """JSON Schema of the arguments."""
    http: HttpCall
    """The request."""


class McpServer(Declared):
    """An MCP server whose tools the model may call."""

    label: Text
    """The server's name, as the model sees it."""
    url: HttpUrl
    """Where the server is."""


class McpTool(Declared):
    """All tools of an MCP server."""

    mcp: McpServer
    """The server."""


class BuiltinTool(Declared):
    """Tools that come with tm; hang_up is given to every agent."""

    builtin: Annotated[tuple[Annotated[BuiltinName, choice(BuiltinName)], ...], OneOrMore()]
    """Their names."""


def _form(value: Any) -> str:
    if isinstance(value, McpTool) or (isinstance(value, Mapping) and "mcp" in value):
        return "<mcp>"
    if isinstance(value, BuiltinTool) or (isinstance(value, Mapping) and "builtin" in value):
        return "<builtin>"
    return "<http>"


Tool = Annotated[
    Annotated[HttpTool, Tag("<http>")]
    | Annotated[McpTool, Tag("<mcp>")]
    | Annotated[BuiltinTool, Tag("<builtin>")],
    Discriminator(_form),
]
