"""Whatever happens to a call in gather mode, and in which order: it is answered in time, and ends once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.call import events as ev
from runtime.call.text import gather_steps as gs
from runtime.call.text.gather_call import PATIENCE
from runtime.call.text.text_events import AskFailed, CallerSaid, CallerTyped, TextDelta, TextEnded
from tests.runtime.call.gather_driver import Carrier

TOOLS = ("hang_up", "look_up", "send_digits", "collect_digits", "take_message", "transfer", "nothing")
ARGUMENTS = ("{}", '{"digits": "12"}', '{"summary": "x"}', '{"message": "x"}', "nonsense")
ASKS = st.integers(1, 6).map(lambda number: f"ask-{number}")
EVENTS = st.one_of(
    st.sampled_from(
        [
            gs.Asked(),
            gs.Asked(CallerSaid("Hello.", 0.9)),
            gs.Asked(CallerSaid("Hello there.", 0.1)),
            gs.Asked(CallerTyped("12", "#")),
            gs.Overheard("hello"),
            gs.Overheard("hello there"),
            gs.CameBack(),
            ev.Prepared({"name": "Ada"}, complete=True),
            ev.Prepared(None, complete=False),
            ev.TransferEnded(None),
            ev.TransferEnded("busy"),
            ev.StatusReported("in-progress"),
        ]
    ),
    st.sampled_from([ev.StatusReported("completed"), ev.HangUpRequested(), ev.DrainExpired()]),
    st.builds(TextDelta, ASKS, st.sampled_from(["Yes. ", "It is", " there.", ""])),
    st.builds(TextEnded, ASKS),
    st.builds(AskFailed, ASKS, st.just("broken"), st.booleans()),
    st.builds(
        ev.ToolRequested, ASKS, st.sampled_from("abcd"), st.sampled_from(TOOLS), st.sampled_from(ARGUMENTS)
    ),
    st.builds(ev.ToolAnswered, st.sampled_from("abcd"), st.just("{}"), st.none(), st.just(5)),
)
PAUSES = st.sampled_from([0.0, 0.1, 0.5, 2.0, 9.0, 40.0])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(PAUSES, EVENTS), max_size=40),
    st.sampled_from(["none", "wanted", "required"]),
    st.sampled_from([None, "Good evening."]),
    st.booleans(),
)
def test_every_order_of_events_is_answered_in_time_and_ends_once(
    story: list[tuple[float, gs.GatherEvent]], prep: str, greeting: str | None, holds: bool
) -> None:
    call = Carrier(terms=gs.GatherTerms(holds=holds, before=3.0), prep=prep, greeting=greeting)
    for pause, event in story:
        call.wait(pause)
        call.feed(event)
        if call.machine.asked and not call.is_over():
            call.wait(PATIENCE)
            assert not call.machine.asked
    call.wait(4000)
    assert call.is_over()
    assert call.machine.ending is not None
    assert [step.number for step in call.steps] == list(range(1, len(call.steps) + 1))
    assert all(entry.text and entry.at_ms is not None for entry in call.machine.transcript)
