"""What the recorded facts of a call amount to."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from runtime.call.ending import CallFacts, Ending, conclude

LIVE = CallFacts(streaming=True)
TALKING = CallFacts(streaming=True, spoken=True)


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        (CallFacts(), Ending("incoming")),
        (LIVE, Ending("active")),
        (CallFacts(refused="not_allowed"), Ending("rejected", "not_allowed")),
        (CallFacts(refused="concurrent_limit"), Ending("rejected", "concurrent_limit")),
        (CallFacts(refused="draining"), Ending("rejected", "draining")),
        (CallFacts(stream_missed=True), Ending("rejected", "stream_timeout")),
        (CallFacts(model_failure="401"), Ending("rejected", "model_unavailable")),
        (replace(LIVE, model_failure="401"), Ending("rejected", "model_unavailable")),
        (replace(TALKING, model_failure="1006"), Ending("completed", None, "model_error")),
        (replace(TALKING, stopped=True), Ending("completed", None, "caller_hangup")),
        (replace(TALKING, reported="completed"), Ending("completed", None, "caller_hangup")),
        (replace(TALKING, broken="1006"), Ending("completed", None, "media_error")),
        (replace(TALKING, cancelled=True), Ending("completed", None, "cancelled")),
        (replace(TALKING, drained=True), Ending("completed", None, "drained")),
        (replace(TALKING, time_is_up=True), Ending("completed", None, "max_duration")),
        (replace(TALKING, agent_hung_up=True), Ending("completed", None, "agent_completed")),
        (CallFacts(reported="busy"), Ending("completed", None, "busy")),
        (CallFacts(reported="no-answer"), Ending("completed", None, "no_answer")),
        (CallFacts(reported="failed"), Ending("completed", None, "failed")),
        (CallFacts(reported="canceled"), Ending("completed", None, "cancelled")),
    ],
)
def test_each_fact_has_its_ending(facts: CallFacts, ending: Ending) -> None:
    assert conclude(facts) == ending


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        # an operator's hang-up also stops the stream
        (replace(TALKING, cancelled=True, stopped=True), Ending("completed", None, "cancelled")),
        # the caller leaves during the goodbye
        (replace(TALKING, agent_hung_up=True, stopped=True), Ending("completed", None, "agent_completed")),
        # the stream for the fallback message never came
        (CallFacts(model_failure="401", stream_missed=True), Ending("rejected", "model_unavailable")),
        # the status callback comes after the socket broke
        (replace(TALKING, broken="1006", reported="completed"), Ending("completed", None, "caller_hangup")),
    ],
)
def test_a_cause_outranks_its_consequences(facts: CallFacts, ending: Ending) -> None:
    assert conclude(facts) == ending


def test_every_combination_of_facts_has_exactly_one_reason() -> None:
    flags = (
        "streaming",
        "spoken",
        "stopped",
        "cancelled",
        "drained",
        "time_is_up",
        "agent_hung_up",
        "stream_missed",
    )
    for values in product([False, True], repeat=len(flags)):
        for broken, failure in product([None, "gone"], repeat=2):
            facts = CallFacts(broken=broken, model_failure=failure)
            for flag, value in zip(flags, values, strict=True):
                setattr(facts, flag, value)
            ending = conclude(facts)
            reasons = [ending.reject_reason, ending.end_reason]
            over = any(values[2:]) or broken is not None or failure is not None
            assert sum(reason is not None for reason in reasons) == over
            assert (ending.reject_reason is not None) == (ending.status == "rejected")
