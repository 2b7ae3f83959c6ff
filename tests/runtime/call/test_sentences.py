"""Where a text that comes in pieces is cut, so that it can be spoken before its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.call.text.sentences import LONGEST, Sentences
from runtime.ssml import is_open


def cut(text: str) -> list[str]:
    """Cut a text that comes at once."""
    sentences = Sentences()
    return [*sentences.add(text), *sentences.flush()]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Hello.", "How are you?", "Fine!"],
        ["We open at 5.30 p.m. and close late."],
        ["Dr. Smith will see you.", "Mrs. Jones, too."],
        ["That is 3.5 euros.", "Anything else?"],
        ["J. R. Miller called.", "He will call again."],
        ["Am 3. Mai ist frei.", "Passt das?"],
        ["Wir haben z.B. Suppe.", "Oder Fisch."],
        ["That was in 2024.", "It is over."],
        ["Well…", "I see."],
        ['He said "Stop!"', "Then he left."],
        ["Really?!", "Yes."],
        ["こんにちは。", "元気ですか？"],
        ["One", "Two"],
    ],
    ids=lambda sentences: sentences[0],
)
def test_a_text_is_cut_where_people_pause(sentences: list[str]) -> None:
    joint = "\n" if sentences == ["One", "Two"] else " "
    assert cut(joint.join(sentences)) == sentences


def test_a_sentence_leaves_as_soon_as_the_next_one_begins() -> None:
    sentences = Sentences()
    assert sentences.add("With pleasure.") == []
    assert sentences.add(" ") == []
    assert sentences.add("F") == ["With pleasure."]
    assert sentences.flush() == ["F"]


def test_a_sentence_without_an_end_is_cut_at_a_comma() -> None:
    endless = "one two three, " * 40
    first, *others = cut(endless)
    assert first.endswith(",")
    assert max(map(len, [first, *others])) <= LONGEST


def test_an_element_of_ssml_is_not_torn_apart() -> None:
    sentences = Sentences(lambda text: not is_open(text))
    text = '<prosody rate="slow">One. Two.</prosody> Three. Four'
    assert [*sentences.add(text), *sentences.flush()] == [
        '<prosody rate="slow">One. Two.</prosody> Three.',
        "Four",
    ]


def test_a_sign_for_less_than_holds_no_sentence_back() -> None:
    sentences = Sentences(lambda text: not is_open(text))
    assert sentences.add("If it is < 5, or a<b, call us. Other") == ["If it is < 5, or a<b, call us."]


@pytest.mark.parametrize("end", ["<", "</", "<bre", "<break ", '<break time="1', '<break time="1s"', "<s>So"])
def test_a_text_that_ends_within_a_tag_is_not_spoken_alone(end: str) -> None:
    assert is_open(f"It is. {end}")


WORDS = st.text(st.sampled_from("ab .!?,\n1é。\"'<>/"), max_size=700)


@given(st.lists(WORDS, max_size=8))
def test_no_word_is_lost_doubled_or_moved_however_the_pieces_come(pieces: list[str]) -> None:
    sentences = Sentences()
    out = [sentence for piece in pieces for sentence in sentences.add(piece)] + sentences.flush()
    assert "".join("".join(out).split()) == "".join("".join(pieces).split())
    assert all(sentence.strip() == sentence and sentence for sentence in out)
    assert max(map(len, out), default=0) <= LONGEST + 2
