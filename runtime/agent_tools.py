"""An agent's tools, made ready once: what the model is told of them, and the requests behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runtime.call.tools.built_in import (
    HANG_UP_FUNCTION,
    OPTIONAL,
    language_function,
    transfer_function,
)
from runtime.call.tools.toolset import Function, JsonObject, Toolset
from schemas.argument_schemas import compile_schema
from schemas.private_hosts import ToolHosts
from schemas.tools import BuiltinTool, HttpCall, HttpTool, McpServer, McpTool
from schemas.voice import DEFAULT_LANGUAGE

if TYPE_CHECKING:
    from schemas import Agent, Voice

NO_ARGUMENTS: JsonObject = {"type": "object", "properties": {}}
MOST_COMPLAINT_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class AgentTools:
    """`functions` are answered by the call or by `requests`; `mcp` servers are called by the model's side."""

    functions: Toolset
    requests: Mapping[str, HttpCall]
    mcp: tuple[McpServer, ...]
    hosts: ToolHosts

    @classmethod
    def of(cls, agent: Agent) -> AgentTools:
        """Return the tools of an agent whose declaration is valid.

        Raises `UnresolvedReference` for a header whose secret is not there: better now than in a call.
        """
        requests: dict[str, HttpCall] = {}
        functions: list[Function] = [HANG_UP_FUNCTION]
        servers: list[McpServer] = []
        for tool in agent.tools:
            if isinstance(tool, HttpTool):
                functions.append(_function(tool))
                requests[tool.name] = tool.http
            elif isinstance(tool, BuiltinTool):
                functions += [OPTIONAL[name] for name in tool.builtin if name in OPTIONAL]
            elif isinstance(tool, McpTool):
                servers.append(tool.mcp)
        if agent.transfer:
            transfer = transfer_function([(person.name, person.description) for person in agent.transfer])
            functions.append(transfer)
        if agent.voice.languages:
            functions.append(language_function(spoken_languages(agent.voice)))
        _look_for_secrets(agent)
        checked = [replace(function, check=_check(function.parameters)) for function in functions]
        return cls(Toolset.of(*checked), requests, tuple(servers), ToolHosts(agent.tool_hosts))


def spoken_languages(voice: Voice) -> tuple[str, ...]:
    """Return all languages that an agent speaks, the first one first."""
    return tuple(dict.fromkeys((voice.language or DEFAULT_LANGUAGE, *voice.languages)))


def _look_for_secrets(agent: Agent) -> None:
    """Raise `UnresolvedReference` for a secret of a tool, an MCP server or prep that is not there."""
    calls = [tool.http for tool in agent.tools if isinstance(tool, HttpTool)]
    calls += [request.http for request in agent.prep.http] if agent.prep else []
    headers = [call.headers for call in calls]
    headers += [tool.mcp.headers for tool in agent.tools if isinstance(tool, McpTool)]
    for secret in (secret for each in headers for secret in each.values()):
        secret.reveal()


def _function(tool: HttpTool) -> Function:
    return Function(
        tool.name,
        tool.description,
        tool.parameters or NO_ARGUMENTS,
        filler=tool.filler,
        seconds=tool.http.timeout,
    )


def _check(parameters: JsonObject) -> Callable[[JsonObject], str | None]:
    """Return what says what is wrong with arguments by this schema, in words that a model can act on."""
    validator = compile_schema(parameters)

    def check(arguments: JsonObject) -> str | None:
        try:
            error = next(validator.iter_errors(dict(arguments)), None)
        except ValueError:  # beyond what it reads: the depth of the arguments, the steps of a pattern
            return "the arguments cannot be checked"
        if error is None:
            return None
        where = ".".join(str(step) for step in error.instance_path)
        wrong = f"{where}: {error.message}" if where else error.message
        return wrong[:MOST_COMPLAINT_CHARACTERS]  # it may list all that is allowed

    return check
