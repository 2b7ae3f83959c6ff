"""Sentences put together into as few `<Say>` as the carrier's limits allow, cut at the ends of sentences.

Twilio, error 13521: a `<Say>` by an Amazon Polly voice has at most 3,000 bytes of UTF-8, tags not counted,
and the text of any is at most 4,500 characters when URL-encoded. An element of SSML
that goes over a cut is closed before and opened again after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote

from runtime.ssml import DIVISIBLE, is_ssml, pieces, without_tags

MOST_BYTES: Final = 3_000
MOST_ENCODED: Final = 4_500


def say_chunks(sentences: Iterable[str], *, ssml: bool = False) -> list[str]:
    """Return the texts to be spoken one after another; a sentence beyond the limits is cut at a space.

    `ssml`: they may have elements; where these do not nest, the words are spoken without them.
    """
    parts = _ssml_parts if ssml else _parts
    chunks: list[str] = []
    for sentence in (part for each in sentences for part in parts(each)):
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


def _ssml_parts(sentence: str) -> Iterator[str]:
    """Yield a sentence, or pieces of one that is too long by itself, each with its elements closed."""
    if _fits(sentence) and is_ssml(sentence):
        yield sentence
        return
    cut = list(_cut_between_words(sentence)) if is_ssml(sentence) else []
    yield from cut if cut and all(map(_fits, cut)) else _parts(without_tags(sentence))


def _cut_between_words(sentence: str) -> Iterator[str]:
    """Yield pieces that fit, unless one element or word does not."""
    opened: list[re.Match[str]] = []
    part, has_words = "", False
    for piece in _units(sentence):
        text = piece if isinstance(piece, str) else piece.group()
        if has_words and not _fits(f"{part}{text.rstrip()}{_closing(opened)}"):
            yield f"{part.rstrip()}{_closing(opened)}"
            part, has_words = "".join(tag.group() for tag in opened), False
        part += text
        if isinstance(piece, str):
            has_words = True
        elif piece["close"]:
            opened.pop()
        elif not piece["empty"]:
            opened.append(piece)
    yield part.strip()


def _units(sentence: str) -> Iterator[str | re.Match[str]]:
    """Yield tags and words; an element whose words must not be parted counts as one word."""
    whole, depth = "", 0
    for piece in pieces(sentence):
        text = piece if isinstance(piece, str) else piece.group()
        if not isinstance(piece, str) and not piece["empty"] and (depth or piece["name"] not in DIVISIBLE):
            depth += -1 if piece["close"] else 1
            if not depth:
                yield f"{whole}{text}"
                whole = ""
                continue
        if depth:
            whole += text
        else:
            yield piece


def _closing(opened: Sequence[re.Match[str]]) -> str:
    return "".join(f"</{tag['name']}>" for tag in reversed(opened))


def _longest_start(text: str) -> int:
    """Return how many characters of the text fit."""
    fits, too_many = 1, len(text)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if _fits(text[:middle]) else (fits, middle)
    return fits


def _fits(text: str) -> bool:
    return len(text.encode()) <= MOST_BYTES and len(quote(text, safe="")) <= MOST_ENCODED
