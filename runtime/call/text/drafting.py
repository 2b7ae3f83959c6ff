"""When to begin an answer before the caller has finished, and whether it fits what was said in the end.

A recogniser tells what it has understood so far, again and again. Words that have not changed for a moment
are likely to be all: the caller pauses, and the recogniser waits out the pause that ends the turn.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runtime.call.text.text_answer import Answer

SETTLED: Final = 0.45  # s without a change after which words are likely to be all
SETTLED_IN_STREAM: Final = 0.3  # s where words come as they are spoken, and the turn ends sooner
MOST_DRAFTS: Final = 3  # in one turn of the caller: each costs tokens

_NOT_WORDS: Final = re.compile(r"[^\w']+")


class Drafting:
    """The drafts of one call: one at a time, `most` in each turn, for words that are `settled` (s)."""

    __slots__ = ("_begun", "_drafted", "_most", "_settled", "_words", "answer", "due_at")

    def __init__(self, most: int = MOST_DRAFTS, *, settled: float = SETTLED) -> None:
        self._most = most
        self._settled = settled
        self.answer: Answer | None = None
        """The draft that is under way."""
        self.due_at = math.inf
        """When (s) to begin one."""
        self._words = ""
        self._drafted = ""
        self._begun = 0

    def hear(self, words: str, now: float) -> Answer | None:
        """Take the caller's words so far; a draft for other words is to be thrown away."""
        if not words.strip() or same_words(words, self._words):
            return None
        self._words = words
        outdated = self.drop()
        if self._begun < self._most:
            self.due_at = now + self._settled
        return outdated

    def begin(self, answer: Answer) -> str:
        """Begin a draft, and return the words that it answers."""
        self.answer = answer
        self.due_at = math.inf
        self._begun += 1
        self._drafted = self._words
        return self._words

    def end(self, words: str | None) -> tuple[Answer | None, bool]:
        """End the caller's turn with these final words: the draft, and whether it answers them."""
        answer, fits = self.drop(), words is not None and same_words(words, self._drafted)
        self._words = self._drafted = ""
        self._begun = 0
        return answer, fits

    def drop(self) -> Answer | None:
        """Give the draft up."""
        answer, self.answer = self.answer, None
        self.due_at = math.inf
        return answer


def same_words(one: str, other: str) -> bool:
    """Tell whether two texts have the same words, whatever their case and punctuation."""
    return _NOT_WORDS.split(one.casefold().strip(" .,!?")) == _NOT_WORDS.split(
        other.casefold().strip(" .,!?")
    )
