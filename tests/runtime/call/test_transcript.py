"""What the transcript shows of speech that comes late, in pieces, or is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.call.playback.ledger import Cut
from runtime.call.transcript import Transcript, heard_text


@pytest.mark.parametrize(
    ("heard_ms", "text"),
    [(0, ""), (100, ""), (500, "Good"), (600, "Good"), (1600, "Good evening,"), (2100, "Good evening, how")],
)
def test_only_whole_words_were_heard(heard_ms: int, text: str) -> None:
    assert heard_text("Good evening, how are", heard_ms, 2500) == text


def test_all_was_heard_when_all_was_played() -> None:
    assert heard_text(" Good evening. ", 900, 900) == "Good evening."


@given(text=st.text(alphabet="ab \n,", max_size=60), heard=st.integers(0, 5000), whole=st.integers(1, 5000))
def test_heard_words_are_the_first_of_those_said(text: str, heard: int, whole: int) -> None:
    words = heard_text(text, heard, whole).split()
    assert words == text.split()[: len(words)]


def test_an_utterance_is_the_more_heard_the_longer_it_was_played() -> None:
    text = "one two three four five six"
    lengths = [len(heard_text(text, heard, 1000)) for heard in range(0, 1001, 10)]
    assert lengths == sorted(lengths)


def test_text_that_runs_ahead_of_its_audio_is_not_taken_for_heard() -> None:
    transcript = Transcript()
    text = "word " * 40  # some 12 s of speech, of which the model has given 2 s of audio
    transcript.agent_says("a", text)
    transcript.agent_audio("a", 2000)
    transcript.agent_begins("a", 0)
    transcript.cut(Cut("a", heard_ms=1500, received_ms=2000, complete=False))
    (entry,) = transcript.view()
    assert len(entry.text.split()) == 5


def test_the_order_is_that_in_which_people_began_to_speak() -> None:
    transcript = Transcript()
    transcript.agent_says("a", "Good evening.")
    transcript.agent_begins("a", 100)
    transcript.agent_says("b", "Certainly.")
    transcript.agent_begins("b", 5000)
    transcript.caller_begins("c", 2000)
    transcript.caller_says("c", "A table, please.", 9000)
    assert [entry.item_id for entry in transcript.view()] == ["a", "c", "b"]


def test_the_whole_text_replaces_its_pieces() -> None:
    transcript = Transcript()
    transcript.agent_adds("a", "Good ")
    transcript.agent_adds("a", "evning")
    transcript.agent_begins("a", 0)
    assert transcript.view()[0].text == "Good evning"
    transcript.agent_says("a", "Good evening.")
    assert transcript.view()[0].text == "Good evening."


def test_words_that_come_after_the_cut_were_not_heard() -> None:
    transcript = Transcript()
    transcript.agent_says("a", "one two three four")
    transcript.agent_begins("a", 0)
    transcript.cut(Cut("a", heard_ms=500, received_ms=1000, complete=True))
    transcript.agent_adds("a", " five six")
    transcript.agent_says("a", "one two three four five six seven eight")
    assert transcript.view()[0].text == "one two"


def test_speech_that_was_not_understood_has_no_entry() -> None:
    transcript = Transcript()
    transcript.caller_begins("c", 100)
    transcript.caller_says("c", "  ", 900)
    assert transcript.view() == ()
