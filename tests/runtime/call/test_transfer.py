"""Transfers: where the caller ends up, and that nobody is left to ring or to wait for nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.call import transfer_steps as ts
from runtime.call.transfer import Phase, Transfer, TransferTerms
from runtime.call.transfer_steps import Document, Outcome, TransferAction, TransferEvent

PERSON = "CAperson"
WARM = TransferTerms(warm=True, ring_seconds=25, brief_seconds=30)
COLD = TransferTerms(warm=False, ring_seconds=25)

PARKED = (ts.CallerAsks(),)
RINGING = (*PARKED, ts.LegDialled(PERSON), ts.LegReports(PERSON, "ringing"))
ASKED = (*RINGING, ts.LegReports(PERSON, "in-progress"), ts.LegAsks(PERSON))
ACCEPTED = (*ASKED, ts.LegPressed(PERSON, "1"))
JOINED = (*ACCEPTED, ts.LegJoined(PERSON))


@dataclass
class Story:
    """One transfer, and all that it wanted done."""

    terms: TransferTerms = WARM
    now: float = 100.0
    done: list[TransferAction] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transfer = Transfer(self.terms, now=self.now)

    def play(self, *events: TransferEvent) -> Sequence[TransferAction]:
        """Let events happen, a tenth of a second apart, and return what the last one led to."""
        actions: Sequence[TransferAction] = ()
        for event in events:
            self.now += 0.1
            actions = self.transfer.handle(event, self.now)
            self.done += actions
        return actions

    def wait(self, seconds: float) -> list[TransferAction]:
        """Let time pass, and return what it led to."""
        end = self.now + seconds
        actions: list[TransferAction] = []
        while self.transfer.wake_at() <= end:
            self.now = max(self.now, self.transfer.wake_at())
            actions += self.transfer.wake(self.now)
        self.now = end
        self.done += actions
        return actions


def after(*events: TransferEvent, terms: TransferTerms = WARM) -> Story:
    story = Story(terms)
    story.play(*events)
    return story


def outcomes(actions: Iterable[TransferAction]) -> list[str]:
    return [action.outcome for action in actions if isinstance(action, ts.GiveBack)]


def document(actions: Iterable[TransferAction]) -> list[Document]:
    return [action.document for action in actions if isinstance(action, ts.Answer)]


# --- warm: the eight ways it can go -------------------------------------------------------------------


def test_a_person_who_presses_1_meets_the_caller_and_the_agent_leaves() -> None:
    story = after(*JOINED)

    assert document(story.done) == [Document.HOLD, Document.BRIEF, Document.JOIN]
    assert story.done[-1] == ts.PutThrough()
    assert outcomes(story.done) == []
    assert not any(isinstance(action, ts.CancelLeg) for action in story.done)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed"), ("canceled", "failed")],
)
def test_a_caller_comes_back_when_the_person_cannot_be_had(status: str, outcome: Outcome) -> None:
    story = after(*RINGING)

    assert story.play(ts.LegReports(PERSON, status)) == [ts.GiveBack(outcome), ts.BringBack()]
    assert story.play(ts.CallerAsks()) == ()
    assert story.transfer.phase is Phase.BACK


@pytest.mark.parametrize("key", ["2", "#", None])
def test_a_person_who_does_not_press_1_is_thanked_and_the_caller_comes_back(key: str | None) -> None:
    story = after(*ASKED)

    actions = story.play(ts.LegPressed(PERSON, key))

    assert actions == [ts.Answer(Document.DECLINE), ts.GiveBack("refused"), ts.BringBack()]


def test_voicemail_is_hung_up_on_and_the_caller_comes_back() -> None:
    story = after(*ASKED)

    actions = story.play(ts.LegIsMachine(PERSON))

    assert actions == [ts.CancelLeg(PERSON), ts.GiveBack("voicemail"), ts.BringBack()]


def test_a_person_who_hangs_up_during_the_brief_has_refused() -> None:
    assert outcomes(after(*ASKED).play(ts.LegReports(PERSON, "completed"))) == ["refused"]


def test_a_person_who_hangs_up_right_after_the_key_does_not_leave_the_caller_alone() -> None:
    assert outcomes(after(*ACCEPTED).play(ts.LegReports(PERSON, "completed"))) == ["refused"]


@pytest.mark.parametrize("events", [RINGING, ASKED, ACCEPTED])
@pytest.mark.parametrize("end", [ts.CallerLeft(), ts.CallOver(), ts.CallerAsks(dial="answered", gone=True)])
def test_a_caller_who_hangs_up_stops_the_persons_phone_at_once(
    events: tuple[TransferEvent, ...], end: TransferEvent
) -> None:
    story = after(*events)

    assert ts.CancelLeg(PERSON) in story.play(end)
    assert story.transfer.phase is Phase.GONE
    assert outcomes(story.done) == []


def test_a_phone_that_rings_too_long_is_stopped_and_the_caller_comes_back() -> None:
    story = after(*RINGING)

    assert story.wait(41)[:2] == [ts.CancelLeg(PERSON), ts.GiveBack("no_answer")]


# --- warm: what comes late, twice, or not at all ------------------------------------------------------


def test_a_leg_that_is_made_after_the_caller_hung_up_is_cancelled() -> None:
    story = after(*PARKED, ts.CallOver())

    assert story.play(ts.LegDialled(PERSON)) == [ts.CancelLeg(PERSON)]
    assert not story.play(ts.LegReports(PERSON, "ringing"))
    assert document(story.play(ts.LegAsks(PERSON))) == [Document.HANG_UP]


def test_a_leg_whose_making_was_not_confirmed_is_cancelled_when_it_rings_all_the_same() -> None:
    story = after(*PARKED, ts.DialFailed())

    assert outcomes(story.done) == ["failed"]
    assert story.play(ts.LegReports(PERSON, "ringing")) == [ts.CancelLeg(PERSON)]


def test_a_key_that_is_pressed_after_the_caller_went_back_hangs_up() -> None:
    story = after(*ASKED)
    story.wait(31)

    assert outcomes(story.done) == ["refused"]
    assert document(story.play(ts.LegPressed(PERSON, "1"))) == [Document.HANG_UP]


def test_a_machine_that_pressed_1_is_a_person() -> None:
    story = after(*ACCEPTED)

    assert story.play(ts.LegIsMachine(PERSON)) == ()
    assert story.play(ts.LegJoined(PERSON)) == [ts.PutThrough()]


def test_questions_that_are_repeated_get_the_same_answers() -> None:
    story = after(*PARKED)
    assert story.play(ts.CallerAsks()) == [ts.Answer(Document.HOLD)]
    story = after(*ASKED)
    assert story.play(ts.LegAsks(PERSON)) == [ts.Answer(Document.BRIEF)]
    story = after(*ACCEPTED)
    assert story.play(ts.LegPressed(PERSON, "1")) == [ts.Answer(Document.JOIN)]


def test_a_caller_who_cannot_be_brought_back_is_tried_for_again() -> None:
    story = after(*RINGING, ts.LegReports(PERSON, "busy"), ts.BringBackFailed())

    assert story.wait(3) == [ts.BringBack()]
    story.play(ts.CallerAsks())
    assert story.transfer.phase is Phase.BACK
    assert story.wait(100) == []


def test_a_caller_who_is_gone_is_not_brought_back() -> None:
    story = after(*RINGING, ts.LegReports(PERSON, "busy"), ts.BringBackFailed(over=True))

    assert story.transfer.phase is Phase.GONE
    assert story.wait(100) == []


def test_a_person_who_enters_after_the_caller_has_left_is_not_left_alone() -> None:
    story = after(*JOINED)

    assert story.play(ts.CallOver()) == ()  # our own end, since the agent has left
    assert story.play(ts.CallerLeft()) == [ts.CancelLeg(PERSON)]


def test_a_conference_that_somebody_ends_gives_the_caller_back() -> None:
    story = after(*RINGING)

    actions = story.play(ts.CallerAsks(dial="completed"))

    assert actions == [ts.CancelLeg(PERSON), ts.GiveBack("failed")]


def test_a_report_of_the_meeting_that_gets_lost_is_taken_as_given() -> None:
    story = after(*ACCEPTED)

    assert story.wait(11) == [ts.PutThrough()]


def test_a_caller_whose_question_never_comes_is_fetched() -> None:
    story = Story()

    assert story.wait(11) == [ts.GiveBack("failed"), ts.BringBack()]


# --- cold ---------------------------------------------------------------------------------------------


def test_a_cold_transfer_is_the_carriers_until_somebody_answers() -> None:
    story = after(ts.CallerAsks(), terms=COLD)
    assert document(story.done) == [Document.DIAL]

    assert story.play(ts.LegReports(PERSON, "in-progress")) == [ts.PutThrough()]
    assert story.play(ts.CallerAsks(dial="completed")) == [ts.Answer(Document.HANG_UP)]


def test_a_cold_transfer_that_was_answered_is_known_by_its_end_as_well() -> None:
    story = after(ts.CallerAsks(), terms=COLD)

    assert story.play(ts.CallerAsks(dial="completed", gone=True)) == [
        ts.Answer(Document.HANG_UP),
        ts.PutThrough(),
    ]


@pytest.mark.parametrize(
    ("dial", "outcome"), [("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed")]
)
def test_a_cold_transfer_that_reaches_nobody_gives_the_caller_back(dial: str, outcome: Outcome) -> None:
    story = after(ts.CallerAsks(), terms=COLD)

    assert story.play(ts.CallerAsks(dial=dial)) == [ts.GiveBack(outcome)]
    assert story.transfer.phase is Phase.BACK


def test_a_caller_who_hangs_up_while_it_rings_was_not_put_through() -> None:
    story = after(ts.CallerAsks(), ts.CallerAsks(dial="no-answer", gone=True), terms=COLD)

    assert ts.PutThrough() not in story.done
    assert story.transfer.phase is Phase.GONE


# --- laws ---------------------------------------------------------------------------------------------

LEGS = st.sampled_from([PERSON, "CAstranger"])
STATUSES = st.sampled_from(
    ["initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"]
)
EVENTS: st.SearchStrategy[TransferEvent] = st.one_of(
    st.builds(
        ts.CallerAsks,
        dial=st.sampled_from([None, "completed", "answered", "busy", "no-answer", "failed"]),
        gone=st.booleans(),
    ),
    st.just(ts.CallerLeft()),
    st.just(ts.CallOver()),
    st.builds(ts.BringBackFailed, over=st.booleans()),
    st.builds(ts.LegDialled, LEGS),
    st.just(ts.DialFailed()),
    st.builds(ts.LegReports, LEGS, STATUSES),
    st.builds(ts.LegIsMachine, LEGS),
    st.builds(ts.LegAsks, LEGS),
    st.builds(ts.LegPressed, LEGS, st.sampled_from(["1", "2", None])),
    st.builds(ts.LegJoined, LEGS),
)
STEPS = st.lists(st.one_of(EVENTS, st.floats(0.1, 60)), max_size=25)


@given(STEPS, st.booleans())
def test_whatever_happens_the_caller_has_one_fate_and_the_transaction_ends(
    steps: list[TransferEvent | float], warm: bool
) -> None:
    story = Story(WARM if warm else COLD)
    for step in steps:
        if isinstance(step, float):
            story.wait(step)
        else:
            story.play(step)
    story.wait(300)

    assert story.transfer.over
    fates = [action for action in story.done if isinstance(action, ts.GiveBack | ts.PutThrough)]
    assert len(fates) <= 1
    dialled = [action for action in story.done if isinstance(action, ts.DialPerson)]
    assert len(dialled) <= int(warm)
    cancelled = [action for action in story.done if isinstance(action, ts.CancelLeg)]
    assert len(cancelled) == len(set(cancelled))


LEAVINGS: st.SearchStrategy[TransferEvent] = st.sampled_from([ts.CallerLeft(), ts.CallOver()])
ENDINGS = (ts.CancelLeg(PERSON), ts.Answer(Document.HANG_UP), ts.Answer(Document.DECLINE))


@dataclass
class Person:
    """The one leg that a warm transfer may make, and the callbacks about it that are on their way."""

    made: bool = False
    alive: bool = False
    joined: bool = False
    callbacks: list[TransferEvent] = field(default_factory=list)

    def end(self) -> None:
        if self.alive:
            self.alive = False
            self.callbacks.append(ts.LegReports(PERSON, "completed"))


@given(st.data())
def test_no_leg_rings_or_waits_for_nobody_however_the_callbacks_interleave(data: st.DataObject) -> None:
    """A carrier that makes the leg late, answers, is asked, and delivers callbacks in any order."""
    story, person = Story(), Person()

    def carry_out(actions: Sequence[TransferAction]) -> None:
        for action in actions:
            if isinstance(action, ts.DialPerson):
                person.made = person.alive = True
                person.callbacks += [ts.LegDialled(PERSON), ts.LegReports(PERSON, "ringing")]
            elif action in ENDINGS:
                person.end()
            elif action == ts.Answer(Document.JOIN) and person.alive:
                person.joined = True
                person.callbacks.append(ts.LegJoined(PERSON))

    carry_out(story.play(ts.CallerAsks()))
    for _ in range(data.draw(st.integers(0, 12))):
        moves = ["deliver", "answers", "presses", "person hangs up", "machine", "caller", "wait"]
        move = data.draw(st.sampled_from(moves))
        if move == "deliver" and person.callbacks:
            carry_out(story.play(person.callbacks.pop(data.draw(st.integers(0, len(person.callbacks) - 1)))))
        elif move == "answers" and person.alive:
            carry_out(story.play(ts.LegAsks(PERSON)))
        elif move == "presses" and person.alive:
            carry_out(story.play(ts.LegPressed(PERSON, data.draw(st.sampled_from(["1", "5", None])))))
        elif move == "machine" and person.alive:
            carry_out(story.play(ts.LegIsMachine(PERSON)))
        elif move == "person hangs up":
            person.end()
        elif move == "caller":
            carry_out(story.play(data.draw(LEAVINGS)))
        elif move == "wait":
            carry_out(story.wait(data.draw(st.floats(0.5, 40))))
    while person.callbacks:  # all of them arrive in the end
        carry_out(story.play(person.callbacks.pop(0)))
    carry_out(story.wait(300))
    while person.callbacks:
        carry_out(story.play(person.callbacks.pop(0)))

    together = story.transfer.phase is Phase.TOGETHER
    assert not person.alive or (together and person.joined)
