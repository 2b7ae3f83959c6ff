"""A reply as a text model makes it: token by token, within its limit, with what that costs. No I/O."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sandbox.model.script import Call, Fail, Reply, Say

CHARACTERS_PER_TOKEN = 4
# What is thought before the first word is billed and counts against the limit.
REASONING_TOKENS = {"minimal": 0, "none": 0, "low": 16, "medium": 64, "high": 256, "xhigh": 512}

# Pieces of words with the space before them: a client must not take a delta for a word.
_TOKEN = re.compile(r"\s*\w{1,6}|\s*[^\w\s]|\s+")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request allows. `max_tokens` counts the reasoning; `parallel` is for several calls at once."""

    max_tokens: int | None = None
    may_call: bool = True
    parallel: bool = True
    effort: str = "none"


@dataclass(frozen=True, slots=True)
class Text:
    """Words, token by token."""

    tokens: tuple[str, ...]
    whole: bool = True

    @property
    def text(self) -> str:
        """All the words."""
        return "".join(self.tokens)


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of a function; the tokens are those of its arguments, which are JSON."""

    call_id: str
    name: str
    tokens: tuple[str, ...]
    whole: bool = True

    @property
    def arguments(self) -> str:
        """The arguments, which are no JSON when the call is not whole."""
        return "".join(self.tokens)


@dataclass(frozen=True, slots=True)
class Composition:
    """A whole answer: its parts in order, how it ends, and the tokens that were thought before it."""

    parts: tuple[Text | Invocation, ...]
    ending: Literal["completed", "incomplete", "failed"] = "completed"
    failure: Fail | None = None
    reasoning_tokens: int = 0

    @property
    def output_tokens(self) -> int:
        """All the tokens that were made."""
        return self.reasoning_tokens + sum(len(part.tokens) for part in self.parts)

    @property
    def text(self) -> str:
        """All the words."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def compose(reply: Reply, limits: Limits, new_id: Callable[[str], str]) -> Composition:
    """Return the answer that a reply of the script becomes."""
    thought = REASONING_TOKENS.get(limits.effort, 0)
    left = math.inf if limits.max_tokens is None else limits.max_tokens - thought
    parts: list[Text | Invocation] = []
    for output in reply:
        match output:
            case Fail():
                return Composition(tuple(parts), "failed", output, thought)
            case Say():
                part: Text | Invocation = _spoken(output)
            case Call(name, arguments):
                called = any(isinstance(one, Invocation) for one in parts)
                if not limits.may_call or (called and not limits.parallel):
                    continue
                part = Invocation(new_id("call"), name, tokens_of(json.dumps(dict(arguments))))
        part, left = _within(part, left)
        if part.tokens:
            parts.append(part)
        if not part.whole:
            return Composition(tuple(parts), "incomplete", None, thought)
    return Composition(tuple(parts), "completed", None, thought)


def tokens_of(text: str) -> tuple[str, ...]:
    """Cut a text into tokens; joined they are the text again."""
    return tuple(_TOKEN.findall(text))


def estimated_tokens(characters: int) -> int:
    """Return about how many tokens so many characters are."""
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def _spoken(said: Say) -> Text:
    return Text(tokens_of(said.up_to_limit().text), whole=said.stops_after_ms is None)


def _within(part: Text | Invocation, left: float) -> tuple[Text | Invocation, float]:
    """Return as much of a part as the limit allows, and what is left of the limit."""
    if len(part.tokens) <= left:
        return part, left - len(part.tokens)
    tokens = part.tokens[: max(0, int(left))]
    if isinstance(part, Text):
        return Text(tokens, whole=False), 0
    return Invocation(part.call_id, part.name, tokens, whole=False), 0
