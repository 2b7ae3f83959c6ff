"""What a client of the text models meets when things go wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI
from openai.types.responses import ResponseStreamEvent

from sandbox.model import RealtimeServer, Script
from sandbox.model.text import BreakOff, Deny, EndEarly, ErrorEvent, Garble, Stall, TextFault
from tests.e2e.sandbox.model.office import with_client

QUESTION: list[Any] = [{"role": "user", "content": "When are you open?"}]
SLOW = Script(text_ms=5, tokens_per_second=200)


async def read(client: AsyncOpenAI, seen: list[ResponseStreamEvent] | None = None) -> list[str]:
    """Read a stream to its end and return the types; `seen` takes what came before an exception."""
    events = [] if seen is None else seen
    stream = await client.responses.create(model="gpt-5.6-luna", input=QUESTION, stream=True)
    async for event in stream:
        events.append(event)
    return [event.type for event in events]


def words(events: list[ResponseStreamEvent]) -> int:
    return sum(event.type == "response.output_text.delta" for event in events)


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_a_denied_request_has_openais_body_and_the_next_is_sound(status: int) -> None:
    server = RealtimeServer(SLOW)
    server.text_faults.append(Deny(status, retry_after="1"))

    async def story(client: AsyncOpenAI) -> list[str]:
        with pytest.raises(APIStatusError) as denied:
            await read(client)
        assert denied.value.status_code == status
        assert denied.value.response.headers["retry-after"] == "1"
        return await read(client)

    assert with_client(server, story)[-1] == "response.completed"


def test_a_broken_connection_leaves_the_words_that_came_before() -> None:
    server = RealtimeServer(SLOW)
    server.text_faults.append(BreakOff(after_tokens=3))
    seen: list[ResponseStreamEvent] = []

    async def story(client: AsyncOpenAI) -> None:
        with pytest.raises(APIConnectionError):
            await read(client, seen)

    with_client(server, story)
    assert words(seen) == 3
    assert server.texts[0].status == "broken"


def test_a_stream_may_end_without_its_last_event() -> None:
    server = RealtimeServer(SLOW)
    server.text_faults.append(EndEarly(after_tokens=2))

    async def story(client: AsyncOpenAI) -> list[str]:
        return await read(client)

    assert with_client(server, story)[-1] == "response.output_text.delta"


def test_an_error_within_a_stream_is_its_last_event() -> None:
    server = RealtimeServer(SLOW)
    server.text_faults.append(ErrorEvent(after_tokens=2))

    async def story(client: AsyncOpenAI) -> list[str]:
        return await read(client)

    types = with_client(server, story)
    assert (types[-1], types.count("response.output_text.delta")) == ("error", 2)


def test_half_an_event_is_no_event() -> None:
    server = RealtimeServer(SLOW)
    server.text_faults.append(Garble(after_tokens=2))
    seen: list[ResponseStreamEvent] = []

    async def story(client: AsyncOpenAI) -> None:
        with pytest.raises(json.JSONDecodeError):
            await read(client, seen)

    with_client(server, story)
    assert words(seen) == 2


def test_a_client_that_leaves_a_stalled_stream_is_noticed() -> None:
    server = RealtimeServer(SLOW)
    server.text_faults.append(Stall(after_tokens=1))

    async def story(client: AsyncOpenAI) -> None:
        stream = await client.responses.create(model="gpt-5.6-luna", input=QUESTION, stream=True)
        async for event in stream:
            if event.type == "response.output_text.delta":
                break
        await stream.close()
        await server.texts[0].ended.wait()

    with_client(server, story)
    assert server.texts[0].status == "cancelled"
    assert server.texts[0].tokens == 1


@pytest.mark.parametrize("fault", [BreakOff(), ErrorEvent(), Garble()])
def test_an_answer_that_is_not_streamed_fails_as_well(fault: TextFault) -> None:
    server = RealtimeServer(SLOW)
    server.text_faults.append(fault)

    async def story(client: AsyncOpenAI) -> None:
        with pytest.raises((APIError, json.JSONDecodeError)):
            await client.responses.create(model="gpt-5.6-luna", input=QUESTION)

    with_client(server, story)


def test_a_stranger_is_refused() -> None:
    async def story(client: AsyncOpenAI) -> None:
        with pytest.raises(APIStatusError, match="401"):
            await client.chat.completions.create(model="any", messages=QUESTION)

    with_client(RealtimeServer(key="another"), story)
