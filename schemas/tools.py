"""Tools of an agent: HTTP calls, MCP servers and the built-in ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.declared import Declared
from schemas.fields import HttpUrl, Json, JsonObject, OneOrMore, RequestUrl, Text, choice
from schemas.secret import Secret

MethodName = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
BuiltinName = Literal[
    "hang_up", "transfer", "send_digits", "collect_digits", "take_message", "send_media", "do_not_call"
]


class HttpCall(Declared):
    """A request to a service of the company's; a tool's arguments are its JSON body."""

    url: RequestUrl
    """Where the request goes; {{ name }} in its path or query stands for an argument, percent-encoded."""
    method: Annotated[MethodName, choice(MethodName)] = "POST"
    """The HTTP method; arguments of GET and DELETE that are not in the URL are its query."""
    headers: Mapping[str, Secret] = Field(default_factory=dict)
    """Headers, never printed or logged."""
    body: Json = None
    """The JSON body where it is not just the arguments; "{{ name }}" stands for an argument."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 5
    """Seconds after which the request has failed, retries included."""
    retries: Annotated[int, Field(ge=0, le=5)] = 0
    """How often it is repeated after a failure that may pass; a POST then carries an Idempotency-Key."""
    max_response_bytes: Annotated[int, Field(ge=1, le=1_000_000)] = 32_768
    """How much of an answer is read and given to the model, at most."""


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
    filler: Text | None = None
    """What the agent says when the tool takes longer than 1.5 s."""


class McpServer(Declared):
    """An MCP server whose tools the model may call."""

    label: Text
    """The server's name, as the model sees it."""
    url: HttpUrl
    """Where the server is."""
    headers: Mapping[str, Secret] = Field(default_factory=dict)
    """Headers for the server, never printed or logged."""
    allowed_tools: Annotated[tuple[Text, ...], OneOrMore()] = ()
    """The tools of it that the model may call; all when empty."""


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
