"""One turn of an agent, as values: what comes while it thinks, tools, models that fail, its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from runtime.call.actions import Finished, RunTool
from runtime.call.events import Prepared, ToolAnswered, ToolRequested
from runtime.call.plan import CallPlan
from runtime.call.text.text_answer import STALL_SECONDS
from runtime.call.text.text_events import (
    AskFailed,
    AskModel,
    CancelAsk,
    File,
    Shown,
    TextDelta,
    TextEnded,
    Told,
)
from runtime.call.text.text_script import MOST_TOLD
from runtime.call.tools.built_in import HANG_UP_FUNCTION
from runtime.call.tools.toolset import Function, Toolset
from runtime.call.usage import Usage
from runtime.call_record import TranscriptEntry
from runtime.messages.tools import SEND_MEDIA
from runtime.messages.turn import LONGEST_TURN, MOST_RESTARTS, Keep, MessageTurn, Reply, TurnAction, Words

FIND = Function("find_table", "Finds a table.", {"type": "object"})
MEDIA = Function(SEND_MEDIA, "Sends a file.", {"type": "object"})
TOOLS = replace(Toolset.of(HANG_UP_FUNCTION, FIND, MEDIA), fills_silence=False)
PLAN = CallPlan(fallback_message="Write again later.", answered_at=0.0, tools=TOOLS)
HELLO = Words(("SM1",), "Hello?")
Kind = TypeVar("Kind")


@dataclass
class Driver:
    """A turn with a clock; `done` is all that it has wanted."""

    plan: CallPlan = PLAN
    words: Words | None = HELLO
    now: float = 10.0
    done: list[TurnAction] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.turn = MessageTurn(self.plan, self.words, now=self.now)
        self.done += self.turn.begin()

    def feed(self, *events: object, after: float = 1.0) -> None:
        for event in events:
            self.now += after
            self.done += self.turn.handle(event, self.now)  # type: ignore[arg-type]  # of all kinds

    def writes(self, text: str) -> None:
        ask_id = self.ask.ask_id
        self.feed(TextDelta(ask_id, text), TextEnded(ask_id, usage=Usage(text_out=1)))

    def asks_for(self, name: str, arguments: str = "{}") -> None:
        ask_id = self.ask.ask_id
        self.feed(ToolRequested(ask_id, "c1", name, arguments), TextEnded(ask_id))

    def tool_answers(self, output: str = "{}") -> None:
        """Let the tool answer that was asked for last."""
        self.feed(ToolAnswered(self.all(RunTool)[-1].call_id, output, None, 5))

    def wait(self) -> None:
        """Let the clock run until something is due."""
        due = self.turn.wake_at()
        assert due is not None
        self.now = due
        self.done += self.turn.wake(self.now)

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [action for action in self.done if isinstance(action, kind)]

    @property
    def ask(self) -> AskModel:
        return self.all(AskModel)[-1]

    @property
    def reply(self) -> Reply:
        (reply,) = self.all(Reply)
        assert self.done[-1] == Finished()
        return reply


def told(ask: AskModel) -> Sequence[tuple[str, str]]:
    return [(item.role, item.text) for item in ask.context if isinstance(item, Told)]


def test_the_model_is_told_what_was_written_before_and_answers_once() -> None:
    history = (TranscriptEntry("caller", "Hi", 0), TranscriptEntry("agent", "Hi!", 10))
    driver = Driver(replace(PLAN, history=history))
    driver.writes("How can I help?")
    assert told(driver.ask) == [("caller", "Hi"), ("agent", "Hi!"), ("caller", "Hello?")]
    assert driver.reply == Reply("How can I help?")
    assert driver.turn.taken == ("SM1",)
    assert driver.turn.wake_at() is None


def test_a_message_that_comes_while_the_model_thinks_is_answered_with_the_first() -> None:
    driver = Driver()
    driver.feed(TextDelta(driver.ask.ask_id, "Good mor"))
    driver.feed(Words(("SM2",), "Are you open?"))
    assert driver.all(CancelAsk)
    driver.writes("Yes.")
    assert told(driver.ask) == [("caller", "Hello?"), ("caller", "Are you open?")]
    assert driver.reply.text == "Yes."
    assert driver.turn.taken == ("SM1", "SM2")


def test_somebody_who_writes_on_and_on_is_answered_in_between() -> None:
    driver = Driver()
    for number in range(MOST_RESTARTS + 2):
        driver.feed(Words((f"SM{number + 2}",), "And?"))
    driver.writes("One moment!")
    assert driver.reply.text == "One moment!"
    assert len(driver.turn.taken) == 1 + MOST_RESTARTS


def test_a_message_into_a_tool_waits_for_it_and_both_are_answered_in_one() -> None:
    driver = Driver()
    driver.asks_for("find_table")
    driver.feed(Words(("SM2",), "By the window?"))
    driver.writes("A window, yes.")
    assert not driver.all(Reply)
    driver.tool_answers('{"table": 4}')
    assert driver.all(Keep)
    driver.writes("Table four.")
    assert driver.reply.text == "A window, yes. Table four."


def test_no_words_fill_the_silence_while_a_tool_takes_long() -> None:
    driver = Driver()
    driver.asks_for("find_table")
    asked = len(driver.all(AskModel))
    driver.now += 20
    driver.done += driver.turn.wake(driver.now)
    assert len(driver.all(AskModel)) == asked
    assert isinstance(driver.done[-1], RunTool)


@pytest.mark.parametrize("may_pass", [True, False])
def test_a_model_that_fails_leads_to_an_honest_answer(may_pass: bool) -> None:
    driver = Driver()
    driver.feed(AskFailed(driver.ask.ask_id, "gone", may_pass=may_pass))
    if may_pass:
        driver.feed(AskFailed(driver.ask.ask_id, "gone"))
    assert driver.reply.text == "Write again later."
    assert driver.turn.failed == "gone"
    assert [entry.text for entry in driver.turn.transcript] == ["Hello?", "Write again later."]


def test_a_model_that_says_nothing_is_given_up_after_a_second_try() -> None:
    driver = Driver()
    driver.wait()
    driver.wait()
    assert driver.reply.text == "Write again later."
    assert driver.now == pytest.approx(10 + 2 * STALL_SECONDS)


def test_a_model_that_is_done_without_a_word_is_asked_again_and_given_up_then() -> None:
    driver = Driver()
    driver.writes("")
    assert not driver.all(Reply)
    driver.writes("")
    assert driver.reply.text == "Write again later."


def test_what_is_sent_along_needs_no_words() -> None:
    driver = Driver()
    driver.asks_for(SEND_MEDIA, '{"url": "https://b.example/1"}')
    driver.writes("")
    assert driver.reply == Reply("", ("https://b.example/1",))


def test_a_turn_that_finds_no_end_is_ended() -> None:
    driver = Driver()
    while driver.now < 10 + LONGEST_TURN - 8:
        driver.asks_for("find_table")
        driver.tool_answers()
    driver.now = 10 + LONGEST_TURN
    driver.done += driver.turn.wake(driver.now)
    assert driver.reply.text == "Write again later."


def test_what_the_model_sends_along_goes_with_the_answer_and_has_a_limit() -> None:
    driver = Driver()
    for number in range(7):
        driver.asks_for(SEND_MEDIA, f'{{"url": "https://b.example/{number}"}}')
    driver.writes("Here.")
    assert driver.reply == Reply("Here.", tuple(f"https://b.example/{number}" for number in range(5)))
    assert "no more" in str(driver.turn.facts.tools[-1].result)


def test_files_are_shown_beside_the_words_that_they_came_with() -> None:
    file = File("file-1.png", "image/png", "data:image/png;base64,AA==")
    driver = Driver(words=Words(("SM1",), "What is this?", (file,), Usage(transcription_in=7)))
    driver.asks_for("find_table")
    driver.tool_answers()
    assert driver.ask.context[0] == Shown("What is this?", (file,))
    assert driver.turn.facts.usage.transcription_in == 7


def test_the_agent_can_end_the_conversation_with_its_last_words() -> None:
    driver = Driver()
    ask_id = driver.ask.ask_id
    driver.feed(TextDelta(ask_id, "Bye!"), ToolRequested(ask_id, "c1", "hang_up", "{}"), TextEnded(ask_id))
    assert driver.reply.text == "Bye!"
    assert driver.turn.ends_conversation


def test_an_answer_that_is_owed_is_given_without_new_words() -> None:
    history = (TranscriptEntry("caller", "A table?", 0), TranscriptEntry("tool", "find_table {}: 4", 5))
    driver = Driver(replace(PLAN, history=history), words=None)
    driver.writes("Table four.")
    assert told(driver.ask) == [("caller", "A table?"), ("system", "find_table {}: 4")]
    assert driver.reply.text == "Table four."


def test_a_turn_that_nobody_wants_any_more_ends_without_an_answer() -> None:
    driver = Driver()
    driver.done += driver.turn.drop()
    assert not driver.all(Reply)
    assert driver.all(CancelAsk)
    assert driver.done[-1] == Finished()
    driver.feed(TextEnded(driver.ask.ask_id))
    assert driver.done[-1] == Finished()


@pytest.mark.parametrize(("complete", "text"), [(True, "Hello Ada."), (False, "Write again later.")])
def test_an_agent_that_must_know_the_contact_does_not_write_without(complete: bool, text: str) -> None:
    driver = Driver(replace(PLAN, prep="required"))
    assert not driver.all(AskModel)
    driver.feed(Prepared({"name": "Ada"} if complete else None, complete))
    if complete:
        driver.writes("Hello Ada.")
    assert driver.reply.text == text
    assert (driver.turn.facts.refused is None) is complete


def test_of_a_long_conversation_the_model_is_told_the_newest_lines() -> None:
    history = tuple(TranscriptEntry("caller", f"Line {number}", number) for number in range(MOST_TOLD + 50))
    told = Driver(replace(PLAN, history=history)).ask.context
    assert len(told) == MOST_TOLD
    assert told[0] == Told("caller", "Line 51")
    assert told[-1] == Told("caller", "Hello?")
