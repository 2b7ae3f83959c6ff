"""What is known of a call, whatever order the reports come in."""

from __future__ import annotations

import itertools
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from runtime.outbound.facts import is_told, merged
from runtime.outbound.orders import CallFacts

RINGS = CallFacts("CA1", "ringing")
ANSWERED = CallFacts("CA1", "in-progress")
MACHINE = CallFacts("CA1", answered_by="machine_end_beep")
OURS = CallFacts("CA1", "in-progress", end_reason="voicemail")
OVER = CallFacts("CA1", "completed", sip_code=200, seconds=12)


def test_reports_in_any_order_come_to_the_same() -> None:
    known = CallFacts("CA1", "completed", "machine_end_beep", 200, "voicemail", None, 12)
    for reports in itertools.permutations([RINGS, ANSWERED, MACHINE, OURS, OVER]):
        assert reduce(merged, reports, CallFacts()) == known


@given(st.lists(st.sampled_from([RINGS, ANSWERED, MACHINE, OURS, OVER])))
def test_a_report_that_comes_again_says_nothing_new(reports: list[CallFacts]) -> None:
    once = reduce(merged, reports, CallFacts())
    assert reduce(merged, reports, once) == once


def test_the_first_end_of_a_call_is_its_end() -> None:
    assert merged(CallFacts(status="busy"), OVER).status == "busy"


def test_who_has_asked_not_to_be_called_has_done_so() -> None:
    asked = CallFacts(opted_out=True)
    assert merged(asked, OVER).opted_out
    assert merged(OVER, asked).opted_out


def test_of_a_talk_our_own_report_is_waited_for() -> None:
    assert not is_told(ANSWERED)
    assert not is_told(OVER)
    assert is_told(merged(OVER, OURS))
    assert is_told(CallFacts(status="no-answer"))
