"""Rules about an agent's tools and prep: their hosts, their names, and what their templates stand for."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from schemas import codes
from schemas.agent import Agent
from schemas.argument_schemas import BadSchemaError, compile_schema
from schemas.places import Diagnostic, Place
from schemas.private_hosts import ToolHosts
from schemas.source import SourceMap
from schemas.suggestions import did_you_mean, listed
from schemas.templates import PLACE, names_in
from schemas.tools import BuiltinTool, HttpCall, HttpTool, McpTool

FieldPath = tuple[str | int, ...]

CALL_VARIABLES = ("caller", "country", "called", "call_sid")
_BUILT_IN_NAMES = frozenset(
    {"hang_up", "transfer", "send_digits", "collect_digits", "take_message", "do_not_call"}
)


def check_tools(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    """Yield what is wrong with the tools of an agent and with its prep."""
    hosts = ToolHosts(agent.tool_hosts)
    for url, path in _addresses(agent):
        host = urlsplit(PLACE.sub("x", url)).hostname or ""
        if not hosts.allows(host):
            message = f"{host} is a private host; allow it with tool_hosts: [{host}]"
            yield Diagnostic("error", codes.PRIVATE_TOOL_HOST, message, source.place_of(path))
    yield from _check_names(agent, source)
    yield from _check_schemas(agent, source)
    yield from _check_templates(agent, source)
    yield from _check_transfer(agent, source)


def _addresses(agent: Agent) -> Iterator[tuple[str, FieldPath]]:
    for index, tool in enumerate(agent.tools):
        if isinstance(tool, HttpTool):
            yield tool.http.url, ("tools", index, "http", "url")
        elif isinstance(tool, McpTool):
            yield tool.mcp.url, ("tools", index, "mcp", "url")
    for index, request in enumerate(agent.prep.http if agent.prep else ()):
        yield request.http.url, ("prep", "http", index, "http", "url")


def _check_names(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    """A model calls a function by its name alone."""
    seen: dict[str, Place] = {}
    for index, tool in enumerate(agent.tools):
        if not isinstance(tool, HttpTool):
            continue
        place = source.place_of(("tools", index, "name"))
        if tool.name in _BUILT_IN_NAMES:
            yield _wrong(f"{tool.name} is the name of a built-in tool", place)
        elif tool.name in seen:
            yield _wrong(f"there is another tool {tool.name}, at {seen[tool.name]}", place)
        seen.setdefault(tool.name, place)


def _check_schemas(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    for index, tool in enumerate(agent.tools):
        if isinstance(tool, HttpTool) and tool.parameters:
            try:
                compile_schema(tool.parameters)
            except BadSchemaError as error:
                yield _wrong(str(error), source.place_of(("tools", index, "parameters")))


def _check_templates(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    for index, tool in enumerate(agent.tools):
        if isinstance(tool, HttpTool):
            properties = tool.parameters.get("properties")
            known = tuple(properties) if isinstance(properties, dict) else ()
            yield from _check_places(tool.http, known, ("tools", index, "http"), source)
    for index, request in enumerate(agent.prep.http if agent.prep else ()):
        yield from _check_places(request.http, CALL_VARIABLES, ("prep", "http", index, "http"), source)


def _check_places(
    call: HttpCall, known: tuple[str, ...], path: FieldPath, source: SourceMap
) -> Iterator[Diagnostic]:
    for field, template in (("url", call.url), ("body", call.body)):
        for name in sorted(names_in(template) - set(known)):
            hint = did_you_mean(name, known) or (f"; there are {listed(known, 'and')}" if known else "")
            message = f"{{{{ {name} }}}} stands for no argument{hint}"
            yield _wrong(message, source.place_of((*path, field)))


def _check_transfer(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    yield from _check_destinations(agent, source)
    for index, tool in enumerate(agent.tools):
        if isinstance(tool, BuiltinTool) and "transfer" in tool.builtin and not agent.transfer:
            message = "the built-in tool transfer needs somebody to transfer to; declare transfer"
            place = source.place_of(("tools", index, "builtin"))
            yield Diagnostic("error", codes.INCOMPLETE, message, place)


def _check_destinations(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    """Report destinations that the model could not tell apart."""
    if len(agent.transfer) < 2:
        return
    seen: set[str] = set()
    for index, person in enumerate(agent.transfer):
        place = source.place_of(("transfer", index))
        if person.name is None:
            message = "each of several people to transfer to needs a name, by which the agent chooses"
            yield Diagnostic("error", codes.INCOMPLETE, message, place)
        elif person.name in seen:
            yield _wrong(f"two people to transfer to are named {person.name}", place)
        else:
            seen.add(person.name)


def _wrong(message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", codes.BAD_VALUE, message, place)
