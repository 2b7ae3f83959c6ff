"""The toolbox: every request is answered once, in order, and the model is asked once to go on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.call.actions import AnswerTool, Respond, RunTool, TellModel
from runtime.call.events import ToolAnswered, ToolRequested
from runtime.call.tools.toolbox import FILLER, MOST_RUNNING, Toolbox, ToolLine
from runtime.call.tools.toolset import Function, Toolset
from runtime.call_record import ToolUse

FIND = Function("find", "Finds.", {}, seconds=5.0, filler="One moment.")
BOOK = Function("book", "Books.", {}, seconds=5.0, check=lambda given: None if "day" in given else "no day")


def box() -> tuple[Toolbox, list[ToolUse]]:
    record: list[ToolUse] = []
    return Toolbox(Toolset.of(FIND, BOOK), record), record


def wants(call_id: str, name: str = "find", arguments: str = "{}", response: str = "r1") -> ToolRequested:
    return ToolRequested(response, call_id, name, arguments)


def answer(call_id: str, output: str = '"ok"') -> ToolAnswered:
    return ToolAnswered(call_id, output, None, 40)


def answers(actions: list[object]) -> list[str]:
    return [action.call_id for action in actions if isinstance(action, AnswerTool)]


def test_results_go_back_in_the_order_in_which_they_were_asked_for() -> None:
    toolbox, _ = box()
    for call_id in ("a", "b", "c"):
        toolbox.ask(wants(call_id), 0.0)
    toolbox.response_ended("r1")
    assert answers([*toolbox.answer(answer("c"))]) == []
    assert answers([*toolbox.answer(answer("a"))]) == ["a"]
    last = toolbox.answer(answer("b"))
    assert answers([*last]) == ["b", "c"]
    assert last[-1] == Respond()


def test_the_model_goes_on_only_when_the_response_that_asked_has_ended() -> None:
    toolbox, _ = box()
    toolbox.ask(wants("a"), 0.0)
    assert Respond() not in toolbox.answer(answer("a"))
    assert toolbox.response_ended("r1") == [Respond()]
    assert toolbox.response_ended("r1") == []


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (wants("a", "fly"), "there is no such tool"),
        (wants("a", arguments="{"), "the arguments are not a JSON object"),
        (wants("a", arguments="[1]"), "the arguments are not a JSON object"),
        (wants("a", arguments='{"x": "' + "x" * 70_000 + '"}'), "the arguments are not a JSON object"),
        (wants("a", "book"), "no day"),
    ],
    ids=["unknown", "half JSON", "a list", "a flood", "against the schema"],
)
def test_a_request_that_cannot_be_carried_out_is_answered_with_the_reason(
    request_: ToolRequested, says: str
) -> None:
    toolbox, record = box()
    assert toolbox.ask(request_, 0.0) is None
    assert AnswerTool("a", f'{{"error":"{says}"}}') in toolbox.give()
    assert record[0].result == {"error": says}


def test_more_than_eight_at_once_are_refused() -> None:
    toolbox, _ = box()
    taken = [toolbox.ask(wants(f"c{number}"), 0.0) for number in range(MOST_RUNNING + 1)]
    assert [each is not None for each in taken] == [True] * MOST_RUNNING + [False]


def test_a_request_that_the_model_repeats_is_carried_out_once() -> None:
    toolbox, record = box()
    assert toolbox.ask(wants("a"), 0.0) is not None
    assert toolbox.ask(wants("a"), 0.1) is None
    assert len(record) == 1


def test_a_request_that_the_caller_spoke_into_is_not_carried_out_and_asks_for_no_words() -> None:
    toolbox, _ = box()
    assert toolbox.ask(wants("a", "book", '{"day": 1}'), 0.0, ended=True, unheard=True) is None
    assert [type(action) for action in toolbox.give()] == [ToolLine, AnswerTool]


def test_a_tool_without_an_answer_is_given_up_a_little_after_its_own_time() -> None:
    toolbox, record = box()
    toolbox.ask(wants("a"), 10.0)
    toolbox.response_ended("r1")
    assert toolbox.wake_at() == 17.0
    assert toolbox.wake(16.9) == []
    given_up = toolbox.wake(17.0)
    assert answers([*given_up]) == ["a"]
    assert given_up[-1] == Respond()
    assert toolbox.answer(answer("a")) == []
    assert (record[0].result, record[0].ms) == ({"error": "no answer in time"}, 7000)


def test_the_filler_of_the_tool_is_due_after_a_second_and_a_half_and_only_once() -> None:
    toolbox, _ = box()
    toolbox.ask(wants("a"), 10.0)
    toolbox.ask(wants("b", "book", '{"day": 1}'), 10.2)
    assert toolbox.filler_at() == 11.5
    assert toolbox.take_filler() == Respond(say="One moment.")
    assert toolbox.filler_at() == math.inf


def test_a_tool_without_a_filler_lets_the_model_find_the_words() -> None:
    toolbox, _ = box()
    toolbox.ask(wants("a", "book", '{"day": 1}'), 10.0)
    assert toolbox.take_filler() == FILLER


def test_a_caller_who_speaks_is_not_told_to_wait() -> None:
    toolbox, _ = box()
    toolbox.ask(wants("a"), 10.0)
    toolbox.caller_speaks()
    assert toolbox.filler_at() == math.inf


def test_an_answer_that_is_there_before_the_filler_makes_it_needless() -> None:
    toolbox, _ = box()
    toolbox.ask(wants("a"), 10.0)
    toolbox.answer(answer("a"))
    assert toolbox.filler_at() == math.inf


def test_what_runs_while_the_session_is_lost_is_told_to_the_next_one_in_words() -> None:
    toolbox, _ = box()
    toolbox.ask(wants("a"), 0.0)
    toolbox.lose_session()
    assert toolbox.answer(answer("a", "table 4")) == []
    line, told, go_on = toolbox.resume()
    assert isinstance(line, ToolLine)
    assert told == TellModel('[what you asked "find" for before the line was lost: table 4]')
    assert go_on == Respond()


def test_a_long_answer_stands_in_the_record_only_in_part() -> None:
    toolbox, record = box()
    toolbox.ask(wants("a"), 0.0)
    given = toolbox.answer(answer("a", "x" * 50_000))
    assert given[-1] == AnswerTool("a", "x" * 50_000)
    assert len(str(record[0].result)) < 5_000


# --- laws


@dataclass
class Model:
    """A model that asks, and everything that it was told."""

    toolbox: Toolbox
    asked: dict[str, list[str]] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    went_on: int = 0

    def take(self, actions: object) -> None:
        assert isinstance(actions, list)
        for action in actions:
            if isinstance(action, AnswerTool):
                self.told.append(action.call_id)
            elif isinstance(action, Respond):
                self.went_on += 1
            else:
                assert not isinstance(action, RunTool)


STEP = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 2), st.sampled_from(["find", "book", "fly"])),
    st.tuples(st.just("answer"), st.integers(0, 9), st.just("")),
    st.tuples(st.just("end"), st.integers(0, 2), st.just("")),
    st.tuples(st.just("pass"), st.integers(1, 4), st.just("")),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_each_request_is_answered_once_in_order_and_each_batch_goes_on_once(
    steps: list[tuple[str, int, str]],
) -> None:
    toolbox, record = box()
    model = Model(toolbox)
    now, ended, count = 0.0, set[str](), 0
    for kind, number, name in steps:
        response = f"r{number}"
        if kind == "ask" and response not in ended:
            call_id, count = f"c{count}", count + 1
            model.asked.setdefault(response, []).append(call_id)
            if toolbox.ask(wants(call_id, name, response=response), now) is not None:
                model.running.append(call_id)
            model.take(toolbox.give())
        elif kind == "answer" and model.running:
            model.take(toolbox.answer(answer(model.running.pop(number % len(model.running)))))
        elif kind == "end":
            ended.add(response)
            model.take(toolbox.response_ended(response))
        elif kind == "pass":
            now += number
            model.take(toolbox.wake(now))
    for response in model.asked:
        model.take(toolbox.response_ended(response))
    model.take(toolbox.wake(now + 100))

    for asked in model.asked.values():
        assert [call_id for call_id in model.told if call_id in asked] == asked
    assert sorted(model.told) == sorted(call_id for asked in model.asked.values() for call_id in asked)
    assert model.went_on == len(model.asked)
    assert toolbox.running == 0
    assert len(record) == count
    assert all(use.ms is not None for use in record)
