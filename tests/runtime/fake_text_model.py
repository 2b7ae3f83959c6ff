"""A text model in memory: answers each ask with the next of its replies, after some time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from runtime.call.events import ToolReported, ToolRequested
from runtime.call.text.text_events import AskFailed, AskModel, TextDelta, TextEnded, TextModelEvent
from runtime.call.usage import Usage
from runtime.engines.text import TextEngine

TOOL = "tool:"
FAIL = "fail"
USAGE = Usage(text_in=10, text_out=5)


@dataclass
class FakeTextModel:
    """`replies` are texts, `tool:NAME ARGUMENTS` or `fail`; the last one is given again and again.

    `seconds` pass before each answer. `asks` is what was asked, `instructions` what the model was told.
    """

    replies: list[str] = field(default_factory=lambda: ["Very well."])
    seconds: float = 0.5
    asks: list[AskModel] = field(default_factory=list)
    instructions: str = ""
    cancelled: int = 0

    async def __call__(
        self, engine: TextEngine, ask: AskModel
    ) -> AsyncGenerator[TextModelEvent | ToolRequested | ToolReported, None]:
        self.asks.append(ask)
        self.instructions = engine.instructions
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if reply == FAIL:
            yield AskFailed(ask.ask_id, "broken off")
            return
        if reply.startswith(TOOL):
            name, _, arguments = reply.removeprefix(TOOL).partition(" ")
            yield ToolRequested(ask.ask_id, f"call_{len(self.asks)}", name, arguments or "{}")
        else:
            yield TextDelta(ask.ask_id, reply)
        yield TextEnded(ask.ask_id, usage=USAGE)
