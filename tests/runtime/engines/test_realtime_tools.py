"""Tools on the wire of OpenAI Realtime: how they are declared, and what is read of MCP servers."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
from openai.types.realtime.realtime_client_event import RealtimeClientEvent
from pydantic import Field, TypeAdapter

from runtime.call import events as ev
from runtime.call.actions import ConfigureModel, Respond
from runtime.call.tools.built_in import HANG_UP_FUNCTION, OPTIONAL
from runtime.call.tools.toolset import Toolset
from runtime.engines.realtime import RealtimeEngine
from runtime.engines.realtime_session import RealtimeSettings
from schemas.tools import McpServer

ORACLE: TypeAdapter[object] = TypeAdapter(Annotated[RealtimeClientEvent, Field(discriminator="type")])
SERVER = McpServer.model_validate(
    {
        "label": "crm",
        "url": "https://crm.example/mcp",
        "headers": {"Authorization": "Bearer sk-1"},
        "allowed_tools": "find",
    }
)
ENGINE = RealtimeEngine(
    RealtimeSettings("Hi.", tools=Toolset.of(HANG_UP_FUNCTION, *OPTIONAL.values()), mcp=(SERVER,))
)


def test_functions_and_mcp_servers_are_declared_in_the_form_that_openai_takes() -> None:
    message = ENGINE.encode(ConfigureModel())
    ORACLE.validate_json(message)
    *functions, server = json.loads(message)["session"]["tools"]
    assert [function["name"] for function in functions] == ["hang_up", *OPTIONAL]
    assert server == {
        "type": "mcp",
        "server_label": "crm",
        "server_url": "https://crm.example/mcp",
        "headers": {"Authorization": "Bearer sk-1"},
        "allowed_tools": ["find"],
        "require_approval": "never",
    }
    assert "sk-1" not in repr(ENGINE.settings)


def test_a_filler_comes_without_tools() -> None:
    event = json.loads(ENGINE.encode(Respond(guidance="Say that it takes a moment.", acts=False)))
    assert event["response"]["tool_choice"] == "none"


def test_what_an_mcp_server_was_used_for_is_read() -> None:
    item = {"type": "mcp_call", "id": "i1", "server_label": "crm", "name": "find", "arguments": '{"a": 1}'}
    done = {"type": "response.output_item.done", "response_id": "r1", "output_index": 0}
    good = ENGINE.decode(json.dumps({**done, "item": {**item, "output": "table 4", "error": None}}))
    assert good == ev.ToolReported("i1", "crm.find", '{"a": 1}', "table 4")
    error = {"type": "http_error", "code": 502, "message": "bad gateway"}
    bad = ENGINE.decode(json.dumps({**done, "item": {**item, "output": None, "error": error}}))
    assert bad == ev.ToolReported("i1", "crm.find", '{"a": 1}', "", "bad gateway")


def test_an_mcp_server_that_does_not_answer_ends_no_call() -> None:
    problem = ENGINE.decode('{"type": "mcp_list_tools.failed", "item_id": "i1"}')
    assert isinstance(problem, ev.ModelProblem)
    assert not problem.fatal


@pytest.mark.parametrize(
    ("kind", "at_tool"),
    [
        ("response.function_call_arguments.delta", False),
        ("response.mcp_call_arguments.delta", False),
        ("response.mcp_call.in_progress", True),
        ("response.mcp_call.completed", False),
        ("response.output_item.added", False),
        ("response.something_new", False),
    ],
)
def test_whatever_comes_of_a_response_shows_that_the_model_works(kind: str, at_tool: bool) -> None:
    event = {"type": kind, "event_id": "e", "response_id": "r1", "item_id": "i1", "delta": "{"}
    assert ENGINE.decode(json.dumps(event)) == ev.ModelWorks(at_tool)
