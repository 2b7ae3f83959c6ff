"""What becomes of a lead after each thing that can become of a call."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.outbound.orders import TERMINAL, CallFacts, CallStatus, DialRefused
from runtime.outbound.outcome import (
    ACCOUNT_TROUBLE,
    INVALID_NUMBER,
    NOT_ALLOWED,
    Finished,
    Outcome,
    Retry,
    RetryPolicy,
    decide,
    is_account_trouble,
)

NOW = 1_800_000_000.0
POLICY = RetryPolicy(max_retries=2, cooldown_s=1800)
MACHINES = ["machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other"]


def after(known: CallFacts | DialRefused, policy: RetryPolicy = POLICY, attempts: int = 1) -> str:
    """Return the decision as `finished …` or `retry …`, with the outcome of the attempt."""
    decision = decide(known, policy, attempts, NOW)
    if isinstance(decision, Finished):
        return f"finished {decision.outcome}"
    assert decision.at_s == NOW + policy.cooldown_s
    return f"retry {decision.reason}"


@pytest.mark.parametrize(
    ("facts", "decision"),
    [
        (CallFacts(status="completed"), "finished completed"),
        (CallFacts(status="completed", answered_by="human"), "finished completed"),
        (CallFacts(status="completed", answered_by="unknown"), "finished completed"),
        (CallFacts(status="completed", answered_by="fax"), "finished failed"),
        (CallFacts(status="completed", end_reason="caller_hangup"), "finished completed"),
        (CallFacts(status="completed", end_reason="agent_completed"), "finished completed"),
        (CallFacts(status="completed", end_reason="transferred"), "finished completed"),
        (CallFacts(status="completed", end_reason="max_duration"), "finished completed"),
        (CallFacts(status="completed", end_reason="model_error"), "retry failed"),
        (CallFacts(status="completed", end_reason="media_error"), "retry failed"),
        (CallFacts(status="completed", end_reason="voicemail"), "finished voicemail"),
        (CallFacts(status="completed", opted_out=True), "finished opted_out"),
        (CallFacts(status="failed", opted_out=True, error_code=31005), "finished opted_out"),
        (CallFacts(status="no-answer"), "retry no_answer"),
        (CallFacts(status="no-answer", sip_code=480), "retry no_answer"),
        (CallFacts(status="busy"), "retry busy"),
        (CallFacts(status="busy", sip_code=486), "retry busy"),
        (CallFacts(status="canceled"), "retry canceled"),
        (CallFacts(status="failed"), "retry failed"),
        (CallFacts(status="failed", sip_code=503), "retry failed"),
        (CallFacts(status="failed", sip_code=404), "finished invalid"),
        (CallFacts(status="failed", sip_code=604), "finished invalid"),
        (CallFacts(status="failed", error_code=13224), "finished invalid"),
        (CallFacts(status="failed", error_code=13227), "finished failed"),
    ],
)
def test_what_became_of_a_call_decides_what_becomes_of_the_lead(facts: CallFacts, decision: str) -> None:
    assert after(facts) == decision


@pytest.mark.parametrize(
    ("code", "permanent", "decision"),
    [
        (21211, True, "finished invalid"),
        (21214, True, "finished invalid"),
        (13223, True, "finished invalid"),
        (21219, True, "finished failed"),
        (21215, True, "finished failed"),
        (21216, False, "finished failed"),
        (21211, False, "finished invalid"),
        (99999, True, "finished failed"),
    ],
)
def test_a_number_that_is_refused_for_good_is_not_dialled_again(
    code: int | None, permanent: bool, decision: str
) -> None:
    assert after(DialRefused(code, "no", permanent=permanent)) == decision


@pytest.mark.parametrize("code", [20429, 20503, None])
def test_a_call_that_was_not_placed_for_no_fault_of_the_number_uses_up_no_retry(code: int | None) -> None:
    refused = DialRefused(code, "too many requests", permanent=False)
    waits = []
    for refusals in (1, 2, 3, 7, 5000):
        decision = decide(refused, POLICY, 99, NOW, refusals)
        assert isinstance(decision, Retry)
        assert not decision.counts
        waits.append(decision.at_s - NOW)
    assert waits == [60, 120, 240, 3600, 3600]


@pytest.mark.parametrize("answered_by", MACHINES)
@pytest.mark.parametrize(
    ("policy", "decision"),
    [("hang_up", "finished voicemail"), ("message", "finished voicemail"), ("retry", "retry voicemail")],
)
def test_a_machine_is_what_the_campaign_says_it_is(answered_by: str, policy: str, decision: str) -> None:
    terms = RetryPolicy(2, 1800, policy)  # type: ignore[arg-type]  # the parameters are the words of the policy
    assert after(CallFacts(status="completed", answered_by=answered_by), terms) == decision


@pytest.mark.parametrize(
    ("attempts", "decision"),
    [(1, "retry busy"), (2, "retry busy"), (3, "finished busy"), (4, "finished busy")],
)
def test_the_last_retry_ends_with_what_it_came_to(attempts: int, decision: str) -> None:
    assert after(CallFacts(status="busy"), attempts=attempts) == decision


def test_trouble_of_the_account_is_told_from_that_of_a_number() -> None:
    assert is_account_trouble(DialRefused(20003, "Authenticate", permanent=True))
    assert not is_account_trouble(DialRefused(21219, "not verified", permanent=True))
    assert not is_account_trouble(DialRefused(None, "no answer", permanent=False))
    assert not ACCOUNT_TROUBLE & (INVALID_NUMBER | NOT_ALLOWED)


KNOWN = st.one_of(
    st.builds(
        CallFacts,
        status=st.sampled_from(sorted(TERMINAL)),
        answered_by=st.sampled_from([None, "human", "fax", "unknown", *MACHINES]),
        sip_code=st.sampled_from([None, 200, 404, 480, 486, 503, 603]),
        end_reason=st.sampled_from([None, "caller_hangup", "voicemail", "model_error", "cancelled"]),
        error_code=st.sampled_from([None, *sorted(INVALID_NUMBER | NOT_ALLOWED), 31005]),
        opted_out=st.booleans(),
    ),
    st.builds(
        DialRefused,
        st.sampled_from([None, *sorted(INVALID_NUMBER | NOT_ALLOWED | ACCOUNT_TROUBLE)]),
        st.just("no"),
        permanent=st.booleans(),
    ),
)
POLICIES = st.builds(
    RetryPolicy, st.integers(0, 5), st.floats(0, 86_400), st.sampled_from(["hang_up", "message", "retry"])
)


@given(KNOWN, POLICIES, st.integers(1, 10))
def test_nobody_is_called_more_often_than_allowed_and_never_after_opting_out(
    known: CallFacts | DialRefused, policy: RetryPolicy, attempts: int
) -> None:
    decision = decide(known, policy, attempts, NOW)
    if isinstance(decision, Retry):
        assert attempts <= policy.max_retries or not decision.counts
        assert decision.at_s >= NOW
        assert not (isinstance(known, CallFacts) and known.opted_out)
    else:
        assert decision.outcome in get_args(Outcome)


def test_every_status_that_is_final_has_its_decision() -> None:
    final: set[CallStatus] = set(get_args(CallStatus)) - {"queued", "initiated", "ringing", "in-progress"}
    assert final == TERMINAL
    assert all(after(CallFacts(status=status)) for status in final)
