"""Asking a text model over HTTP, and what becomes of it when that goes wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from runtime.call.text.text_events import AskFailed, AskModel, TextDelta, TextEnded, Told
from runtime.engines.text import TextEngine, TextSettings
from runtime.model.text_line import TextLine
from runtime.settings import Settings
from sandbox import Sandbox
from sandbox.model import Script, say
from sandbox.model.text.faults import BreakOff, Deny, EndEarly, ErrorEvent, Garble, TextFault
from sandbox.speech import clip

ASK = AskModel("ask-1", (Told("caller", "When are you open?"),))
HOURS = clip("agent-hours").text


def answer(api: Any, fault: TextFault | None = None, key: str | None = None) -> list[Any]:
    """Ask the sandbox's model once, and return what comes of it."""

    async def story() -> list[Any]:
        async with Sandbox.start() as box:
            box.model.script = Script((), otherwise=(say("agent-hours"),))
            box.model.text_faults.append(fault)
            line = TextLine(
                Settings(
                    openai_api_key=key or box.openai_key, database_url="", openai_base_url=box.openai_url
                )
            )
            engine = TextEngine(TextSettings("Be kind.", "gpt-5.6-luna", api))
            events = [event async for event in line(engine, ASK)]
            await line.close()
            return events

    return asyncio.run(story())


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_an_answer_comes_in_pieces_with_what_it_took(api: Any) -> None:
    *words, end = answer(api)
    assert "".join(event.delta for event in words if isinstance(event, TextDelta)) == HOURS
    assert len(words) > 1
    assert isinstance(end, TextEnded)
    assert end.usage is not None
    assert end.usage.text_out > 0


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize(
    "fault", [BreakOff(2), Garble(2), EndEarly(2), ErrorEvent(2), Deny(500), Deny(429)], ids=repr
)
def test_what_may_pass_is_told_to_be_so(api: Any, fault: TextFault) -> None:
    failed = answer(api, fault)[-1]
    assert isinstance(failed, AskFailed)
    assert failed.may_pass


def test_a_refused_key_does_not_pass_and_is_not_repeated() -> None:
    (failed,) = answer("responses", key="sk-wrong")
    assert failed == AskFailed("ask-1", "the model's server answered 401", may_pass=False)
