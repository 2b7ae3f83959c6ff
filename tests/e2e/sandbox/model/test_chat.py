"""Chat Completions of the sandbox, as OpenAI's client and its types see it."""

from __future__ import annotations

from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError

from sandbox.model import Call, RealtimeServer, Script, say, when
from sandbox.speech import clip
from tests.e2e.sandbox.model.office import streamed, with_client
from tests.sandbox.model.text_oracle import judge_completion

MENU = Script(
    (when("caller-menu", Call("read_menu", {"day": "today"})), when("read_menu", say("agent-menu")))
)
TOOL: dict[str, object] = {"type": "function", "function": {"name": "read_menu"}}
QUESTION: dict[str, object] = {"role": "user", "content": "What is on the menu tonight?"}


def test_chunks_have_the_role_first_the_reason_of_the_end_last_and_then_the_usage() -> None:
    body: dict[str, object] = {
        "model": "any",
        "messages": [{"role": "user", "content": "When are you open?"}],
        "stream_options": {"include_usage": True},
    }
    *chunks, usage, done = streamed(RealtimeServer(), "/chat/completions", body)
    assert done == {"type": "[DONE]"}
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    words = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert words == clip("agent-hours").text
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == len(chunks) - 2


def test_a_tool_call_comes_in_pieces_and_its_result_is_answered() -> None:
    body: dict[str, object] = {"model": "any", "messages": [QUESTION], "tools": [TOOL]}
    *chunks, _ = streamed(RealtimeServer(MENU), "/chat/completions", body)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    pieces = [piece for delta in deltas for piece in delta.get("tool_calls", ())]
    assert pieces[0]["function"]["name"] == "read_menu"
    assert all("id" not in piece for piece in pieces[1:])
    arguments = "".join(piece["function"]["arguments"] for piece in pieces)
    assert arguments == '{"day": "today"}'
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"

    async def story(client: AsyncOpenAI) -> str | None:
        called = {
            "id": pieces[0]["id"],
            "type": "function",
            "function": {"name": "read_menu", "arguments": arguments},
        }
        messages: list[Any] = [
            QUESTION,
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": pieces[0]["id"], "content": "sea bass"},
        ]
        completion = await client.chat.completions.create(model="any", messages=messages)
        judge_completion(completion.to_dict())
        return completion.choices[0].message.content

    assert with_client(RealtimeServer(MENU), story) == clip("agent-menu").text


def test_an_answer_that_is_too_long_ends_for_its_length() -> None:
    async def story(client: AsyncOpenAI) -> str | None:
        messages: list[Any] = [QUESTION]
        completion = await client.chat.completions.create(model="any", messages=messages, max_tokens=5)
        return completion.choices[0].finish_reason

    assert with_client(RealtimeServer(), story) == "length"


@pytest.mark.parametrize(
    ("messages", "fields"),
    [
        ([], {}),
        ([{"role": "tool", "tool_call_id": "c1", "content": ""}], {}),
        ([{"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {}}]}], {}),
        ([QUESTION], {"stream_options": {"include_usage": True}}),
        ([QUESTION], {"tools": [{"type": "function", "name": "flat"}]}),
    ],
)
def test_what_openai_refuses_is_refused(messages: list[Any], fields: dict[str, object]) -> None:
    async def story(client: AsyncOpenAI) -> None:
        with pytest.raises(BadRequestError):
            await client.chat.completions.create(model="any", messages=messages, extra_body=fields)

    with_client(RealtimeServer(), story)
