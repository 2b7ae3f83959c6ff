"""A call in relay mode, its clock in the test's hand: what is said, cut, asked again, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runtime.call import events as ev
from runtime.call.actions import BeginTransfer, DropStream, Finished
from runtime.call.ending import Ending
from runtime.call.hearing.idle import GOODBYE, MOST_QUESTIONS, STILL_THERE
from runtime.call.plan import CallPlan
from runtime.call.stream_link import BACK, MOST_RETURNS
from runtime.call.text import relay_steps as rs
from runtime.call.text.relay_call import RelayCall
from runtime.call.text.text_answer import NO_WORDS
from runtime.call.text.text_events import AskFailed, AskModel, CancelAsk, TextDelta, TextEnded, Told
from runtime.call.text.text_script import spoken_ms
from runtime.call.tools.built_in import language_function
from runtime.call.tools.toolset import Toolset
from runtime.call.usage import Usage
from tests.runtime.call.gather_driver import TOOLS

USAGE = Usage(text_in=10, text_out=5)
HOLD = rs.HoldFiles("https://a.example/loop.wav", "https://a.example/lead.wav", lead_seconds=3.0, delay=0.5)
LEAD, LOOP = rs.PlayHold("https://a.example/lead.wav", 1), rs.PlayHold("https://a.example/loop.wav", 0)
TERMS = rs.RelayTerms(hold=HOLD)
PLAN = CallPlan(greeting="Good evening.", fallback_message="Call again.", idle_seconds=10)


class Driver:
    """One call; `said` and `asks` are all that came of it so far."""

    def __init__(self, plan: CallPlan = PLAN, terms: rs.RelayTerms = TERMS) -> None:
        self.now = 100.0
        self.machine = RelayCall(plan, terms, now=self.now)
        self.done: list[rs.RelayAction] = []
        self._take(self.machine.begin())

    def feed(self, event: rs.RelayEvent, after: float = 0.0) -> Sequence[rs.RelayAction]:
        self.pass_by(after)
        return self._take(self.machine.handle(event, self.now))

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and wake the machine whenever it is due."""
        until = self.now + seconds
        while (due := self.machine.wake_at()) is not None and due <= until:
            self.now = max(self.now, due)
            before = len(self.done)
            self._take(self.machine.wake(self.now))
            again = self.machine.wake_at()
            assert again is None or again > self.now or len(self.done) > before, "it wakes for nothing"
        self.now = until

    def start(self) -> None:
        self.feed(ev.StreamStarted("VX1", "CA1"))

    def says(self, words: str, after: float = 0.0) -> Sequence[rs.RelayAction]:
        return self.feed(rs.Prompted(words, last=True), after)

    def writes(self, *deltas: str, ended: bool = True) -> None:
        ask_id = self.asks[-1].ask_id
        for delta in deltas:
            self.feed(TextDelta(ask_id, delta))
        if ended:
            self.feed(TextEnded(ask_id, usage=USAGE))

    def uses(self, name: str, arguments: str = "{}") -> None:
        ask_id = self.asks[-1].ask_id
        self.feed(ev.ToolRequested(ask_id, f"call-{len(self.done)}", name, arguments))
        self.feed(TextEnded(ask_id, usage=USAGE))

    @property
    def said(self) -> list[tuple[str, bool]]:
        return [(action.token, action.last) for action in self.done if isinstance(action, rs.SpeakText)]

    @property
    def asks(self) -> list[AskModel]:
        return [action for action in self.done if isinstance(action, AskModel)]

    @property
    def held(self) -> list[rs.PlayHold]:
        return [action for action in self.done if isinstance(action, rs.PlayHold)]

    def over(self) -> bool:
        return any(isinstance(action, Finished) for action in self.done)

    @property
    def transcript(self) -> list[tuple[str, str]]:
        return [(entry.role, entry.text) for entry in self.machine.transcript]

    def _take(self, actions: Sequence[rs.RelayAction]) -> Sequence[rs.RelayAction]:
        self.done += actions
        return actions


def begun(plan: CallPlan = PLAN) -> Driver:
    """A call whose greeting has been heard."""
    driver = Driver(plan)
    driver.start()
    driver.pass_by(2)
    return driver


def test_a_model_that_writes_nothing_but_space_is_asked_again_and_leads_to_the_fallback() -> None:
    driver = begun()
    driver.says("Is there a table?")
    driver.writes("\n", " ")
    assert len(driver.asks) == 2
    assert driver.asks[-1].guidance == NO_WORDS
    driver.writes("\n")
    driver.pass_by(1)
    assert rs.EndRelay("Call again.") in driver.done


def test_the_greeting_is_said_when_the_caller_is_connected() -> None:
    driver = Driver()
    assert driver.said == []
    driver.start()
    assert driver.said == [("Good evening. ", True)]


def test_without_a_greeting_the_agents_first_words_are_written_before_the_caller_is_there() -> None:
    driver = Driver(replace(PLAN, greeting=None))
    driver.writes("Hello", " there.")
    driver.start()
    assert "".join(token for token, _ in driver.said).strip() == "Hello there."


def test_what_the_agent_writes_leaves_as_it_comes_and_its_end_is_told() -> None:
    driver = begun()
    driver.says("A table.")
    driver.writes("Very", " well.", ended=False)
    assert driver.said[-2:] == [("Very", False), (" well.", False)]
    driver.writes()
    assert driver.said[-1][1]
    assert driver.transcript == [
        ("agent", "Good evening."),
        ("caller", "A table."),
        ("agent", "Very well."),
    ]


def test_an_agent_who_is_interrupted_has_said_what_was_heard_and_is_told_so() -> None:
    driver = begun()
    driver.says("A table.")
    driver.writes("We have one at eight", " and one at nine", ended=False)
    actions = driver.feed(rs.Interrupted("We have one", 700), after=1)
    assert rs.SpeakText("", last=True) in actions
    assert CancelAsk(driver.asks[-1].ask_id) in actions
    driver.says("Eight.", after=1)
    assert driver.asks[-1].context[-2:] == (Told("agent", "We have one"), Told("caller", "Eight."))
    cut = driver.machine.transcript[2]
    assert (cut.text, cut.heard_ms, cut.interrupted) == ("We have one", 700, True)


def test_of_two_things_that_were_to_be_said_the_second_was_not_heard() -> None:
    driver = begun()
    driver.says("A table.")
    driver.writes("One moment please.")
    driver.says("Quick.")
    driver.writes("It is booked.")
    driver.feed(rs.Interrupted("It is", 300))
    assert driver.transcript[-1] == ("agent", "It is")
    assert driver.transcript[2] == ("agent", "One moment please.")


def test_a_caller_who_adds_something_in_time_is_answered_once() -> None:
    driver = begun()
    driver.says("A table.")
    first = driver.asks[-1]
    actions = driver.says("For two.", after=0.5)
    assert CancelAsk(first.ask_id) in actions
    assert driver.asks[-1].context[-2:] == (Told("caller", "A table."), Told("caller", "For two."))


def test_an_answer_begun_while_the_caller_still_speaks_leaves_with_their_last_word() -> None:
    driver = begun()
    driver.feed(rs.Prompted("A table for two", last=False))
    driver.pass_by(0.5)
    assert driver.asks[-1].context[-1] == Told("caller", "A table for two")
    driver.writes("Very well.", ended=False)
    assert driver.transcript == [("agent", "Good evening.")]
    actions = driver.says("A table for two.", after=0.2)
    assert rs.SpeakText("Very well.", last=False) in actions
    assert driver.machine.facts.turns[-1].frame_ms == 0


def test_an_answer_to_other_words_than_the_callers_is_thrown_away_and_counted() -> None:
    driver = begun()
    driver.feed(rs.Prompted("A table", last=False))
    driver.pass_by(0.5)
    driver.writes("For how many?")
    driver.says("A table for two.", after=0.2)
    assert driver.transcript[-1] == ("caller", "A table for two.")
    assert driver.machine.facts.usage != USAGE
    driver.writes("Very well.")
    assert driver.transcript[-1] == ("agent", "Very well.")


def test_keys_are_one_message_when_the_caller_pauses() -> None:
    driver = begun()
    driver.feed(ev.KeyPressed("1"))
    driver.feed(ev.KeyPressed("2"), after=0.5)
    driver.pass_by(1.6)
    assert driver.asks[-1].context[-1] == Told("caller", "[keys: 12]")


def test_a_call_ends_when_its_last_words_are_heard() -> None:
    driver = begun()
    driver.says("Bye.")
    ask_id = driver.asks[-1].ask_id
    driver.feed(TextDelta(ask_id, "Goodbye, and thank you."))
    driver.uses("hang_up")
    assert not driver.over()
    driver.feed(rs.AgentSounds(speaking=True), after=0.1)
    driver.pass_by(spoken_ms("Goodbye, and thank you.") / 1000 - 0.2)
    assert not driver.over()
    driver.feed(rs.AgentSounds(speaking=False), after=0.1)
    driver.pass_by(0.5)
    assert driver.over()
    assert rs.EndRelay(None) in driver.done
    assert driver.machine.ending is not None
    assert driver.machine.ending.end_reason == "agent_completed"


def test_a_caller_who_is_silent_is_asked_and_then_told_goodbye() -> None:
    driver = begun()
    for _ in range(MOST_QUESTIONS + 1):
        driver.pass_by(12)
        driver.writes("Are you still there?")
    assert driver.asks[-1].guidance == GOODBYE.guidance
    driver.pass_by(5)
    assert driver.machine.ending is not None
    assert driver.machine.ending.end_reason == "idle"


def test_a_caller_whose_connection_broke_is_back_with_what_was_said() -> None:
    driver = begun()
    driver.says("A table.")
    driver.writes("Very well.", ended=False)
    assert DropStream() in driver.feed(ev.StreamBroken("gone"))
    assert driver.machine.awaits_stream
    driver.pass_by(2)
    driver.start()
    assert driver.asks[-1].guidance == BACK.guidance
    driver.writes("Here we are.")
    assert driver.transcript[-1] == ("agent", "Here we are.")
    assert driver.machine.returns == 1


def test_a_caller_who_does_not_come_back_is_given_up() -> None:
    driver = begun()
    driver.feed(ev.StreamBroken("gone"))
    driver.pass_by(16)
    assert driver.machine.ending is not None
    assert driver.machine.ending.end_reason == "media_error"


def test_a_caller_who_has_hung_up_meanwhile_is_not_waited_for() -> None:
    driver = begun()
    driver.feed(ev.StreamBroken("gone"))
    driver.feed(ev.StatusReported("completed"))
    assert driver.machine.ending is not None
    assert driver.machine.ending.end_reason == "caller_hangup"


def test_a_model_that_fails_twice_is_answered_for_by_the_fallback_message() -> None:
    driver = begun()
    driver.says("A table.")
    for _ in range(2):
        driver.feed(AskFailed(driver.asks[-1].ask_id, "broken off"))
    driver.pass_by(1)
    assert rs.EndRelay("Call again.") in driver.done
    assert driver.machine.ending is not None
    assert driver.machine.ending.end_reason == "model_error"


def test_at_the_time_limit_the_caller_is_warned_and_then_told_why() -> None:
    driver = begun(replace(PLAN, max_call_seconds=90, idle_seconds=None))
    driver.pass_by(60)
    assert "half a minute" in (driver.asks[-1].guidance or "")
    driver.writes("Half a minute left.")
    driver.pass_by(30)
    assert rs.EndRelay("Call again.") in driver.done
    assert driver.machine.ending is not None
    assert driver.machine.ending.end_reason == "max_duration"


def test_a_caller_is_handed_on_behind_the_words_that_say_so() -> None:
    driver = begun(replace(PLAN, tools=TOOLS))
    driver.says("A person, please.")
    driver.feed(TextDelta(driver.asks[-1].ask_id, "One moment."))
    driver.uses("transfer", '{"summary": "Wants a person."}')
    assert not any(isinstance(action, BeginTransfer) for action in driver.done)
    driver.pass_by(3)
    kinds = [type(action) for action in driver.done[-3:]]
    assert kinds == [rs.EndRelay, DropStream, BeginTransfer]
    driver.feed(ev.TransferEnded(None))
    assert driver.machine.ending is not None
    assert driver.machine.ending.end_reason == "transferred"


def test_a_caller_who_cuts_the_goodbye_short_has_heard_no_more_of_it() -> None:
    driver = begun()
    driver.says("Bye.")
    driver.feed(TextDelta(driver.asks[-1].ask_id, "Goodbye, and thank you for calling."))
    driver.uses("hang_up")
    driver.feed(rs.Interrupted("Goodbye, and", 700), after=0.7)
    driver.pass_by(0.5)
    assert driver.over()
    assert driver.transcript[2] == ("agent", "Goodbye, and")


def test_a_caller_who_is_being_handed_on_is_so_when_the_connection_breaks_too() -> None:
    driver = begun(replace(PLAN, tools=TOOLS))
    driver.says("A person, please.")
    driver.feed(TextDelta(driver.asks[-1].ask_id, "One moment, I am going to put you through."))
    driver.uses("transfer", '{"summary": "Wants a person."}')
    driver.feed(ev.StreamBroken("gone"), after=0.2)
    assert any(isinstance(action, BeginTransfer) for action in driver.done)
    assert not driver.over()


# --- waits


def test_a_caller_who_waits_for_the_first_word_hears_the_hold_sound_until_it_comes() -> None:
    driver = Driver(replace(PLAN, greeting=None))
    driver.start()
    driver.pass_by(0.4)
    assert driver.held == []
    driver.pass_by(0.2)
    assert driver.held == [LEAD]
    driver.pass_by(3.5)
    assert driver.held == [LEAD, LOOP]
    driver.writes("Good evening.")
    driver.pass_by(5)
    assert driver.held == [LEAD, LOOP]


def test_an_agent_that_needs_to_know_the_caller_first_lets_them_hear_the_hold_sound() -> None:
    driver = Driver(replace(PLAN, prep="required"))
    driver.start()
    driver.pass_by(2)
    assert driver.held == [LEAD]
    driver.feed(ev.Prepared({"name": "Ada"}, complete=True))
    assert driver.said == [("Good evening. ", True)]
    driver.pass_by(5)
    assert driver.held == [LEAD]


def test_a_caller_hears_that_the_line_is_alive_when_an_answer_takes_long() -> None:
    driver = begun()
    driver.says("A table.")
    driver.pass_by(3.4)
    assert driver.held == []
    driver.pass_by(0.2)
    assert driver.held == [LEAD]
    driver.writes("Very well.")
    driver.pass_by(2)
    driver.says("For two.")
    driver.pass_by(4)
    assert driver.held == [LEAD, LOOP]


def test_a_caller_who_speaks_into_the_hold_sound_has_missed_nothing_of_the_agents() -> None:
    driver = begun()
    driver.says("A table.")
    driver.pass_by(4)
    driver.feed(rs.Interrupted("", 0))
    driver.says("For two.", after=1)
    assert driver.transcript == [("agent", "Good evening."), ("caller", "A table."), ("caller", "For two.")]
    assert not driver.machine.transcript[0].interrupted


def test_the_music_follows_a_recording_that_the_caller_coughed_into() -> None:
    driver = Driver(replace(PLAN, greeting=None))
    driver.start()
    driver.pass_by(1)
    driver.feed(rs.CallerSounds(speaking=True))
    driver.pass_by(4)
    assert driver.held == [LEAD]
    driver.feed(rs.CallerSounds(speaking=False))
    assert driver.held == [LEAD, LOOP]


def test_nobody_who_is_speaking_or_typing_is_played_to() -> None:
    driver = begun(replace(PLAN, tools=TOOLS))
    driver.says("My number.")
    driver.uses("collect_digits", '{"max_digits": 4}')
    driver.pass_by(5)
    assert driver.held == []
    driver.feed(ev.KeyPressed("1"))
    driver.feed(rs.CallerSounds(speaking=True))
    driver.pass_by(6)
    assert driver.held == []


def test_a_caller_who_speaks_for_long_is_not_asked_whether_they_are_there() -> None:
    driver = begun()
    driver.feed(rs.CallerSounds(speaking=True))
    driver.pass_by(30)
    assert driver.asks == []
    driver.feed(rs.CallerSounds(speaking=False))
    driver.says("I would like a table.", after=0.7)
    assert driver.machine.transcript[-1].at_ms == 2_000
    driver.writes("Very well.")
    driver.pass_by(15)
    assert driver.asks[-1].guidance == STILL_THERE.guidance


# --- languages


def test_the_agent_goes_on_in_another_language_behind_what_it_has_said() -> None:
    driver = begun(replace(PLAN, tools=Toolset.of(language_function(["en-US", "de-DE"]))))
    driver.says("Sprechen Sie Deutsch?")
    ask_id = driver.asks[-1].ask_id
    driver.feed(TextDelta(ask_id, "One moment. "))
    driver.uses("switch_language", '{"language": "de-DE"}')
    driver.writes("Ja, gern.")
    told = [action for action in driver.done if isinstance(action, rs.SpeakText | rs.SpeakLanguage)]
    assert told[1:] == [
        rs.SpeakText("One moment. ", last=False),
        rs.SpeakLanguage("de-DE"),
        rs.SpeakText("", last=True),
        rs.SpeakText("Ja, gern.", last=False),
        rs.SpeakText(" ", last=True),
    ]


def test_a_caller_who_is_connected_again_is_spoken_to_in_the_language_of_the_call() -> None:
    driver = Driver(replace(PLAN, language="de-DE"))
    driver.start()
    assert isinstance(driver.done[0], rs.SpeakLanguage)
    driver.feed(ev.StreamBroken("gone"), after=2)
    driver.done.clear()
    driver.start()
    assert driver.done[0] == rs.SpeakLanguage("de-DE")


# --- sessions that fail


def test_a_session_that_would_fail_again_ends_the_call_with_the_fallback_message() -> None:
    driver = Driver()
    driver.feed(rs.SessionFailed("64101: no such voice", for_good=True), after=1)
    assert driver.over()
    assert driver.machine.ending == Ending("completed", end_reason="media_error")


def test_a_session_that_does_not_come_about_is_tried_only_so_often() -> None:
    driver = Driver()
    for _ in range(MOST_RETURNS):
        driver.feed(rs.SessionFailed("64102: no connection", for_good=False), after=1)
        assert driver.machine.awaits_stream
    driver.feed(rs.SessionFailed("64102: no connection", for_good=False), after=1)
    assert driver.over()
