"""How a call ended, computed from what was recorded about it: one pure and total function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runtime.call.usage import Usage
from runtime.call_record import ToolUse

if TYPE_CHECKING:
    from runtime.call.events import AnswererKnown
    from runtime.call_record import EndReason, JsonValue, RejectReason, Status, TurnLatency

# Twilio's CallStatus values that end a call, and what each of them means in a record.
REPORTED_ENDINGS: dict[str, EndReason] = {
    "completed": "caller_hangup",
    "busy": "busy",
    "failed": "failed",
    "no-answer": "no_answer",
    "canceled": "cancelled",
}


MOST_PROBLEM_CODES: Final = 32
MACHINE_DETECTION: Final = "machine_detection"
"""The name under which a record's tools show who has answered."""
_NO_PERSONS: Final[dict[str, EndReason]] = {"machine": "voicemail", "fax": "failed"}


@dataclass(slots=True)
class CallFacts:
    """What happened, each fact recorded when it happened. Conclusions are drawn by `conclude` only."""

    refused: RejectReason | None = None
    streaming: bool = False
    spoken: bool = False
    stopped: bool = False
    broken: str | None = None
    reported: str | None = None
    cancelled: bool = False
    drained: bool = False
    time_is_up: bool = False
    agent_hung_up: bool = False
    transferred: bool = False
    caller_silent: bool = False
    stream_missed: bool = False
    no_person: EndReason | None = None
    """What answered a call of ours, where it was nobody to talk with."""
    message: str | None = None
    """What is left to an answering machine."""
    dismissed: bool = False
    """The carrier was given a document that ends the call."""
    model_failure: str | None = None
    caller_audio_dropped_ms: int = 0
    caller_audio_filled_ms: int = 0
    caller_frames_dropped: int = 0
    bad_frames: int = 0
    bad_model_audio: int = 0
    model_problems: dict[str, int] = field(default_factory=dict)
    first_word_ms: int | None = None
    turns: list[TurnLatency] = field(default_factory=list)
    tools: list[ToolUse] = field(default_factory=list)
    caller_profile: JsonValue = None
    usage: Usage = field(default_factory=Usage)

    def met_problem(self, code: str) -> None:
        """Count an error that a model reported; of kinds beyond the first few the model is not believed."""
        if code in self.model_problems or len(self.model_problems) < MOST_PROBLEM_CODES:
            self.model_problems[code] = self.model_problems.get(code, 0) + 1

    def agent_speaks(self, at_ms: int) -> None:
        """Note that the agent is heard, `at_ms` after the answer; its first word is the one that counts."""
        if not self.spoken:
            self.spoken = True
            self.first_word_ms = at_ms

    def answered(self, event: AnswererKnown) -> bool:
        """Note who has answered, once; whether the call is over by that."""
        if any(use.name == MACHINE_DETECTION for use in self.tools):
            return False
        self.tools.append(ToolUse(MACHINE_DETECTION, {}, event.who, event.ms))
        self.no_person = _NO_PERSONS.get(event.who.partition("_")[0])
        self.message = event.message if self.no_person == "voicemail" else None
        return self.no_person is not None

    def used(self, usage: Usage | None) -> None:
        """Add what the models say that they counted."""
        if usage is not None:
            self.usage += usage


@dataclass(frozen=True, slots=True)
class Ending:
    """A call's state in the words of its record."""

    status: Status
    reject_reason: RejectReason | None = None
    end_reason: EndReason | None = None


def conclude(facts: CallFacts) -> Ending:
    """Return what the facts amount to; a call that goes on is `incoming` or `active`, without a reason.

    Where several facts hold, the cause outranks its consequences: an operator's hang-up also stops the
    stream, and a caller who leaves while the agent says goodbye has not cut the call short.
    """
    if facts.refused:
        return Ending("rejected", reject_reason=facts.refused)
    if reason := _ordered_end(facts):
        return Ending("completed", end_reason=reason)
    if facts.model_failure is not None:
        if facts.spoken:
            return Ending("completed", end_reason="model_error")
        return Ending("rejected", reject_reason="model_unavailable")
    if facts.stream_missed:
        return Ending("rejected", reject_reason="stream_timeout")
    if facts.stopped:
        return Ending("completed", end_reason="caller_hangup")
    if facts.reported in REPORTED_ENDINGS:
        return Ending("completed", end_reason=REPORTED_ENDINGS[facts.reported])
    if facts.broken is not None:
        return Ending("completed", end_reason="media_error")
    return Ending("active" if facts.streaming else "incoming")


def hung_up_elsewhere(ending: Ending, ended_at: int | None, cancelled_at: int) -> Ending:
    """Return how a call ended that an operator hung up at another node, at `cancelled_at` (epoch ms).

    What its own node saw of that is the consequence: a stream that stopped, or Twilio's report. A call that
    was refused, or over before, ended as it did.
    """
    if ending.status != "completed" or (ended_at is not None and ended_at < cancelled_at):
        return ending
    return Ending("completed", end_reason="cancelled")


def _ordered_end(facts: CallFacts) -> EndReason | None:
    """Return why our side ended the call on purpose, if it did."""
    if facts.cancelled:
        return "cancelled"
    if facts.no_person is not None:
        return facts.no_person
    if facts.drained:
        return "drained"
    if facts.transferred:
        return "transferred"
    if facts.time_is_up:
        return "max_duration"
    if facts.agent_hung_up:
        return "agent_completed"
    if facts.caller_silent:
        return "idle"
    return None
