"""What the app's voice says on a line, as text with its place in time: what of it was heard. No I/O.

Words are spoken at an even rate, so how far a voice has come is read from the clock. Times are
milliseconds since the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Words:
    """Some words and when they are spoken."""

    text: str
    from_ms: float
    to_ms: float

    def heard(self, now_ms: float) -> str:
        """Return the words that have been spoken by now; a word that is being spoken has not."""
        if now_ms >= self.to_ms:
            return self.text
        if now_ms <= self.from_ms:
            return ""
        reached = int(len(self.text) * (now_ms - self.from_ms) / (self.to_ms - self.from_ms))
        return self.text[: max(self.text.rfind(" ", 0, reached + 1), 0)]


@dataclass(slots=True)
class Utterance:
    """Words that belong together: a Say, or all the tokens of one answer."""

    words: list[Words] = field(default_factory=list)
    _cut_ms: float | None = None

    @property
    def began_ms(self) -> float:
        """When the first word was spoken."""
        return self.words[0].from_ms

    @property
    def ends_ms(self) -> float:
        """When the last word has been spoken, or the voice was cut off."""
        return self.words[-1].to_ms if self._cut_ms is None else self._cut_ms

    def say(self, text: str, from_ms: float, to_ms: float) -> None:
        """Add words that are spoken after all others."""
        self.words.append(Words(text, from_ms, to_ms))

    def cut(self, now_ms: float) -> None:
        """Silence the voice: what has not been spoken by now never will be."""
        if self.words and self._cut_ms is None and now_ms < self.words[-1].to_ms:
            self._cut_ms = now_ms

    def heard(self, now_ms: float) -> str:
        """Return what has been heard by now."""
        until = now_ms if self._cut_ms is None else min(now_ms, self._cut_ms)
        return "".join(words.heard(until) for words in self.words if words.from_ms < until)
