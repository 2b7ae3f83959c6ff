"""Sentences within the limits of `<Say>`."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from runtime.gather.say_chunks import MOST_BYTES, MOST_ENCODED, say_chunks


def test_short_sentences_are_one_say() -> None:
    assert say_chunks(["Hello.", "How are you?"]) == ["Hello. How are you?"]


def test_a_long_answer_is_cut_between_sentences() -> None:
    sentence = "This is one of many sentences."
    chunks = say_chunks([sentence] * 200)
    assert len(chunks) > 1
    assert all(chunk.endswith(".") and chunk.startswith("This") for chunk in chunks)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=2000), max_size=8))
def test_nothing_is_too_long_and_nothing_is_lost(sentences: list[str]) -> None:
    chunks = say_chunks(sentences)
    assert "".join("".join(chunks).split()) == "".join("".join(sentences).split())
    for chunk in chunks:
        assert len(chunk.encode()) <= MOST_BYTES
        assert len(quote(chunk, safe="")) <= MOST_ENCODED
