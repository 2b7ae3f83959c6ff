"""What a model writes, as messages: nothing is lost, nothing too long, in marks that people see."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.messages.wording import ELLIPSIS, LONGEST_PART, MOST_PARTS, for_sms, for_whatsapp, parts_of

WORDS = st.text(alphabet=st.sampled_from("ab .!?\n*_äß😀"), max_size=400)


def without_spaces(text: str) -> str:
    return "".join(text.split())


@given(WORDS, st.integers(5, 50))
def test_no_part_is_too_long_or_blank_and_no_word_is_lost(text: str, longest: int) -> None:
    parts = parts_of(text, longest)
    assert all(part.strip() and len(part) <= longest for part in parts)
    if len(parts) < MOST_PARTS:
        assert without_spaces("".join(parts)) == without_spaces(text)


def test_a_long_answer_is_cut_where_a_paragraph_ends_and_else_where_a_sentence_does() -> None:
    paragraph = "One sentence of some length. " * 30
    parts = parts_of(f"{paragraph}\n\n{paragraph}\n\n{paragraph}")
    assert [part.count("One") for part in parts] == [30, 30, 30]
    (first, *_) = parts_of("A sentence. " * 200)
    assert first.endswith("sentence.")
    assert len(first) <= LONGEST_PART


def test_an_answer_without_end_says_that_there_was_more() -> None:
    parts = parts_of("word " * 5_000)
    assert len(parts) == MOST_PARTS
    assert parts[-1].endswith(ELLIPSIS)


@pytest.mark.parametrize(
    ("markdown", "whatsapp", "sms"),
    [
        ("**Open** until *ten*", "*Open* until _ten_", "Open until ten"),
        ("__Open__ ~~late~~", "*Open* ~late~", "Open late"),
        ("## Menu\nSoup", "*Menu*\nSoup", "Menu\nSoup"),
        ("# Menu ##  \nSoup #1", "*Menu*\nSoup #1", "Menu\nSoup #1"),
        ("* soup\n+ fish", "- soup\n- fish", "- soup\n- fish"),
        ("[the menu](https://b.example/m)", "the menu: https://b.example/m", "the menu: https://b.example/m"),
        ("[https://b.example](https://b.example)", "https://b.example", "https://b.example"),
        ("2 * 3 * 4 = 24", "2 * 3 * 4 = 24", "2 * 3 * 4 = 24"),
        ("`a ** b ** c`", "`a ** b ** c`", "a ** b ** c"),
        ("```python\nx**2**3\n```", "```\nx**2**3\n```", "x**2**3\n"),
    ],
)
def test_markdown_becomes_what_the_other_side_shows(markdown: str, whatsapp: str, sms: str) -> None:
    assert for_whatsapp(markdown) == whatsapp
    assert for_sms(markdown) == sms


@pytest.mark.parametrize(
    "piece",
    ["[", "[a](", "**a ", "__", "~~b ", "*c ", "`", "```\n", "# a" + " " * 9_000 + "b", ".", ".)", "\n "],
)
def test_no_text_keeps_a_node_from_its_calls(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    parts_of(for_whatsapp(text))
    parts_of(for_sms(text))
    assert time.process_time() - began < 1.5
