"""A call that was placed, as it is kept: the order, and what is known of what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from runtime.outbound.orders import CallFacts, DialOrder

if TYPE_CHECKING:
    from runtime.call_record import CallRecord
    from runtime.outbound.orders import CallStatus

# Twilio: it rings for some 5 s longer than it was told; then its callbacks take their time.
LATE_SECONDS: Final = 20.0
# Beyond an agent's longest call, after which somebody asks what has become of one.
CALL_MARGIN_SECONDS: Final = 120.0
# How long after its ringing time a call that Twilio does not know was never placed.
LOST_SECONDS: Final = 120.0
# Twilio's words, for our own use: `initiated` is a webhook's.
_STATUSES: Final[dict[str, CallStatus]] = {
    "queued": "queued",
    "initiated": "initiated",
    "ringing": "ringing",
    "in-progress": "in-progress",
    "completed": "completed",
    "busy": "busy",
    "no-answer": "no-answer",
    "canceled": "canceled",
    "failed": "failed",
}


class AlreadyOrderedError(Exception):
    """A call of this id was ordered before."""


@dataclass(frozen=True, slots=True)
class Dial:
    """A placed call. `placed_at` is epoch milliseconds, `detection_ms` how long the detection took.

    `taken`: a node has, or had, its session.
    """

    order: DialOrder
    placed_at: int
    taken: bool
    facts: CallFacts
    detection_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What a report has changed: the call as it is known now, and its record if it is over by this."""

    dial: Dial
    ended: CallRecord | None = None


def call_status(text: str) -> CallStatus | None:
    """Return Twilio's call status, None for a word that is none."""
    return _STATUSES.get(text)


def order_json(order: DialOrder) -> dict[str, Any]:
    """Return an order as the database keeps it."""
    return {**asdict(order), "variables": dict(order.variables)}


def read_order(row: Mapping[str, Any]) -> DialOrder:
    """Return an order from the JSON that it was stored as; what another version has added is left out."""
    known = {field.name for field in fields(DialOrder)}
    return DialOrder(**{name: value for name, value in row.items() if name in known})
