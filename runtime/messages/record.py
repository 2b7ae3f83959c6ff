"""How messages stand in the record of their conversation.

A turn of the agent's is heard when it has been read (delivered, where nobody tells that it was read), and
interrupted when it was lost; a line behind it says why. The parts of a long answer are one turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from runtime.messages import statuses

if TYPE_CHECKING:
    from runtime.call_record import CallRecord, TranscriptEntry

LOST: Final = "-lost"


@dataclass(frozen=True, slots=True)
class Fate:
    """What has become of one message of ours: `took_ms` is how long it was on its way by then."""

    item_id: str
    status: str
    error_code: int | None
    took_ms: int | None


def with_fates(record: Mapping[str, Any], fates: Iterable[Fate]) -> dict[str, Any]:
    """Return a stored record in which the agent's turns show what has become of them; idempotent."""
    by_turn: dict[str, list[Fate]] = {}
    for fate in fates:
        by_turn.setdefault(fate.item_id, []).append(fate)
    known = {entry["item_id"] for entry in record["transcript"]}
    transcript: list[dict[str, Any]] = []
    for entry in record["transcript"]:
        parts = by_turn.get(entry["item_id"], []) if entry["role"] == "agent" else []
        lost = next((part for part in parts if statuses.is_lost(part.status)), None)
        transcript.append(entry if not parts else {**entry, **_reached(parts, lost)})
        name = f"{entry['item_id']}{LOST}"
        if lost is not None and name not in known:
            transcript.append(_line(entry, name, lost))
    return {**record, "transcript": transcript}


def _reached(parts: Iterable[Fate], lost: Fate | None) -> dict[str, Any]:
    arrived = lost is None and all(statuses.has_arrived(part.status) for part in parts)
    took = [part.took_ms for part in parts if part.took_ms is not None]
    known = lost is not None or arrived
    heard_ms = max(took, default=None) if arrived else None
    return {"heard_ms": heard_ms, "interrupted": lost is not None if known else None}


def _line(entry: Mapping[str, Any], name: str, lost: Fate) -> dict[str, Any]:
    taken_back = lost.status == statuses.CANCELED
    reason = "it was taken back" if taken_back else statuses.reason_of(lost.error_code)
    text = f"[not delivered: {reason}]"
    return {**entry, "role": "tool", "text": text, "heard_ms": None, "interrupted": None, "item_id": name}


def as_written(transcript: Iterable[TranscriptEntry]) -> tuple[TranscriptEntry, ...]:
    """Return the turns of a talk as those of messages, of which nobody knows yet whether they were read."""
    return tuple(replace(entry, heard_ms=None, interrupted=None) for entry in transcript)


def idle_record(record: CallRecord, at: int) -> CallRecord:
    """Return the record of a conversation in which nothing was written until `at` (epoch ms)."""
    return replace(ended(record, at), end_reason="idle")


def ended(record: CallRecord, at: int) -> CallRecord:
    """Return the record of a conversation that is over; `at` is when (epoch ms).

    Its duration is the time from its first message to the last one.
    """
    last = max((entry.at_ms for entry in record.transcript if entry.at_ms is not None), default=0)
    return replace(record, status="completed", ended_at=at, duration_seconds=last / 1000)
