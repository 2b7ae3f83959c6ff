"""One ask for the agent's words, and what has come of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runtime.call.text.text_events import AskFailed, TextDelta, TextEnded, TextModelEvent
from runtime.call.thinking.recall import BROKEN_OFF

if TYPE_CHECKING:
    from runtime.call.actions import Respond
    from runtime.call.events import ToolRequested
    from runtime.call.text.sentences import Sentences, Tokens
    from runtime.call.usage import Usage

STALL_SECONDS: Final = 8.0  # s without anything from the model, after which it is not waited for
MOST_REQUESTS: Final = 16  # of tools in one answer
MOST_CHARACTERS: Final = 32_000  # of one answer, which is more than the tokens that it may have
NO_WORDS: Final = "Your last answer was empty. Somebody waits for it: say in words what there is to say."


class Answer:
    """What an ask brings: sentences, requests for tools, an end. `again`: it was asked before, in vain."""

    __slots__ = (
        "_characters",
        "_requests",
        "_sentences",
        "_splitter",
        "again",
        "ask_id",
        "began",
        "ended",
        "failed",
        "has_acted",
        "is_endless",
        "needs_words",
        "respond",
        "stalls_at",
        "usage",
        "was_empty",
        "was_heard",
    )

    def __init__(
        self, ask_id: str, respond: Respond, splitter: Sentences | Tokens, now: float, *, again: bool = False
    ) -> None:
        self.ask_id = ask_id
        self.respond = respond
        self.again = again
        self.needs_words = True
        """Whether somebody waits for an answer, so that one of nothing is none."""
        self.stalls_at = now + STALL_SECONDS
        """When (s) the model has been silent for too long."""
        self.began = False
        """Whether the model has written anything, or asked for a tool."""
        self.has_acted = False
        """Whether it has asked for a tool: the ask must not be repeated then."""
        self.ended = False
        self.failed: AskFailed | None = None
        self.is_endless = False
        """Whether the model was stopped: it wrote more than an answer can be."""
        self.was_empty = False
        """Whether the model was done without a word."""
        self.usage: Usage | None = None
        self.was_heard = False
        """Whether some of its words were spoken."""
        self._splitter = splitter
        self._characters = 0
        self._sentences: list[str] = []
        self._requests: list[ToolRequested] = []

    def take(self, event: TextModelEvent | ToolRequested, now: float) -> None:
        """Take an event of this ask."""
        if self.ended or self.failed is not None:
            return
        self.stalls_at = now + STALL_SECONDS
        if isinstance(event, TextDelta):
            self.began = self.began or bool(event.delta.strip())
            self._characters += len(event.delta)
            self._sentences += self._splitter.add(event.delta[:MOST_CHARACTERS])
            if self._characters > MOST_CHARACTERS:
                self._sentences += self._splitter.flush()
                self.is_endless = True
                self._end()
        elif isinstance(event, TextEnded):
            self._sentences += self._splitter.flush()
            self.usage = event.usage
            if self.began or not self.needs_words:
                self._end()
            else:  # the model may have thought for so long that there was no room for words
                self.was_empty = True
                limit = "" if event.complete else " within its limit"
                self.failed = AskFailed(self.ask_id, f"the model wrote nothing{limit}")
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

    @property
    def is_under_way(self) -> bool:
        """Whether the model is still at it."""
        return self.is_endless or not (self.ended or self.failed is not None)

    @property
    def retrial(self) -> Respond:
        """What to ask for when this has failed: what was said of it stays said, and is gone on from."""
        if self.was_heard:
            return replace(self.respond, guidance=BROKEN_OFF)
        if self.was_empty and self.respond.guidance is None:
            return replace(self.respond, guidance=NO_WORDS)
        return self.respond

    def _end(self) -> None:
        self.ended = True
        self.stalls_at = math.inf
