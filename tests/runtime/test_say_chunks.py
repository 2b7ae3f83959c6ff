"""Sentences within the limits of `<Say>`."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from runtime.gather.say_chunks import MOST_BYTES, MOST_ENCODED, say_chunks
from runtime.ssml import is_ssml, without_tags


def test_short_sentences_are_one_say() -> None:
    assert say_chunks(["Hello.", "How are you?"]) == ["Hello. How are you?"]


def test_a_long_answer_is_cut_between_sentences() -> None:
    sentence = "This is one of many sentences."
    chunks = say_chunks([sentence] * 200)
    assert len(chunks) > 1
    assert all(chunk.endswith(".") and chunk.startswith("This") for chunk in chunks)


def test_an_element_over_a_cut_is_closed_and_opened_again() -> None:
    chunks = say_chunks([f'<prosody rate="slow"><s>{"Привет " * 300}</s></prosody>'], ssml=True)
    assert len(chunks) > 1
    for chunk in chunks:
        assert chunk.startswith('<prosody rate="slow"><s>Привет Привет')
        assert chunk.endswith(("Привет</s></prosody>", "Привет </s></prosody>"))


def test_what_an_element_says_in_place_of_its_words_is_said_once() -> None:
    name = f'<sub alias="the long one">{"long " * 40}</sub>'
    chunks = say_chunks([f"<p>{name * 30}</p>"], ssml=True)
    assert len(chunks) > 1
    assert sum(chunk.count("<sub ") for chunk in chunks) == 30


def test_elements_that_do_not_nest_are_not_read_aloud_and_spoil_no_others() -> None:
    sentences = ["<emphasis>Now.</emphasis>", "<s>Not closed.", "<speak>Fish <at> Joe's.</speak>"]
    assert say_chunks(sentences, ssml=True) == ["<emphasis>Now.</emphasis> Not closed. Fish <at> Joe's."]


TAGS = st.sampled_from(
    ["<s>", "</s>", '<sub alias="x">', "</sub>", "<break/>", "<p>", "</p>", "&amp;", "字" * 300]
)


@given(st.lists(TAGS | st.text(st.characters(codec="utf-8")), max_size=60).map("".join))
def test_every_piece_of_ssml_fits_and_is_whole(sentence: str) -> None:
    chunks = say_chunks([sentence], ssml=True)
    assert "".join(map(spoken, chunks)) == spoken(sentence)
    for chunk in chunks:
        assert len(quote(chunk, safe="")) <= MOST_ENCODED
        assert is_ssml(chunk) or without_tags(chunk) == chunk


def spoken(text: str) -> str:
    return "".join(without_tags(text).split())


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=2000), max_size=8))
def test_nothing_is_too_long_and_nothing_is_lost(sentences: list[str]) -> None:
    chunks = say_chunks(sentences)
    assert "".join("".join(chunks).split()) == "".join("".join(sentences).split())
    for chunk in chunks:
        assert len(chunk.encode()) <= MOST_BYTES
        assert len(quote(chunk, safe="")) <= MOST_ENCODED
