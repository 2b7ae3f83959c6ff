"""Text models' protocols: what is sent passes OpenAI's own types, what comes is read whatever it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from runtime.call import events as ev
from runtime.call.text.text_events import AskFailed, AskModel, TextDelta, TextEnded, Told, Used
from runtime.call.usage import Usage
from runtime.engines.text import TextEngine, TextSettings
from runtime.engines.text_chat import ChatReader
from runtime.engines.text_responses import ResponsesReader
from schemas.secret import Secret
from schemas.tools import McpServer

SETTINGS = TextSettings("Be kind.", "gpt-5.6-luna")
ASK = AskModel(
    "ask-1",
    (
        Told("agent", "Good evening."),
        Told("caller", "Is there a table?"),
        Used("call_1", "look_up", '{"day": "friday"}', '{"free": true}'),
        Told("system", "The line was lost."),
    ),
    guidance="Be brief.",
)


def body(settings: TextSettings = SETTINGS, ask: AskModel = ASK) -> dict[str, Any]:
    return dict(TextEngine(settings).body(ask))


def test_a_request_to_responses_is_one_that_openai_knows() -> None:
    sent = body()
    TypeAdapter(ResponseCreateParamsStreaming).validate_python(sent)
    assert sent["store"] is False
    assert sent["instructions"].startswith("Be kind.\n")
    kinds = [item.get("role") or item["type"] for item in sent["input"]]
    assert kinds == [
        "assistant", "user", "function_call", "function_call_output", "developer", "developer"
    ]  # fmt: skip
    assert [tool["name"] for tool in sent["tools"]] == ["hang_up"]


def test_a_request_to_chat_completions_is_one_that_openai_knows() -> None:
    sent = body(replace(SETTINGS, api="chat"))
    TypeAdapter(CompletionCreateParamsStreaming).validate_python(sent)
    roles = [message["role"] for message in sent["messages"]]
    assert roles == ["system", "assistant", "user", "assistant", "tool", "system", "system"]
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["hang_up"]


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_an_agent_that_only_speaks_may_use_no_tool(api: Any) -> None:
    assert body(replace(SETTINGS, api=api), replace(ASK, acts=False))["tool_choice"] == "none"


def test_a_conversation_without_a_word_is_begun_with_a_remark() -> None:
    assert len(body(ask=AskModel("ask-1", ()))["input"]) == 1


def test_an_mcp_server_is_told_to_responses_with_its_headers_and_shown_nowhere_else() -> None:
    server = McpServer.model_validate(
        {"label": "crm", "url": "https://crm.example/mcp", "headers": {"Authorization": "s3cret"}}
    )
    assert isinstance(server.headers["Authorization"], Secret)
    settings = replace(SETTINGS, mcp=(server,))
    sent = body(settings)
    TypeAdapter(ResponseCreateParamsStreaming).validate_python(sent)
    assert sent["tools"][-1]["headers"] == {"Authorization": "s3cret"}
    assert "s3cret" not in repr(settings)


def read_responses(*events: dict[str, Any]) -> Sequence[Any]:
    reader = ResponsesReader("ask-1")
    return [found for event in events for found in reader.read(json.dumps(event))]


def test_an_answer_of_responses_is_words_tools_and_what_it_took() -> None:
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "hang_up", "arguments": "{}"}
    usage = {"input_tokens": 10, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 6}}
    assert read_responses(
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "Good"},
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "bye."},
        {"type": "response.output_item.done", "item": {**item, "status": "completed"}},
        {"type": "response.output_item.done", "item": {**item, "status": "incomplete"}},
        {"type": "response.completed", "response": {"usage": usage}},
    ) == [
        TextDelta("ask-1", "Good"),
        TextDelta("ask-1", "bye."),
        ev.ToolRequested("ask-1", "call_1", "hang_up", "{}"),
        TextEnded("ask-1", True, Usage(text_in=10, text_cached=6, text_out=4)),
    ]


def test_a_tool_of_an_mcp_server_is_reported() -> None:
    item = {"type": "mcp_call", "id": "mcp_1", "name": "find", "arguments": "{}", "output": "none"}
    assert read_responses({"type": "response.output_item.done", "item": item}) == [
        ev.ToolReported("mcp_1", "find", "{}", "none", None)
    ]


@pytest.mark.parametrize(
    ("code", "may_pass"),
    [("server_error", True), ("rate_limit_exceeded", True), ("insufficient_quota", False)],
)
def test_a_failure_tells_whether_asking_again_may_help(code: str, may_pass: bool) -> None:
    for event in (
        {"type": "response.failed", "response": {"error": {"code": code, "message": "secret"}}},
        {"type": "error", "code": code, "message": "secret"},
    ):
        (failed,) = read_responses(event)
        assert isinstance(failed, AskFailed)
        assert failed.may_pass is may_pass
        assert "secret" not in failed.detail


def read_chat(*chunks: dict[str, Any] | str) -> Sequence[Any]:
    reader = ChatReader("ask-1")
    texts = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    return [found for text in texts for found in reader.read(text)]


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


def piece(index: int, arguments: str, **fields: Any) -> dict[str, Any]:
    name = fields.pop("name", None)
    return {"index": index, "function": {"name": name, "arguments": arguments}, **fields}


def test_an_answer_of_chat_is_words_tools_in_pieces_and_what_it_took() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}}
    assert read_chat(
        delta(role="assistant", content=""),
        delta(content="One moment."),
        delta(tool_calls=[piece(0, "", id="call_1", name="look_up"), piece(1, "{}", id="call_2", name="b")]),
        delta(tool_calls=[piece(0, '{"day": ')]),
        delta(tool_calls=[piece(0, '"friday"}')]),
        delta(finish_reason="tool_calls"),
        {"choices": [], "usage": usage},
        "[DONE]",
    ) == [
        TextDelta("ask-1", "One moment."),
        ev.ToolRequested("ask-1", "call_1", "look_up", '{"day": "friday"}'),
        ev.ToolRequested("ask-1", "call_2", "b", "{}"),
        TextEnded("ask-1", True, Usage(text_in=10, text_cached=6, text_out=4)),
    ]


def test_a_tool_call_that_the_token_limit_cut_is_none() -> None:
    found = read_chat(delta(tool_calls=[piece(0, '{"da', id="1", name="a")]), delta("length"), "[DONE]")
    assert found == [TextEnded("ask-1", False)]


def test_a_chat_that_stops_without_a_reason_has_broken_off() -> None:
    assert read_chat(delta(content="Good"), "[DONE]")[-1] == AskFailed("ask-1", "the model broke off")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "keepalive", "message": {"at": 1}, "code": 7, "item": 3, "response": "none"},
        {"type": "response.output_item.done", "item": {"type": "reasoning", "id": None, "output": [1]}},
        {"type": "response.output_item.added", "item": None},
        {"type": "response.created", "response": {"usage": {"input_tokens": None}, "error": "none"}},
        {"type": None},
        ["ping"],
    ],
)
def test_what_a_server_adds_to_an_answer_of_responses_does_not_cost_the_answer(event: Any) -> None:
    words = {"type": "response.output_text.delta", "delta": "Yes."}
    usage = {"input_tokens": None, "output_tokens": 3, "input_tokens_details": None}
    end = {"type": "response.completed", "response": {"usage": usage}}
    assert read_responses(event, words, end) == [
        TextDelta("ask-1", "Yes."),
        TextEnded("ask-1", True, Usage(text_out=3)),
    ]


def test_a_tool_of_responses_is_read_however_its_fields_are_written() -> None:
    call = {"type": "function_call", "id": None, "call_id": None, "name": "a", "arguments": {"day": 1}}
    mcp = {"type": "mcp_call", "id": None, "name": "b", "arguments": "{}", "output": [1, "é"], "error": None}
    assert read_responses(*({"type": "response.output_item.done", "item": item} for item in (call, mcp))) == [
        ev.ToolRequested("ask-1", "", "a", '{"day": 1}'),
        ev.ToolReported("", "b", "{}", '[1, "\\u00e9"]', None),
    ]


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": None},
        {"choices": [{"index": None, "delta": None, "finish_reason": None}]},
        {"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": None}},
        {"choices": "none", "usage": [], "error": None},
        ["ping"],
    ],
)
def test_what_a_server_adds_to_an_answer_of_chat_does_not_cost_the_answer(chunk: Any) -> None:
    words = delta(content=[{"type": "text", "text": "Ye"}, {"type": "text", "text": "s."}])
    assert read_chat(chunk, words, delta("stop"), chunk, "[DONE]") == [
        TextDelta("ask-1", "Yes."),
        TextEnded("ask-1"),
    ]


@pytest.mark.parametrize(
    ("error", "detail"), [("broken", ""), ({"code": 429}, " (429)"), ({"code": None}, "")]
)
def test_an_error_of_chat_is_one_however_it_is_written(error: Any, detail: str) -> None:
    assert read_chat({"error": error}) == [
        AskFailed("ask-1", f"the model's server reported an error{detail}")
    ]


@pytest.mark.parametrize(
    ("index", "names"),
    [({}, ("c1", "c2")), ({}, ("", "")), ({"index": None}, ("c1", "c2")), ({"index": 0}, ("c1", "c2"))],
)
def test_tool_calls_that_a_server_does_not_count_are_kept_apart(
    index: dict[str, Any], names: tuple[str, str]
) -> None:
    def calls(call_id: str, name: str | None, arguments: str) -> dict[str, Any]:
        function = {"name": name, "arguments": arguments}
        return delta(tool_calls=[{**index, "id": call_id, "function": function}])

    requests = read_chat(
        calls(names[0], "a", '{"x":'), calls("", None, "1}"), calls(names[1], "b", "{}"), delta("tool_calls")
    )
    assert requests == [
        ev.ToolRequested("ask-1", names[0], "a", '{"x":1}'),
        ev.ToolRequested("ask-1", names[1], "b", "{}"),
    ]


def test_pieces_of_a_tool_call_belong_together_though_each_has_another_id() -> None:
    first = delta(tool_calls=[piece(0, '{"x":', id="c1", name="a")])
    assert read_chat(first, delta(tool_calls=[piece(0, "1}", id="c2")]), delta("tool_calls")) == [
        ev.ToolRequested("ask-1", "c1", "a", '{"x":1}')
    ]


def test_an_answer_of_chat_that_has_given_its_reason_needs_no_more_to_have_ended() -> None:
    failure = AskFailed("ask-1", "broken off")
    reader = ChatReader("ask-1")
    reader.read(json.dumps(delta(content="Yes.")))
    assert reader.close(failure) == failure
    reader.read(json.dumps(delta("stop")))
    assert reader.close(failure) == TextEnded("ask-1")


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_whatever_comes_is_read_or_a_failure(data: str) -> None:
    for reader in (ResponsesReader("ask-1"), ChatReader("ask-1")):
        assert all(isinstance(event, TextEnded | AskFailed | TextDelta) for event in reader.read(data))
