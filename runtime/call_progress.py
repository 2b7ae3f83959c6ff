"""What a call's record does not show and another node has to know to go on with the call.

A checkpoint is the record so far and this. It is in the database before it is needed: when the call begins,
when its stream starts, and at the turns of the conversation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from runtime.call.plan import CallPlan
from runtime.call.stream_link import BACK
from runtime.call.tools.built_in import LANGUAGE_SWITCHED, SWITCH_LANGUAGE
from runtime.call_record import Caller, CallRecord, Latency, ToolUse, TranscriptEntry, TurnLatency
from runtime.figures.prices import joined_cost
from runtime.outbound.orders import DialOrder


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call has come. Times are epoch milliseconds.

    `expires_at` is when it is over at the latest, whatever becomes of its node; `returns` counts how often
    the caller has come back to a new stream.
    """

    expires_at: int
    answered_at: int | None = None
    returns: int = 0


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A call that another run of a node had, as its last checkpoint shows it.

    `order` is what it was placed with, if it was.
    """

    record: CallRecord
    progress: Progress
    order: DialOrder | None = None

    @property
    def prepared(self) -> bool:
        """Whether prep has had its turn: what it brought, if anything, is in the record."""
        return self.record.caller_profile is not None or bool(self.record.transcript)


def read_record(row: Mapping[str, Any]) -> CallRecord:
    """Return a record from the JSON that it was stored as; its status and ending are not taken over.

    Raises KeyError, TypeError or ValueError for a row that is no record.
    """
    caller, latency, recordings = row["caller"], row["latency"], row["recordings"]
    return CallRecord(
        id=row["id"],
        agent=row["agent"],
        direction=row["direction"],
        status="incoming",
        started_at=row["started_at"],
        channel=row["channel"],
        call_sid=row["call_sid"],
        agent_revision=row["agent_revision"],
        caller=Caller(caller["number"], caller["country"]) if caller else None,
        caller_profile=row["caller_profile"],
        model=row["model"],
        transcript=tuple(TranscriptEntry(**entry) for entry in row["transcript"]),
        tools=tuple(ToolUse(**use) for use in row["tools"]),
        latency=_latency(latency) if latency else None,
        cost=row["cost"],
        recordings=tuple(recordings) if recordings is not None else None,
        summary=row["summary"],
    )


def continued(plan: CallPlan, interrupted: Interrupted) -> CallPlan:
    """Return the terms of a call for the rest of it.

    A caller who has heard nothing yet is greeted as at the beginning.
    """
    answered_at = interrupted.progress.answered_at
    returned = replace(
        plan,
        returns=interrupted.progress.returns,
        answered_at=None if answered_at is None else answered_at / 1000 - plan.epoch_at_zero,
    )
    returned = replace(returned, language=_language(interrupted.record))
    history = interrupted.record.transcript
    return replace(returned, history=history, opening=BACK) if history else returned


def _language(record: CallRecord) -> str | None:
    """Return the language that the agent has changed to, None while it is the first one."""
    switched = json.loads(LANGUAGE_SWITCHED)
    languages = [
        str(use.arguments.get("language"))
        for use in record.tools
        if use.name == SWITCH_LANGUAGE and use.result == switched
    ]
    return languages[-1] if languages else None


def joined(before: CallRecord, after: CallRecord) -> CallRecord:
    """Return the record of a whole call of whose beginning another run has kept the record."""
    first, then = before.latency or Latency(), after.latency or Latency()
    word = then.first_word_ms if first.first_word_ms is None else first.first_word_ms
    return replace(
        after,
        transcript=(*before.transcript, *after.transcript),
        tools=(*before.tools, *after.tools),
        caller_profile=after.caller_profile if after.caller_profile is not None else before.caller_profile,
        latency=Latency(word, (*first.turns, *then.turns)),
        cost=joined_cost(before.cost, after.cost),
    )


def _latency(row: Mapping[str, Any]) -> Latency:
    return Latency(row["first_word_ms"], tuple(TurnLatency(**turn) for turn in row["turns"]))
