"""Whatever happens in whatever order: one ending, nothing after it, and no claim beyond what was received."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.call import events as ev
from runtime.call.actions import (
    Action,
    BeginTransfer,
    CloseModel,
    ConnectModel,
    DeleteItem,
    EndStream,
    Finished,
    PlayAudio,
    PlayMark,
    SwapModel,
    TruncateItem,
)
from runtime.call.hearing.interruption import InterruptTerms
from runtime.call.machine import CallMachine
from runtime.call.plan import CallPlan, Capabilities
from runtime.call.stream_link import LONGEST_AWAY
from runtime.call.tools.built_in import HANG_UP_FUNCTION, transfer_function
from runtime.call.tools.toolset import Toolset
from tests.runtime.call.talk import QUIET, VOICE, plan_for
from tests.runtime.call.world import STREAM, payload

ITEMS = st.sampled_from(["a", "b", "c"])
RESPONSES = st.sampled_from(["r1", "r2"])
EVENTS: st.SearchStrategy[ev.Event] = st.one_of(
    st.just(ev.StreamStarted(STREAM, "CA1")),
    st.builds(ev.CallerAudio, st.sampled_from([VOICE, QUIET]), st.none() | st.integers(0, 60_000)),
    st.builds(ev.MarkPlayed, st.builds("g{}.{}".format, st.integers(1, 3), st.integers(1, 9))),
    st.builds(ev.KeyPressed, st.sampled_from("0123456789*#")),
    st.just(ev.BadFrame("?")),
    st.just(ev.ModelConnected()),
    st.builds(ev.ModelConfigured, st.sampled_from([True, True, True, False])),
    st.builds(ev.ModelAudio, RESPONSES, ITEMS, st.binary(max_size=5000).map(payload)),
    st.builds(ev.ModelAudioDone, ITEMS),
    st.builds(ev.ModelWords, ITEMS, st.text(max_size=20)),
    st.builds(ev.ModelWordsDone, ITEMS, st.text(max_size=40)),
    st.builds(ev.CallerSpeechStarted, st.sampled_from(["x", "y"]), st.integers(0, 10_000)),
    st.builds(ev.CallerSpeechStopped, st.sampled_from(["x", "y"]), st.integers(0, 10_000)),
    st.builds(ev.CallerWordsHeard, st.sampled_from(["x", "y"]), st.text(max_size=20)),
    st.builds(ev.CallerWords, st.sampled_from(["x", "y"]), st.text(max_size=20)),
    st.builds(ev.ResponseStarted, RESPONSES),
    st.builds(ev.ResponseEnded, RESPONSES, st.sampled_from(["completed", "cancelled", "failed"])),
    st.just(ev.RequestRefused("conversation_already_has_active_response", "")),
    st.builds(
        ev.ToolRequested, RESPONSES, st.just("call"), st.sampled_from(["hang_up", "fly"]), st.text(max_size=5)
    ),
    st.builds(ev.ModelProblem, st.just("server_error"), st.just("")),
)
TRANSFERS: st.SearchStrategy[ev.Event] = st.one_of(
    st.builds(
        ev.ToolRequested, RESPONSES, st.sampled_from(["t1", "t2", "t3"]), st.just("transfer"), st.just("{}")
    ),
    st.sampled_from([ev.TransferEnded("busy"), ev.TransferEnded("refused"), ev.TransferEnded(None)]),
)
# A session that tells when it ends, soon enough to be handed over, and what its successor may do.
EXPIRY = st.builds(ev.ModelConfigured, st.just(True), st.just(""), st.floats(0, 120))
HANDOVER: st.SearchStrategy[ev.Event] = st.one_of(
    EXPIRY,
    st.sampled_from([ev.ModelLost("1006"), ev.ModelConnected()]),
    st.builds(
        ev.OfSuccessor,
        st.one_of(
            EXPIRY, st.sampled_from([ev.ModelConnected(), ev.ModelLost("1006"), ev.ModelUnavailable("503")])
        ),
    ),
)
ENDS: st.SearchStrategy[ev.Event] = st.sampled_from(
    [
        ev.StreamStopped(),
        ev.StreamBroken("1006"),
        ev.ModelLost("1006"),
        ev.ModelUnavailable("401"),
        ev.ModelUnavailable("503", may_pass=True),
        ev.ModelProblem("insufficient_quota", "", fatal=True),
        ev.StatusReported("completed"),
        ev.StatusReported("failed"),
        ev.HangUpRequested(),
        ev.DrainExpired(),
    ]
)
STEPS = st.lists(
    st.tuples(
        st.floats(0, 3),
        st.one_of(EVENTS, EVENTS, EVENTS, EVENTS, EVENTS, HANDOVER, HANDOVER, TRANSFERS, ENDS),
    ),
    max_size=60,
)
TERMS = st.builds(
    InterruptTerms,
    allowed=st.booleans(),
    after_ms=st.sampled_from([0, 60, 250]),
    min_words=st.integers(0, 2),
    resume=st.booleans(),
)
IDLE = st.sampled_from([None, 5.0, 10.0])
TOOLS = Toolset.of(HANG_UP_FUNCTION, transfer_function([(None, None)]))
BEGINNING: list[tuple[float, ev.Event]] = [
    (0.1, ev.ModelConnected()),
    (0.1, ev.ModelConfigured(True)),
    (0.1, ev.StreamStarted(STREAM, "CA1")),
]


class Witness:
    """Drives a machine, waking it when it is due, and checks what it does at every step."""

    def __init__(self, plan: CallPlan) -> None:
        self.now = 0.0
        self.machine = CallMachine(plan, now=self.now)
        self.actions: list[Action] = []
        self.received: dict[str, int] = defaultdict(int)
        self.stream_open = False
        self.history: list[tuple[float, ev.Event | None]] = []
        """What the machine was told, and None for each time that it was woken."""

    def feed(self, event: ev.Event) -> None:
        if isinstance(event, ev.ModelAudio):
            self.received[event.item_id] += len(event.payload) * 3 // 4
        if isinstance(event, ev.StreamStarted):
            self.stream_open = True
        if isinstance(event, ev.StreamStopped | ev.StreamBroken):
            self.stream_open = False
        self.history.append((self.now, event))
        self._see(list(self.machine.handle(event, self.now)))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        wakes = 0
        while (due := self.machine.wake_at()) is not None and due <= end:
            wakes += 1
            assert wakes < 10_000, "the machine wants to be woken without end"
            self.now = max(self.now, due)
            self.history.append((self.now, None))
            self._see(list(self.machine.wake(self.now)))
        self.now = end

    def _see(self, actions: list[Action]) -> None:
        for action in actions:
            assert Finished() not in self.actions, "something was done after the end"
            if isinstance(action, PlayAudio | PlayMark | EndStream):
                assert self.stream_open, "something was sent to a stream that is not there"
            if isinstance(action, BeginTransfer):
                self.stream_open = False
            if isinstance(action, TruncateItem):
                assert 0 < action.heard_ms <= self.received[action.item_id] / 8
            self.actions.append(action)
        assert (self.machine.ending is not None) == (Finished() in self.actions)
        assert self.machine.transcript is not None


@settings(max_examples=150, deadline=None)
@given(started=st.booleans(), steps=STEPS, polite=st.booleans(), terms=TERMS, idle=IDLE)
def test_every_order_of_events_ends_once_and_stays_ended(
    started: bool,
    steps: list[tuple[float, ev.Event]],
    polite: bool,
    terms: InterruptTerms,
    idle: float | None,
) -> None:
    plan = CallPlan(
        greeting="Hello.",
        fallback_message="Bye.",
        max_call_seconds=90,
        capabilities=Capabilities(polite and terms.at_once, terms.at_once),
        interrupt=terms,
        idle_seconds=idle,
        tools=TOOLS,
    )
    witness = Witness(plan)
    for wait, event in (BEGINNING if started else []) + steps:
        witness.run(wait)
        witness.feed(event)
    witness.run(LONGEST_AWAY + 200.0)
    witness.feed(ev.StreamStopped())
    assert witness.actions.count(Finished()) == 1
    assert witness.actions[-1] == Finished()
    opened = 1 + sum(isinstance(action, ConnectModel) for action in witness.actions)
    assert sum(isinstance(action, CloseModel | SwapModel) for action in witness.actions) == opened
    assert witness.machine.ending is not None
    assert witness.machine.ending.status in ("rejected", "completed")
    reasons = (witness.machine.ending.reject_reason, witness.machine.ending.end_reason)
    assert sum(reason is not None for reason in reasons) == 1


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, terms=TERMS)
def test_no_item_is_cut_twice(steps: list[tuple[float, ev.Event]], terms: InterruptTerms) -> None:
    witness = Witness(plan_for(terms))
    for wait, event in BEGINNING + steps:
        witness.run(wait)
        witness.feed(event)
    cut = [action.item_id for action in witness.actions if isinstance(action, TruncateItem | DeleteItem)]
    assert len(cut) == len(set(cut))


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, terms=TERMS, idle=IDLE)
def test_a_machine_that_was_always_asked_when_to_wake_it_says_what_one_says_that_never_was(
    steps: list[tuple[float, ev.Event]], terms: InterruptTerms, idle: float | None
) -> None:
    plan = CallPlan(greeting="Hello.", interrupt=terms, idle_seconds=idle, tools=TOOLS)
    witness, unasked = Witness(plan), CallMachine(plan, now=0.0)
    for wait, event in [*BEGINNING, *steps, (0.02, ev.ModelAudio("r1", "a", payload(bytes(160))))]:
        witness.run(wait)
        witness.feed(event)
    for moment, told in witness.history:
        if told is None:
            unasked.wake(moment)
        else:
            unasked.handle(told, moment)
    assert unasked.wake_at() == witness.machine.wake_at()
