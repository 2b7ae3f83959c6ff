"""The agent's words that wait to be spoken, cut as the leg wants them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from runtime.call.text.sentences import Sentences, Tokens
from runtime.ssml import is_open


class WaitingSpeech:
    """The words of one call. `ssml`: no sentence ends within an element.

    `streams`: what the model writes is not cut into sentences, for a leg that does so itself.
    """

    __slots__ = ("_ssml", "_streams", "_words", "since")

    def __init__(self, *, ssml: bool, streams: bool) -> None:
        self._ssml = ssml
        self._streams = streams
        self._words: list[str] = []
        self.since = math.inf
        """When (s) the first of the words came, infinity when none wait."""

    def __bool__(self) -> bool:
        """Tell whether words wait."""
        return bool(self._words)

    def splitter(self) -> Sentences | Tokens:
        """Return what cuts the next answer."""
        if self._streams:
            return Tokens()
        return Sentences(lambda text: not is_open(text)) if self._ssml else Sentences()

    def add(self, words: Sequence[str], now: float) -> None:
        """Let words wait behind the others."""
        if words and not self._words:
            self.since = now
        self._words += words

    def take(self) -> tuple[str, ...]:
        """Return the words that wait, which do so no longer."""
        words = tuple(self._words)
        self.drop()
        return words

    def drop(self) -> None:
        """Let the words be unsaid."""
        self._words.clear()
        self.since = math.inf

    def joined(self, words: Sequence[str]) -> str:
        """Return words as one text."""
        return ("" if self._streams else " ").join(words)
