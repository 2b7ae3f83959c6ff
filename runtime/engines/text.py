"""Text models over HTTP, without I/O: a conversation becomes a request, server-sent events become a call's.

Two protocols. OpenAI's Responses API is the usual one; Chat Completions is what most other servers speak. In
both the whole conversation is sent with each request, and nothing is kept on the other side. Unknown events
and fields are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from runtime.call.tools.built_in import HANG_UP_ONLY
from runtime.engines.text_chat import ChatReader, chat_body
from runtime.engines.text_responses import ResponsesReader, responses_body

if TYPE_CHECKING:
    from runtime.call import events as ev
    from runtime.call.text.text_events import AskFailed, AskModel, TextModelEvent
    from runtime.call.tools.toolset import Toolset
    from runtime.call_record import JsonValue
    from schemas.tools import McpServer

Api: TypeAlias = Literal["responses", "chat"]

ON_THE_TELEPHONE: Final = (
    "You are on the telephone. What you write is read out to the caller by a voice, so write as people "
    "speak: short plain sentences, no markup, no lists, no emoji."
)


@dataclass(frozen=True, slots=True)
class TextSettings:
    """What an agent asks of the model; `mcp` servers are called by the Responses API, by Chat not at all.

    `medium` tells the model how its words reach the other side.
    """

    instructions: str
    model: str
    api: Api = "responses"
    tools: Toolset = HANG_UP_ONLY
    mcp: tuple[McpServer, ...] = field(default=(), repr=False)
    medium: str = ON_THE_TELEPHONE


class Reader(Protocol):
    """Reads the events of one answer."""

    ended: bool
    """Whether the model has said that this is all, or that it failed."""
    unreadable: int
    """How many events were nothing that the protocol knows."""

    def read(self, data: str) -> Sequence[TextModelEvent | ev.ToolRequested | ev.ToolReported]:
        """Return what the data of one server-sent event mean. Never raises."""

    def close(self, failure: AskFailed) -> TextModelEvent:
        """Return what it means that nothing more comes: the end, or this failure."""


class TextEngine:
    """The codec of one call."""

    def __init__(self, settings: TextSettings) -> None:
        self._settings = settings

    @property
    def api(self) -> Api:
        """The protocol that is spoken."""
        return self._settings.api

    @property
    def instructions(self) -> str:
        """What the model is told before everything else."""
        return self._settings.instructions

    def instruct(self, instructions: str) -> None:
        """Tell the model something else from the next request on."""
        self._settings = replace(self._settings, instructions=instructions)

    def body(self, ask: AskModel) -> Mapping[str, JsonValue]:
        """Return the JSON of the request."""
        settings = self._settings
        instructions = f"{settings.instructions}\n\n{settings.medium}"
        functions = tuple(settings.tools.functions.values())
        if settings.api == "chat":
            return chat_body(ask, settings.model, instructions, functions)
        return responses_body(ask, settings.model, instructions, functions, settings.mcp)

    def reader(self, ask_id: str) -> Reader:
        """Return what reads the answer to this ask."""
        return ChatReader(ask_id) if self._settings.api == "chat" else ResponsesReader(ask_id)
