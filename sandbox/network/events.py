"""What happens in a call, as a person beside the phone would tell it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sandbox.network.line import LineTick


class Kind(StrEnum):
    """What kind of thing happened."""

    RINGING = "ringing"
    REQUESTED = "requested"  # a document was asked for: method, URL, answer
    ANSWERED = "answered"
    REJECTED = "rejected"  # busy or rejected
    FAILED = "failed"  # no call came about, and why
    STREAM_OPENED = "stream_opened"
    STREAM_CLOSED = "stream_closed"
    CLEARED = "cleared"  # audio that waited was dropped: how much
    SAYS = "says"  # the caller begins to speak: the words
    SAID = "said"  # the caller has finished
    HEARS = "hears"  # the agent begins to speak
    QUIET = "quiet"  # the agent has stopped
    PRESSED = "pressed"  # a key
    HEARS_KEYS = "hears_keys"  # keys of the other side
    COLLECTED = "collected"  # what a Gather took: keys or words
    CONNECTED = "connected"  # with somebody else: the number or the conference
    PARTED = "parted"  # from them
    DETECTED = "detected"  # who answered, as machine detection says it
    HUNG_UP = "hung_up"  # who ended the call, and why
    ENDED = "ended"  # the call's final status


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One event: `at_ms` counts from dialling."""

    at_ms: int
    kind: Kind
    detail: str = ""

    def json(self) -> dict[str, object]:
        """Return the event for another process."""
        return {"at_ms": self.at_ms, "kind": self.kind.value, "detail": self.detail}


def happenings(tick: LineTick) -> tuple[tuple[Kind, str], ...]:
    """Return what there is to tell of 20 ms of a line."""
    caller = tick.caller
    told = (
        (tick.agent_begins, Kind.HEARS, ""),
        (tick.agent_stops, Kind.QUIET, ""),
        (caller.says is not None, Kind.SAYS, caller.says or ""),
        (caller.finished, Kind.SAID, ""),
        (caller.digit is not None, Kind.PRESSED, caller.digit or ""),
    )
    return tuple((kind, detail) for happened, kind, detail in told if happened)
