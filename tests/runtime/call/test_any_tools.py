"""Whatever a model asks of tools: the call goes on; each request gets one answer, if need be a failure."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.agent_tools import AgentTools
from runtime.call import events as ev
from runtime.call.actions import Action, AnswerTool, BeginTransfer, Finished, Respond, RunTool
from runtime.call.plan import CallPlan
from runtime.call.tools.tool_texts import MOST_ARGUMENT_CHARACTERS
from tests.runtime.call.world import World
from tests.runtime.log_lines import log_lines
from tests.runtime.office import AGENT, Office, fleet_of, open_office
from tests.runtime.virtual_time import run

DECLARATIONS = (
    AGENT
    + """\
transfer: [{name: office, number: +14155550178}, {name: kitchen, number: +14155550179}]
tools:
  - builtin: [send_digits, collect_digits, take_message]
  - name: find
    description: Finds a booking.
    parameters:
      type: object
      properties: {name: {type: string}, more: {}}
      required: [name]
    http: {url: "https://crm.example.com/bookings/{{ name }}", method: GET}
"""
)
NAMES = ("send_digits", "collect_digits", "take_message", "transfer", "find")
FIELDS = ("digits", "prompt", "max_digits", "finish_key", "timeout_s", "message", "destination", "name")
DEEP = "[" * 400 + "]" * 400
BAD = (
    "",
    "null",
    "[]",
    '"12"',
    "{",
    '{"digits": null}',
    '{"digits": "12x"}',
    '{"digits": ""}',
    '{"digits": 12}',
    '{"digits": "\\ud800"}',
    '{"max_digits": 0}',
    '{"timeout_s": 1e300}',
    '{"message": ""}',
    f'{{"destination": "office", "summary": "{"s" * 4_000}"}}',
    f'{{"name": {DEEP}}}',
    f'{{"name": "Ada", "more": {DEEP}}}',
    f'{{"message": "{"m" * MOST_ARGUMENT_CHARACTERS}"}}',
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
ARGUMENTS = st.one_of(
    st.text(max_size=30),
    VALUES.map(json.dumps),
    st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), VALUES, max_size=3).map(json.dumps),
    st.sampled_from(BAD),
)
ASKED = st.lists(
    st.tuples(st.sampled_from(NAMES) | st.text(max_size=12), ARGUMENTS, st.floats(0, 2)), max_size=6
)


class Answering(World):
    """A call whose model answers each time that it is asked to, and whose tools bring deep JSON."""

    def carry_out(self, action: Action) -> None:
        if isinstance(action, RunTool):
            answer = ev.ToolAnswered(action.call_id, DEEP, None, 5)
            self.at(self.now + 0.5, lambda: self.feed(answer))
        if isinstance(action, Respond):
            name = f"a{len(self.done)}"
            end = ev.ResponseEnded(name, "completed")
            self.at(self.now + 0.1, lambda: self.feed(ev.ResponseStarted(name), end))
        super().carry_out(action)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> AgentTools:
    return AgentTools.of(fleet_of(tmp_path_factory.mktemp("fleet"), DECLARATIONS).agents["front-desk"])


@settings(max_examples=150, deadline=None)
@given(asked=ASKED)
def test_any_name_and_arguments_are_answered_once_and_end_no_call(
    tools: AgentTools, asked: list[tuple[str, str, float]]
) -> None:
    world = Answering(CallPlan(tools=tools.functions, max_call_seconds=3_600))
    world.answer()
    for number, (name, arguments, pause) in enumerate(asked):
        response = f"r{number}"
        world.feed(
            ev.ResponseStarted(response),
            ev.ToolRequested(response, f"c{number}", name, arguments),
            ev.ToolReported(f"m{number}", name, arguments, arguments),
            ev.ResponseEnded(response, "completed"),
        )
        world.run(pause)
        assert not world.ended
    world.run(900.0)  # beyond the longest tool
    answered = [action.call_id for action in world.actions(AnswerTool) if isinstance(action, AnswerTool)]
    assert len(answered) == len(set(answered))
    if not world.actions(BeginTransfer) and not world.machine.facts.agent_hung_up:
        assert len(answered) == len(asked)
    json.dumps([use.to_json() for use in world.machine.facts.tools], allow_nan=False).encode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arguments", BAD, ids=lambda text: text[:24] or "nothing")
def test_wrong_arguments_are_a_failure_text(tools: AgentTools, name: str, arguments: str) -> None:
    if (name, arguments) in {("collect_digits", "{}"), ("find", '{"name": "Ada"}')}:
        return
    world = World(CallPlan(tools=tools.functions))
    world.answer()
    actions = world.feed(
        ev.ResponseStarted("r1"),
        ev.ToolRequested("r1", "c1", name, arguments),
        ev.ResponseEnded("r1", "completed"),
    )
    assert not [action for action in actions if isinstance(action, RunTool | Finished)]
    (told,) = [action for action in actions if isinstance(action, AnswerTool)]
    assert list(json.loads(told.output)) == ["error"]
    assert len(told.output) < 2_000


def test_a_caller_keeps_talking_to_a_model_that_asks_for_nonsense(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with open_office(tmp_path, DECLARATIONS) as office:
            async with await office.phone(await office.webhook()) as phone:
                phone.start()
                await phone.until(lambda phone: phone.heard != b"")
                asked = [(name, arguments) for name in (*NAMES, "fly", "") for arguments in BAD if arguments]
                for number, (name, arguments) in enumerate(asked):
                    _ask(office, number, name, arguments)
                    await asyncio.sleep(1)
                    assert len(_failures(office)) == number + 1
                assert (await office.record())["status"] == "active"
                phone.stop()
                await office.over()
            assert (await office.record())["end_reason"] == "caller_hangup"

    caplog.set_level(logging.INFO)
    run(story())
    assert not [line for line in log_lines(caplog) if "crashed" in line]


def _ask(office: Office, number: int, name: str, arguments: str) -> None:
    response = {"id": f"asks_{number}", "status": "in_progress"}
    item = {"type": "function_call", "id": f"f{number}", "call_id": f"c{number}", "name": name}
    office.model.say({"type": "response.created", "response": response})
    office.model.say(
        {
            "type": "response.output_item.done",
            "response_id": response["id"],
            "output_index": 0,
            "item": {**item, "arguments": arguments, "status": "completed"},
        }
    )
    office.model.say({"type": "response.done", "response": {**response, "status": "completed"}})


def _failures(office: Office) -> list[str]:
    items = [event["item"] for event in office.model.heard("conversation.item.create")]
    outputs = [item["output"] for item in items if item["type"] == "function_call_output"]
    return [output for output in outputs if '"error"' in output]
