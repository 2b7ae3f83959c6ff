"""A call in relay mode under events in any order: one end, nothing after it, no wake-up for nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.call import events as ev
from runtime.call.actions import Finished
from runtime.call.text import relay_steps as rs
from runtime.call.text.text_events import AskFailed, TextDelta, TextEnded
from tests.runtime.call.gather_driver import TOOLS
from tests.runtime.call.test_relay_call import PLAN, Driver

TOOL_NAMES = ("hang_up", "transfer", "collect_digits", "send_digits", "look_up", "unknown")
ARGUMENTS = ("{}", '{"digits": "12", "summary": "A table."}')
ASKS = st.integers(0, 5).map("ask-{}".format)
EVENTS: st.SearchStrategy[rs.RelayEvent] = st.one_of(
    st.just(ev.StreamStarted("VX1", "CA1")),
    st.just(ev.StreamBroken("gone")),
    st.just(ev.BadFrame("nothing")),
    st.builds(rs.Prompted, st.sampled_from(["", "A table", "A table for two."]), st.booleans()),
    st.builds(rs.Interrupted, st.sampled_from(["", "Good", "Very well"]), st.integers(0, 900)),
    st.builds(rs.AgentSounds, st.booleans()),
    st.builds(rs.CallerSounds, st.booleans()),
    st.builds(rs.SessionFailed, st.just("64105"), st.booleans()),
    st.builds(ev.KeyPressed, st.sampled_from("12#")),
    st.builds(TextDelta, ASKS, st.sampled_from(["Very", " well.", "\n"])),
    st.builds(TextEnded, ASKS),
    st.builds(AskFailed, ASKS, st.just("broken off"), st.booleans()),
    st.builds(
        ev.ToolRequested,
        ASKS,
        st.sampled_from(["call-1", "call-2"]),
        st.sampled_from(TOOL_NAMES),
        st.sampled_from(ARGUMENTS),
    ),
    st.builds(
        ev.ToolAnswered, st.sampled_from(["call-1", "call-2"]), st.just("{}"), st.none(), st.integers(0, 9)
    ),
    st.builds(ev.TransferEnded, st.none() | st.just("busy")),
    st.builds(ev.Prepared, st.none(), st.booleans()),
    st.builds(ev.StatusReported, st.sampled_from(["in-progress", "completed"])),
)
STORIES = st.lists(st.tuples(EVENTS, st.sampled_from([0.0, 0.1, 0.5, 3.0, 12.0])), max_size=30)


@settings(max_examples=300, deadline=None)
@given(STORIES, st.sampled_from(["none", "wanted", "required"]), st.booleans())
def test_whatever_happens_a_call_ends_once(
    story: list[tuple[rs.RelayEvent, float]], prep: Literal["none", "wanted", "required"], greets: bool
) -> None:
    plan = replace(PLAN, tools=TOOLS, prep=prep, greeting=PLAN.greeting if greets else None)
    driver = Driver(plan)
    for event, seconds in story:
        driver.feed(event, after=seconds)
    driver.pass_by(2_000)
    assert sum(isinstance(action, Finished) for action in driver.done) == 1
    assert isinstance(driver.done[-1], Finished)
    assert sum(isinstance(action, rs.EndRelay) for action in driver.done) <= 6
    assert driver.machine.ending is not None
    assert driver.machine.ending.status in {"completed", "rejected"}
