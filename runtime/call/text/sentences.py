"""Text that comes in pieces, cut into what can be spoken by itself: sentences, or parts of very long ones.

A sentence is known to have ended when the next one begins, so the last one comes with `flush`. The dots of
abbreviations, initials, ordinals and numbered lists end nothing; decimals and times have no space behind
their dot and end nothing either. A wrong guess costs a pause in the wrong place, or a sentence that leaves a
little later: words are never lost, doubled or moved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

LONGEST: Final = 300
"""Characters after which a sentence is cut, at a comma or a space."""

_END: Final = re.compile(r"""[.!?…]+["'”’»)\]]*(?=\s+\S)|[。！？]+[」』）]*(?=.)|(?=\n)""", re.DOTALL)
_LAST_WORD: Final = re.compile(r"[^\s(\[\"'“„«]*$")
_PAUSES: Final = (", ", "; ", ": ", " ")
# Without their last dot, in lower case: those that are followed by more of the same sentence.
_ENGLISH: Final = "mr mrs ms dr prof rev gen sen capt lt sgt st ave blvd rd apt no vol vs approx ext e.g i.e"
_OTHERS: Final = "hr fr nr str tel z.b d.h u.a bzw ca evtl ggf sr sra ud uds av p.ej mme mlle sig dott ing"
_ABBREVIATIONS: Final = frozenset(f"{_ENGLISH} {_OTHERS}".split())


def _whole(_text: str) -> bool:
    return True


class Sentences:
    """Cuts one text. `whole` tells whether a piece may be spoken alone (SSML: no element is left open)."""

    __slots__ = ("_text", "_whole")

    def __init__(self, whole: Callable[[str], bool] = _whole) -> None:
        self._text = ""
        self._whole = whole

    def add(self, delta: str) -> list[str]:
        """Take the next piece and return the sentences that are complete by it."""
        self._text += delta
        return self._cut()

    def flush(self) -> list[str]:
        """Return all that is left: the text is at its end."""
        sentences = self._cut()
        rest, self._text = self._text.strip(), ""
        return [*sentences, rest] if rest else sentences

    def _cut(self) -> list[str]:
        sentences: list[str] = []
        while (end := self._next_end()) is not None:
            sentence, self._text = self._text[:end].strip(), self._text[end:].lstrip()
            if sentence:
                sentences.append(sentence)
        return sentences

    def _next_end(self) -> int | None:
        """Return where the first sentence ends, None while that is not known."""
        text = self._text
        for match in _END.finditer(text, 0, LONGEST + 2):
            end = match.end()
            goes_on = text[end:].lstrip()[:1].islower()
            if end and _ends(text[: match.start()], match.group(), goes_on) and self._whole(text[:end]):
                return end
        return self._forced_end() if len(text) > LONGEST else None

    def _forced_end(self) -> int | None:
        """Return where to cut a sentence that is too long; a text without any pause is cut in the middle."""
        text = self._text[:LONGEST]
        for pause in _PAUSES:
            at = text.rfind(pause)
            if at > 0 and self._whole(text[: at + len(pause)]):
                return at + len(pause)
        return LONGEST if self._whole(text) else None


class Tokens:
    """Leaves a text in its pieces, for whoever cuts it himself; a space keeps it from the next text."""

    __slots__ = ("_is_open",)

    def __init__(self) -> None:
        self._is_open = False

    def add(self, delta: str) -> list[str]:
        """Return the next piece."""
        if not delta:
            return []
        self._is_open = not delta[-1].isspace()
        return [delta]

    def flush(self) -> list[str]:
        """End the text."""
        was_open, self._is_open = self._is_open, False
        return [" "] if was_open else []


def _ends(before: str, mark: str, goes_on: bool) -> bool:
    """Tell whether a mark ends the sentence before it; what `goes_on` does so in lower case."""
    if not mark or mark[0] != ".":
        return True
    if goes_on:
        return False
    found = _LAST_WORD.search(before)
    word = found[0].casefold() if found else ""
    if word.isdigit():
        return len(word) > 2  # neither "1. Soup" nor "am 3. Mai"
    is_initial = len(word) == 1 and word.isalpha() and word not in {"i", "a"}
    return not is_initial and word not in _ABBREVIATIONS
