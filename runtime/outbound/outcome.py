"""What follows from an attempt: one pure function from what is known of it to what is done about the lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from runtime.outbound.orders import CallFacts, DialRefused, VoicemailPolicy

Outcome: TypeAlias = Literal[
    "completed",
    "no_answer",
    "busy",
    "failed",
    "canceled",
    "voicemail",
    "opted_out",
    "do_not_call",
    "duplicate",
    "invalid",
    "cancelled",
]
"""How it ended with a lead. `canceled` is Twilio's word for a call that was taken back while it rang;
`cancelled` says that the campaign was."""

# Twilio: codes after which the same number would be refused again. These say that it is no number to call,
INVALID_NUMBER: Final = frozenset({13223, 13224, 13226, 21211, 21214, 21217, 21401})
# and these that this account must not call it: not verified on a trial, a country that is not enabled, a
# blocked number, a premium one.
NOT_ALLOWED: Final = frozenset({10002, 13225, 13227, 21203, 21215, 21216, 21219})
# These are about the account or the number that calls, so every lead would get them.
ACCOUNT_TROUBLE: Final = frozenset({10001, 20003, 20005, 21210, 21212, 21213})
# RFC 3261, 21: the number is not found, is gone, is no address, or exists nowhere.
NO_SUCH_NUMBER_SIP: Final = frozenset({404, 410, 484, 604})

# How long a lead waits after its call was refused for no fault of its number; twice as long each time.
BACK_OFF_SECONDS: Final = 60.0
LONGEST_BACK_OFF_SECONDS: Final = 3600.0

# A call that came about, and that a fault of ours ended before the agent could do its work.
_OUR_FAULT: Final = frozenset({"model_error", "media_error", "drained", "failed"})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after how many seconds somebody is called again, and what a machine counts as."""

    max_retries: int
    cooldown_s: float
    voicemail: VoicemailPolicy = "hang_up"


@dataclass(frozen=True, slots=True)
class Finished:
    """Nobody calls this lead again."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Retry:
    """The lead is called again, at `at_s` seconds since the epoch or when its hours allow it after that.

    `counts` says whether the attempt uses up a retry: only a call does, or a number that is refused.
    """

    at_s: float
    reason: Outcome
    counts: bool = True


Decision: TypeAlias = Finished | Retry


def decide(
    known: CallFacts | DialRefused, policy: RetryPolicy, attempts: int, now_s: float, refusals: int = 1
) -> Decision:
    """Return what becomes of a lead after an attempt that is over, the last of `attempts`.

    A number that was refused, by Twilio or by what `tm` knows itself, is an attempt as well: so one that
    nobody can call comes to an end. Where there was no call for another reason it is tried again, later each
    time: `refusals` counts those up to this one.
    """
    outcome = outcome_of(known)
    if isinstance(known, DialRefused) and _is_for_now(known):
        pause = min(BACK_OFF_SECONDS * 2 ** min(refusals - 1, 10), LONGEST_BACK_OFF_SECONDS)
        return Retry(now_s + pause, outcome, counts=False)
    if not _is_worth_another(known, outcome, policy) or attempts > policy.max_retries:
        return Finished(outcome)
    return Retry(now_s + policy.cooldown_s, outcome)


def _is_for_now(refused: DialRefused) -> bool:
    """Tell whether the same order may be taken at another time: too many requests, a database away."""
    return not refused.permanent and refused.code not in INVALID_NUMBER | NOT_ALLOWED


def outcome_of(known: CallFacts | DialRefused) -> Outcome:
    """Return what an attempt came to, looked at alone."""
    if isinstance(known, DialRefused):
        return "invalid" if known.code in INVALID_NUMBER else "failed"
    assert known.is_final, "an attempt that is not over has come to nothing yet"
    if known.opted_out:
        return "opted_out"
    if known.status == "completed":
        return _after_an_answer(known)
    if _is_no_number(known):
        return "invalid"
    return _UNANSWERED[known.status]


_UNANSWERED: Final[dict[str, Outcome]] = {
    "busy": "busy",
    "no-answer": "no_answer",
    "canceled": "canceled",
    "failed": "failed",
}


def _after_an_answer(known: CallFacts) -> Outcome:
    if known.end_reason == "voicemail" or _is_machine(known.answered_by):
        return "voicemail"
    if known.answered_by == "fax" or known.end_reason in _OUR_FAULT:
        return "failed"
    return "completed"


def _is_machine(answered_by: str | None) -> bool:
    """Twilio: machine_start, machine_end_beep, machine_end_silence, machine_end_other."""
    return answered_by is not None and answered_by.startswith("machine")


def _is_no_number(known: CallFacts) -> bool:
    return known.error_code in INVALID_NUMBER or known.sip_code in NO_SUCH_NUMBER_SIP


def _is_worth_another(known: CallFacts | DialRefused, outcome: Outcome, policy: RetryPolicy) -> bool:
    """Tell whether another attempt may come to something else."""
    if isinstance(known, DialRefused):
        return False
    if outcome == "voicemail":
        return policy.voicemail == "retry"
    if known.answered_by == "fax" or known.error_code in NOT_ALLOWED:
        return False
    return outcome in ("no_answer", "busy", "failed", "canceled")


def is_account_trouble(refused: DialRefused) -> bool:
    """Tell whether the reason lies with the account or the number that calls: then others fare no better."""
    return refused.code in ACCOUNT_TROUBLE
