"""What it takes to interrupt an agent: always, never, after a time, after words, with a pause to be sure."""

from __future__ import annotations

import pytest

from runtime.call import events as ev
from runtime.call.actions import (
    Action,
    CancelResponse,
    ClearPlayback,
    DeleteItem,
    HearCaller,
    Respond,
    TruncateItem,
)
from runtime.call.hearing.interruption import InterruptTerms
from runtime.call.hearing.loudness import is_loud
from tests.runtime.call.talk import QUIET, SECOND, answered, coughs, makes_sound
from tests.runtime.call.world import World, payload, spoken

NEVER = InterruptTerms(allowed=False)
AFTER_250_MS = InterruptTerms(after_ms=250)
TWO_WORDS = InterruptTerms(min_words=2)
RESUMING = InterruptTerms(resume=True)
ALL_TERMS = [NEVER, AFTER_250_MS, TWO_WORDS, RESUMING]
TEXT = "one two three four five six seven eight nine ten"


def speaking(terms: InterruptTerms, seconds: int = 5, *, end: bool = True) -> World:
    """Return a call in which the agent has spoken for a second, of so many."""
    world = answered(terms)
    world.say("a", b"a" * seconds * SECOND, TEXT, end=end)
    world.run(1.0)
    return world


def without_audio(actions: list[Action]) -> list[Action]:
    """Return what was done besides passing audio on."""
    kinds = (ClearPlayback, CancelResponse, TruncateItem, DeleteItem, Respond)
    return [action for action in actions if isinstance(action, kinds)]


# --- never


def test_an_agent_that_is_never_interrupted_speaks_to_its_end_and_then_answers() -> None:
    world = speaking(NEVER)
    done = world.feed(ev.CallerSpeechStarted("c1", 0)) + makes_sound(world, 1.0)
    assert without_audio(done) == []
    assert world.feed(ev.CallerSpeechStopped("c1", 1500)) == [Respond()]
    world.run(5.0)
    assert world.carrier.heard(world.now) == b"a" * 5 * SECOND
    assert world.machine.transcript[0].interrupted is False


def test_the_answer_waits_while_the_model_still_generates_what_is_not_interrupted() -> None:
    world = speaking(NEVER, end=False)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    assert world.feed(ev.CallerSpeechStopped("c1", 1500)) == []
    assert Respond() in world.feed(ev.ResponseEnded("r1", "completed"))


# --- after a time


def test_a_cough_does_not_cut_an_agent_that_waits_for_250_ms_of_speech() -> None:
    world = speaking(AFTER_250_MS)
    assert without_audio(coughs(world)) == []
    world.run(5.0)
    assert world.carrier.heard(world.now) == b"a" * 5 * SECOND


def test_speech_cuts_after_250_ms_of_it_and_is_answered_when_it_ends() -> None:
    world = speaking(AFTER_250_MS, end=False)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    assert without_audio(makes_sound(world, 0.22)) == []
    cut = without_audio(makes_sound(world, 0.06))
    assert [type(action) for action in cut] == [ClearPlayback, CancelResponse, TruncateItem]
    assert isinstance(cut[2], TruncateItem)
    assert abs(cut[2].heard_ms - 1240) <= 40
    world.feed(ev.ResponseEnded("r1", "cancelled", "client_cancelled"))
    assert world.feed(ev.CallerSpeechStopped("c1", 1500)) == [Respond()]


def test_a_soft_voice_interrupts_too_once_a_cough_must_have_been_over() -> None:
    world = speaking(AFTER_250_MS)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    assert without_audio(makes_sound(world, 0.7, QUIET)) == []
    assert [type(each) for each in without_audio(makes_sound(world, 0.1, QUIET))] == [
        ClearPlayback,
        TruncateItem,
    ]


def test_a_short_answer_to_the_last_words_of_a_question_is_answered() -> None:
    world = speaking(AFTER_250_MS, seconds=2)
    world.run(0.3)
    assert without_audio(coughs(world, seconds=0.2)) == [Respond()]


def test_a_response_that_had_not_begun_when_the_caller_spoke_on_is_not_heard() -> None:
    world = answered(AFTER_250_MS)  # the greeting is asked for
    world.feed(ev.CallerSpeechStarted("c1", 0))
    makes_sound(world, 0.3)
    assert world.feed(ev.ResponseStarted("r1")) == [CancelResponse("r1")]
    world.say("a", b"a" * SECOND, end=False)
    assert spoken(world.run(1.0)) == b""


# --- after words


def test_one_word_does_not_cut_where_two_are_asked_for() -> None:
    world = speaking(TWO_WORDS)
    coughs(world)
    assert world.feed(ev.CallerWords("c1", "Right.")) == []
    world.run(5.0)
    assert world.carrier.heard(world.now) == b"a" * 5 * SECOND


def test_two_words_cut_as_soon_as_they_are_known() -> None:
    world = speaking(TWO_WORDS)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    makes_sound(world, 0.3)
    assert world.feed(ev.CallerWordsHeard("c1", "No,")) == []
    cut = world.feed(ev.CallerWordsHeard("c1", " wait"))
    assert [type(action) for action in cut] == [ClearPlayback, TruncateItem]


def test_a_sentence_cuts_without_its_words_when_they_are_not_known_in_time() -> None:
    world = speaking(TWO_WORDS)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    done = without_audio(makes_sound(world, 1.2))
    assert [type(action) for action in done] == [ClearPlayback, TruncateItem]


def test_words_that_come_late_still_cut_and_are_answered() -> None:
    world = speaking(TWO_WORDS, seconds=9)
    coughs(world, seconds=0.4)
    assert without_audio(world.run(1.5)) == []  # nothing was known in time: the agent speaks on
    done = world.feed(ev.CallerWords("c1", "No wait."))
    assert [type(action) for action in done] == [ClearPlayback, TruncateItem, Respond]


# --- pause, and go on


def test_a_cough_makes_a_careful_agent_pause_and_go_on_where_it_was() -> None:
    world = speaking(RESUMING)
    assert without_audio(world.feed(ev.CallerSpeechStarted("c1", 0))) == [ClearPlayback()]
    paused = makes_sound(world, 0.15) + makes_sound(world, 0.5, QUIET)
    paused += world.feed(ev.CallerSpeechStopped("c1", 650))
    assert spoken(paused) == b""
    assert without_audio(world.feed(ev.CallerWords("c1", ""))) == []
    world.run(6.0)
    heard = world.carrier.heard(world.now)
    assert set(heard) == {ord("a")}
    assert abs(len(heard) / 8 - 5000) <= 40
    (entry,) = world.machine.transcript
    assert (entry.text, entry.interrupted, entry.heard_ms) == (TEXT, False, 5000)
    assert not world.actions(TruncateItem)


def test_a_pause_without_words_ends_by_itself_after_a_second() -> None:
    world = speaking(RESUMING)
    coughs(world)
    assert spoken(world.run(0.99)) == b""
    assert spoken(world.run(0.1)) != b""


def test_a_word_makes_a_cut_of_the_pause_at_the_place_of_the_pause() -> None:
    world = speaking(RESUMING)
    coughs(world)
    done = world.feed(ev.CallerWords("c1", "Stop."))
    assert [type(action) for action in done] == [TruncateItem, Respond]  # nothing is left to be cleared
    assert isinstance(done[0], TruncateItem)
    assert abs(done[0].heard_ms - 1000) <= 40
    world.run(5.0)
    assert abs(len(world.carrier.heard(world.now)) / 8 - done[0].heard_ms) <= 40
    entry = world.machine.transcript[0]
    assert (entry.text, entry.interrupted) == ("one two", True)


def test_audio_that_the_model_still_gives_during_a_pause_follows_after_it() -> None:
    world = answered(RESUMING)
    world.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "a", _letters("a", 2)))
    world.run(1.0)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    world.feed(ev.ModelAudio("r1", "a", _letters("b", 1)), ev.ModelAudio("r1", "b", _letters("c", 1)))
    world.feed(ev.ModelAudioDone("b"), ev.ResponseEnded("r1", "completed"))
    makes_sound(world, 0.1)
    world.feed(ev.CallerSpeechStopped("c1", 600))
    world.run(7.0)
    heard = world.carrier.heard(world.now)
    assert heard.lstrip(b"a").lstrip(b"b").lstrip(b"c") == b""
    assert (heard.count(b"b"), heard.count(b"c")) == (SECOND, SECOND)
    assert abs(heard.count(b"a") - 2 * SECOND) <= 0.04 * SECOND


def test_two_coughs_are_two_pauses() -> None:
    world = speaking(RESUMING)
    coughs(world, "c1")
    world.run(2.0)
    coughs(world, "c2")
    world.run(6.0)
    assert len(world.actions(ClearPlayback)) == 2
    assert abs(len(world.carrier.heard(world.now)) / 8 - 5000) <= 80


@pytest.mark.parametrize("seconds", [0.5, 8.0])
def test_an_agent_that_says_goodbye_is_not_held_up_by_a_cough(seconds: float) -> None:
    world = answered(RESUMING)
    world.say("a", b"a" * round(seconds * SECOND), "Goodbye.", end=False)
    world.run(0.2)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    world.feed(ev.ToolRequested("r1", "call", "hang_up", "{}"), ev.ModelAudioDone("a"))
    world.feed(ev.ResponseEnded("r1", "completed"))
    world.run(seconds + 1)
    assert world.ended
    assert abs(len(world.carrier.heard(world.now)) / 8 - seconds * 1000) <= 40


# --- all of them


@pytest.mark.parametrize("terms", ALL_TERMS)
def test_a_turn_of_the_caller_is_answered_on_any_terms(terms: InterruptTerms) -> None:
    world = speaking(terms)
    world.run(6.0)
    world.feed(ev.CallerSpeechStarted("c1", 0))
    makes_sound(world, 0.2)
    assert world.feed(ev.CallerSpeechStopped("c1", 700)) == [Respond()]


@pytest.mark.parametrize("terms", ALL_TERMS)
def test_the_callers_audio_reaches_the_model_whatever_is_made_of_it(terms: InterruptTerms) -> None:
    world = speaking(terms)
    done = coughs(world)
    assert len([action for action in done if isinstance(action, HearCaller)]) == 8 + 25


@pytest.mark.parametrize("terms", ALL_TERMS)
def test_a_doubt_does_not_outlive_the_models_session(terms: InterruptTerms) -> None:
    world = speaking(terms)
    world.feed(ev.CallerSpeechStarted("c1", 0), ev.ModelLost("1006"))
    world.run(5.0)
    assert abs(len(world.carrier.heard(world.now)) / 8 - 5000) <= 40


def test_a_voice_is_loud_and_the_noise_of_a_line_is_not() -> None:
    assert is_loud(b"\x20\xa0" * 80)
    assert not is_loud(b"\xff\x7e\x7d\xfd" * 40)
    assert not is_loud(b"")


def _letters(letter: str, seconds: int) -> str:
    return payload(letter.encode() * seconds * SECOND)
