"""The Responses API of the sandbox, as OpenAI's client and its types see it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError

from sandbox.model import Call, Fail, RealtimeServer, Say, Script, say, when
from sandbox.model.text.responses_request import ResponsesRequest
from sandbox.speech import clip
from tests.e2e.sandbox.model.office import Event, streamed, with_client
from tests.sandbox.model.text_oracle import judge_response

MENU = Script(
    (when("caller-menu", Call("read_menu", {"day": "today"})), when("read_menu", say("agent-menu")))
)
TOOL: dict[str, object] = {"type": "function", "name": "read_menu", "parameters": {"type": "object"}}


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def ask(script: Script, *items: Any, **fields: object) -> list[Event]:
    body = {"model": "gpt-5.6-luna", "input": list(items), "tools": [TOOL], **fields}
    return streamed(RealtimeServer(script), "/responses", body)


def ordered(events: list[Event]) -> list[str]:
    """The types in their order, runs of deltas as one."""
    return [kind.removeprefix("response.") for kind, _ in groupby(event["type"] for event in events)]


def test_the_events_of_a_spoken_answer_come_in_the_documented_order() -> None:
    events = ask(Script(), user("When are you open?"))
    assert ordered(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    deltas = [event["delta"] for event in events if event["type"].endswith(".delta")]
    assert "".join(deltas) == clip("agent-hours").text
    assert len(deltas) > len(clip("agent-hours").text.split())
    usage = events[-1]["response"]["usage"]
    assert usage["output_tokens"] == len(deltas)
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_a_function_call_is_streamed_and_its_result_is_answered() -> None:
    events = ask(MENU, user("What is on the menu tonight?"))
    assert ordered(events)[2:] == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    call = events[-1]["response"]["output"][0]
    assert (call["name"], call["arguments"]) == ("read_menu", '{"day": "today"}')
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sea bass"}
    answer = ask(MENU, user("What is on the menu tonight?"), call, output)
    assert answer[-1]["response"]["output"][0]["content"][0]["text"] == clip("agent-menu").text


def test_a_response_is_continued_by_its_id_unless_it_was_not_stored() -> None:
    server = RealtimeServer(MENU)

    async def story(client: AsyncOpenAI) -> str:
        asked: dict[str, Any] = {"model": "gpt-5.6-luna", "tools": [TOOL]}
        first = await client.responses.create(input=[user("What is on the menu tonight?")], **asked)
        judge_response(first.to_dict())
        (call,) = first.output
        assert call.type == "function_call"
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sea bass"}
        second = await client.responses.create(
            input=[result], previous_response_id=first.id, store=False, **asked
        )
        with pytest.raises(BadRequestError, match="not found") as refused:
            await client.responses.create(input=[user("And wine?")], previous_response_id=second.id, **asked)
        assert refused.value.code == "previous_response_not_found"
        written: str = second.output_text
        return written

    assert with_client(server, story) == clip("agent-menu").text


def test_a_later_turn_gets_the_rules_next_reply_and_a_repeated_request_the_same() -> None:
    script = Script((when("menu", Say("Fish."), Say("Fish, as I said.")),))
    first = ask(script, user("The menu?"))[-1]["response"]["output"][0]
    history = (user("The menu?"), first, user("The menu!"))
    for _ in range(2):
        again = ask(script, *history)[-1]["response"]["output"][0]
        assert again["content"][0]["text"] == "Fish, as I said."


def test_an_answer_ends_incomplete_at_its_limit() -> None:
    events = ask(Script(), user("What is on the menu tonight?"), max_output_tokens=16)
    response = events[-1]["response"]
    assert (response["status"], response["incomplete_details"]) == (
        "incomplete",
        {"reason": "max_output_tokens"},
    )
    assert response["output"][0]["status"] == "incomplete"
    assert response["usage"]["output_tokens"] == 16


def test_reasoning_is_an_item_of_its_own_and_counts() -> None:
    response = ask(Script(), user("When are you open?"), reasoning={"effort": "low"})[-1]["response"]
    assert [item["type"] for item in response["output"]] == ["reasoning", "message"]
    assert response["usage"]["output_tokens_details"]["reasoning_tokens"] > 0


def test_a_failed_response_says_why() -> None:
    events = ask(Script((when("menu", (Say("Wait."), Fail())),)), user("The menu?"))
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"]["code"] == "server_error"


def test_words_parts_pictures_and_instructions_at_the_end_are_understood() -> None:
    script = Script((when("image", Say("A dog.")),))
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"}
    shown = {"role": "user", "content": [{"type": "input_text", "text": "What is it?"}, picture]}
    assert ask(script, shown)[-1]["response"]["output"][0]["content"][0]["text"] == "A dog."
    order = {"role": "developer", "content": "Say exactly: Are you still there?"}
    told = ask(script, user("Hm."), order)[-1]["response"]["output"][0]["content"][0]["text"]
    assert told == clip("agent-still-there").text


def test_openais_helper_accumulates_the_stream() -> None:
    async def story(client: AsyncOpenAI) -> str:
        async with client.responses.stream(
            model="gpt-5.6-luna", input=[user("When are you open?")]
        ) as stream:
            return (await stream.get_final_response()).output_text

    server = RealtimeServer(Script(text_ms=20, tokens_per_second=1000))
    assert with_client(server, story) == clip("agent-hours").text
    (exchange,) = server.texts
    assert isinstance(exchange.request, ResponsesRequest)
    assert (exchange.status, exchange.text) == ("completed", clip("agent-hours").text)
    assert exchange.first_token_ms is not None
    assert exchange.first_token_ms >= 20
    assert exchange.ended_ms is not None
    assert exchange.ended_ms >= 20 + exchange.tokens - 1


CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": ""}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temprature": 1}, "temprature"),
        ({"max_output_tokens": 15}, "max_output_tokens"),
        ({"input": [RESULT]}, "input"),
        ({"input": [CALL]}, "input"),
        (
            {"input": [{"role": "user", "content": [{"type": "output_text", "text": "x"}]}]},
            "input[0].content",
        ),
        ({"input": [{"type": "telepathy"}]}, "input[0].type"),
        ({"tools": [{"type": "function", "name": "no spaces"}]}, "tools"),
        ({"tools": [{**TOOL, "strict": True}]}, "tools[0].parameters"),
    ],
)
def test_what_openai_refuses_is_refused(fields: dict[str, Any], param: str) -> None:
    async def story(client: AsyncOpenAI) -> str | None:
        with pytest.raises(BadRequestError) as refused:
            await client.responses.create(model="gpt-5.6-luna", input=[user("Hello")], extra_body=fields)
        return refused.value.param

    assert (with_client(RealtimeServer(), story) or "").startswith(param)
