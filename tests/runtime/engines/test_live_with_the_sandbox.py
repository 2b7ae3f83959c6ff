"""The machine and the GPT-Live codec talk with the sandbox's Live session: no sockets, virtual time.

Every event of both sides is judged by the types of OpenAI's own package.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import partial

from runtime.call import events as ev
from runtime.call.actions import (
    Action,
    ClearPlayback,
    CloseModel,
    ConfigureModel,
    EndStream,
    EngineAction,
    Finished,
    Recall,
    RunTool,
)
from runtime.call.ending import Ending
from runtime.call.plan import CallPlan
from runtime.call.tools.built_in import HANG_UP_FUNCTION
from runtime.call.tools.toolset import Function, Toolset
from runtime.call.usage import Usage
from runtime.engines.live import CAPABILITIES, LiveEngine
from runtime.engines.live_session import LiveSettings
from sandbox.model import BISTRO, Call, Say, Script, say, when
from sandbox.model.live.events import LiveEvent
from sandbox.model.live.session import LiveSession
from sandbox.speech import clip
from tests.runtime.engines.telephone import (
    ONE_WAY,
    ClipTelephone,
    book_a_table,
    heard,
    interrupt_the_menu,
    lines,
)
from tests.sandbox.model.live.oracle import judge_live_client_event, judge_live_server_event

GREETING = clip("agent-greeting-bistro")
SORRY = "Please call again later."
MENU = Function("read_menu", "Reads the menu.", {"type": "object", "properties": {}})
TOOLS = Toolset.of(HANG_UP_FUNCTION, MENU)
PLAN = CallPlan(
    greeting=GREETING.text,
    fallback_message=SORRY,
    capabilities=CAPABILITIES,
    pause_ms=0,
    tools=TOOLS,
)


class Telephone(ClipTelephone):
    """A caller who speaks clips, and between them sends silence, in a call with the sandbox's model."""

    def __init__(self, script: Script | None = None, plan: CallPlan = PLAN) -> None:
        super().__init__(plan)
        self.refusals: list[str] = []
        self.tool_answer = '{"menu": "soup"}'
        self._engine = LiveEngine(LiveSettings("You are a waiter.", tools=TOOLS))
        self._session = LiveSession(
            script=script or Script(), rng=random.Random(1), now=self.now * 1000, epoch_s=1_790_000_000
        )
        self.at(self.now + ONE_WAY, lambda: self.feed(ev.ModelConnected()))
        self._planned = float("inf")

    def carry_out(self, action: Action) -> None:
        super().carry_out(action)
        if isinstance(action, RunTool):
            answer = ev.ToolAnswered(action.call_id, self.tool_answer, None, 300)
            self.at(self.now + 0.3, lambda: self.feed(answer))
        elif isinstance(action, EngineAction):
            for frame in self._engine.write(action):
                self.at(self.now + ONE_WAY, partial(self._ask, frame))

    def _ask(self, frame: str) -> None:
        judge_live_client_event(frame)
        self._reply(self._session.handle(frame, self.now * 1000))

    def _reply(self, events: Iterable[LiveEvent]) -> None:
        for event in events:
            frame = event.encode("event_1")
            judge_live_server_event(frame)
            self.refusals += [frame] if event.type == "error" else []
            self.at(self.now + ONE_WAY, partial(self._hear_model, frame))
        due = self._session.wake_at()
        if due is not None and due / 1000 < self._planned:
            self._planned = due / 1000
            self.at(self._planned, self._wake_model)

    def _wake_model(self) -> None:
        self._planned = float("inf")
        self._reply(self._session.wake(self.now * 1000 + 0.001))  # what is due now, however it is rounded

    def _hear_model(self, frame: str) -> None:
        if not self.ended:
            self.feed(*self._engine.read(frame))


def test_a_conversation_reaches_both_ears_byte_for_byte() -> None:
    call = Telephone()
    book_a_table(call)
    assert call.refusals == []


def test_a_long_answer_that_is_interrupted_is_cut_where_the_caller_spoke() -> None:
    call = Telephone()
    interrupt_the_menu(call)
    assert len(call.actions(ClearPlayback)) == 1
    assert call.refusals == []


def test_a_tool_is_run_by_delegation_and_its_answer_is_spoken() -> None:
    script = Script(
        (
            when("caller-menu", (Say("One moment."), Call("read_menu", {}))),
            when("read_menu", say("agent-menu")),
        )
    )
    call = Telephone(script)
    call.pick_up()
    call.run(6.0)
    call.speak("caller-menu", then=14.0)
    assert heard(call, "agent-menu")
    assert [use.name for use in call.machine.facts.tools] == ["read_menu"]
    assert call.refusals == []


def test_an_agent_who_hangs_up_is_heard_to_the_end() -> None:
    goodbye = when("caller-thanks-goodbye", (say("agent-goodbye"), Call("hang_up")))
    call = Telephone(Script(rules=(goodbye, *BISTRO)))
    call.pick_up()
    call.run(6.0)
    call.speak("caller-thanks-goodbye", then=8.0)
    assert heard(call, "agent-goodbye")
    assert EndStream(None) in [action for _, action in call.done]
    assert call.done[-1][1] == Finished()
    assert call.machine.ending == Ending("completed", end_reason="agent_completed")


def test_a_caller_whom_the_model_does_not_answer_keeps_their_session() -> None:
    call = Telephone(Script(rules=(when("caller-menu", ()),)))
    call.pick_up()
    call.run(6.0)
    call.speak("caller-menu", then=20.0)
    assert call.actions(CloseModel) == []
    assert lines(call)[-1] == ("caller", clip("caller-menu").text)


def test_what_a_session_took_is_counted_when_the_call_is_over() -> None:
    call = Telephone()
    call.pick_up()
    call.run(1.0)
    call.feed(ev.StreamStopped())
    call.feed(ev.ModelUsed(Usage(session_seconds=1.5)))
    assert call.machine.facts.usage.session_seconds == 1.5


def test_the_session_after_a_loss_is_told_the_call_at_its_start() -> None:
    call = Telephone()
    call.pick_up()
    call.run(6.0)
    call.feed(ev.ModelLost("closed with 1006"))
    call.run(1.0)
    call.feed(ev.ModelConnected())
    configured = call.actions(ConfigureModel)[-1]
    assert isinstance(configured, ConfigureModel)
    assert [each.text for each in configured.history] == [GREETING.text]
    call.feed(ev.ModelConfigured(matches=True))
    assert call.actions(Recall) == []  # it knows
