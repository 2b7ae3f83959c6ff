"""One ask for the agent's words, and what has come of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from runtime.call.text.text_events import AskFailed, TextDelta, TextEnded, TextModelEvent

if TYPE_CHECKING:
    from runtime.call.actions import Respond
    from runtime.call.events import ToolRequested
    from runtime.call.text.sentences import Sentences, Tokens
    from runtime.call.usage import Usage

STALL_SECONDS: Final = 8.0  # s without anything from the model, after which it is not waited for
MOST_REQUESTS: Final = 16  # of tools in one answer


class Answer:
    """What an ask brings: sentences, requests for tools, an end. `again`: it was asked before, in vain."""

    __slots__ = (
        "_requests",
        "_sentences",
        "_splitter",
        "again",
        "ask_id",
        "began",
        "ended",
        "failed",
        "has_acted",
        "respond",
        "stalls_at",
        "usage",
        "was_heard",
    )

    def __init__(
        self, ask_id: str, respond: Respond, splitter: Sentences | Tokens, now: float, *, again: bool = False
    ) -> None:
        self.ask_id = ask_id
        self.respond = respond
        self.again = again
        self.stalls_at = now + STALL_SECONDS
        """When (s) the model has been silent for too long."""
        self.began = False
        """Whether the model has written anything, or asked for a tool."""
        self.has_acted = False
        """Whether it has asked for a tool: the ask must not be repeated then."""
        self.ended = False
        self.failed: AskFailed | None = None
        self.usage: Usage | None = None
        self.was_heard = False
        """Whether some of its words were spoken."""
        self._splitter = splitter
        self._sentences: list[str] = []
        self._requests: list[ToolRequested] = []

    def take(self, event: TextModelEvent | ToolRequested, now: float) -> None:
        """Take an event of this ask."""
        if self.ended or self.failed is not None:
            return
        self.stalls_at = now + STALL_SECONDS
        if isinstance(event, TextDelta):
            self.began = self.began or bool(event.delta.strip())
            self._sentences += self._splitter.add(event.delta)
        elif isinstance(event, TextEnded):
            self._sentences += self._splitter.flush()
            self.usage = event.usage
            if event.complete or self.began:
                self._end()
            else:  # it has thought for so long that there was no room for words
                self.failed = AskFailed(self.ask_id, "the model wrote nothing within its limit")
        elif isinstance(event, AskFailed):
            self.failed = event
            if self.has_acted:  # what it asked for is being done, and is gone on from
                self._sentences += self._splitter.flush()
                self._end()
        elif len(self._requests) < MOST_REQUESTS:
            self.began = self.has_acted = True
            self._requests.append(event)

    def take_sentences(self) -> list[str]:
        """Return the sentences that have come since."""
        sentences, self._sentences = self._sentences, []
        return sentences

    def take_requests(self) -> list[ToolRequested]:
        """Return the requests that have come since."""
        requests, self._requests = self._requests, []
        return requests

    def _end(self) -> None:
        self.ended = True
        self.stalls_at = math.inf
