"""Sentences put together into as few `<Say>` as the carrier's limits allow, cut at the ends of sentences.

Twilio, error 13521: a `<Say>` by an Amazon Polly voice has at most 3,000 bytes of UTF-8, tags not counted,
and the text of any is at most 4,500 characters when URL-encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

MOST_BYTES: Final = 3_000
MOST_ENCODED: Final = 4_500


def say_chunks(sentences: Iterable[str]) -> list[str]:
    """Return the texts to be spoken one after another; a sentence beyond the limits is cut at a space."""
    chunks: list[str] = []
    for sentence in (part for each in sentences for part in _parts(each)):
        if chunks and _fits(f"{chunks[-1]} {sentence}"):
            chunks[-1] = f"{chunks[-1]} {sentence}"
        else:
            chunks.append(sentence)
    return chunks


def _parts(sentence: str) -> Iterator[str]:
    """Yield a sentence, or pieces of one that is too long by itself."""
    while not _fits(sentence):
        end = _longest_start(sentence)
        space = sentence.rfind(" ", 1, end + 1)
        end = space if space > 0 else end
        yield sentence[:end].strip()
        sentence = sentence[end:].strip()
    if sentence:
        yield sentence


def _longest_start(text: str) -> int:
    """Return how many characters of the text fit."""
    fits, too_many = 1, len(text)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if _fits(text[:middle]) else (fits, middle)
    return fits


def _fits(text: str) -> bool:
    return len(text.encode()) <= MOST_BYTES and len(quote(text, safe="")) <= MOST_ENCODED
