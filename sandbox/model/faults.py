"""What goes wrong on purpose, and when.

    RealtimeServer(faults=[Drop(When(turn=2))])          # the line breaks while the second answer is spoken
    RealtimeServer(faults=[Refuse(503, connections=2)])  # the first two connections are refused

A fault happens on the first connection unless its `When` says otherwise, so that the client's second
attempt finds a healthy server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.model import server_events as tell
from sandbox.model.live.events import LiveEvent
from sandbox.model.session import Quirks


@dataclass(frozen=True, slots=True)
class When:
    """The moment: at the first sound of the `turn`-th response, after `events` events, or after `ms`.

    `connection` counts from 1; None is every connection. With no moment given it is at once, after
    `session.created`.
    """

    turn: int | None = None
    events: int | None = None
    ms: float | None = None
    connection: int | None = 1


AT_ONCE = When(events=1)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the handshake with an HTTP status, for the first `connections` connections."""

    status: int
    connections: int = 1


@dataclass(frozen=True, slots=True)
class Drop:
    """Break the connection without a close frame; the client sees 1006."""

    when: When = AT_ONCE


@dataclass(frozen=True, slots=True)
class Close:
    """Close with a code."""

    code: int = 1011
    reason: str = "internal error"
    when: When = AT_ONCE


@dataclass(frozen=True, slots=True)
class Expire:
    """End the session as after 60 minutes: `session_expired`, then close 1001."""

    when: When = AT_ONCE


@dataclass(frozen=True, slots=True)
class LastOnly:
    """Let sessions last `seconds` instead of 60 minutes: `expires_at` says so, and so they end."""

    seconds: float
    connection: int | None = 1


@dataclass(frozen=True, slots=True)
class Complain:
    """Send an `error` event after which the session goes on, such as those that races bring about."""

    code: str = "response_cancel_not_active"
    message: str = "Cancellation failed: no active response found"
    when: When = AT_ONCE


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing any more, and keep the connection open."""

    when: When = AT_ONCE


@dataclass(frozen=True, slots=True)
class Drip:
    """Let `gap_ms` pass before each further event."""

    gap_ms: float
    when: When = AT_ONCE


@dataclass(frozen=True, slots=True)
class Malformed:
    """Send half an event: no valid JSON."""

    when: When = AT_ONCE


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """Send an event of a type that does not exist (yet)."""

    when: When = AT_ONCE


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Send one event twice."""

    when: When = AT_ONCE


@dataclass(frozen=True, slots=True)
class EchoPcm:
    """Answer the first `times` session updates with 24 kHz PCM, and mean it."""

    times: int = 1
    connection: int | None = 1


@dataclass(frozen=True, slots=True)
class SendPcm:
    """Echo the format that was asked for, and send 24 kHz PCM all the same."""

    connection: int | None = 1


Timed: TypeAlias = Drop | Close | Expire | Complain | Stall | Drip | Malformed | UnknownEvent | Duplicate
Fault: TypeAlias = Timed | Refuse | EchoPcm | SendPcm | LastOnly


@dataclass(frozen=True, slots=True)
class Send:
    """Send a frame, `after_ms` later than the one before."""

    frame: str
    after_ms: float = 0


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the connection: with a close frame, or without when the code is None."""

    code: int | None = None
    reason: str = ""


Action: TypeAlias = Send | HangUp


def refused_status(faults: Sequence[Fault], connection: int) -> int | None:
    """Return the HTTP status that this connection is refused with."""
    for fault in faults:
        if isinstance(fault, Refuse) and connection <= fault.connections:
            return fault.status
    return None


def quirks_of(faults: Sequence[Fault], connection: int) -> Quirks:
    """Return what this connection's session does wrong by itself."""
    here = [
        fault
        for fault in faults
        if isinstance(fault, EchoPcm | SendPcm | LastOnly) and fault.connection in (None, connection)
    ]
    lasting = [fault.seconds * 1000 for fault in here if isinstance(fault, LastOnly)]
    return Quirks(
        echo_pcm=sum(fault.times for fault in here if isinstance(fault, EchoPcm)),
        send_pcm=any(isinstance(fault, SendPcm) for fault in here),
        lasts_ms=min(lasting, default=None),
    )


class FaultyLine:
    """Stands between a session and its socket: makes frames of events, and the faults that are due."""

    def __init__(
        self, faults: Sequence[Fault], connection: int, new_id: Callable[[str], str], now: float
    ) -> None:
        self._armed = [
            fault
            for fault in faults
            if isinstance(fault, Timed) and fault.when.connection in (None, connection)
        ]
        self._new_id = new_id
        self._opened_at = now
        self._sent = 0
        self._turn = 0
        self._turn_is_silent = False
        self._stalled = False
        self._gap_ms = 0.0
        self._last_frame = ""

    @property
    def wake_at(self) -> float | None:
        """When the next fault by time is due."""
        times = [fault.when.ms for fault in self._armed if fault.when.ms is not None]
        return self._opened_at + min(times) if times else None

    def wake(self, now: float) -> list[Action]:
        """Return what the faults that are due by time do."""
        elapsed = now - self._opened_at
        return self._happen(lambda when: when.ms is not None and when.ms <= elapsed)

    def passing(self, event: tell.ServerEvent | LiveEvent) -> list[Action]:
        """Return what becomes of an event on its way to the client."""
        if self._stalled:
            return []
        self._sent += 1
        event_id = self._new_id("event")
        self._last_frame = (
            event.encode(event_id) if isinstance(event, LiveEvent) else tell.encode(event, event_id)
        )
        turn = self._turn_begun_by(event)
        actions: list[Action] = [self._send(self._last_frame)]
        return actions + self._happen(lambda when: when.events == self._sent or _is_turn(when, turn))

    def _turn_begun_by(self, event: tell.ServerEvent | LiveEvent) -> int | None:
        if isinstance(event, LiveEvent):
            self._turn += event.begins_turn
            return self._turn if event.begins_turn else None
        if isinstance(event, tell.ResponseCreated):
            self._turn += 1
            self._turn_is_silent = True
        if self._turn_is_silent and isinstance(event, tell.AudioDelta | tell.TextDelta):
            self._turn_is_silent = False
            return self._turn
        return None

    def _happen(self, due: Callable[[When], bool]) -> list[Action]:
        happening = [fault for fault in self._armed if due(fault.when)]
        self._armed = [fault for fault in self._armed if fault not in happening]
        return [action for fault in happening for action in self._effect(fault)]

    def _effect(self, fault: Timed) -> list[Action]:
        match fault:
            case Drop():
                return [HangUp()]
            case Close(code=code, reason=reason):
                return [HangUp(code, reason)]
            case Expire():
                return [self._send(tell.encode(tell.SESSION_EXPIRED, self._new_id("event"))), HangUp(1001)]
            case Complain(code=code, message=message):
                details = tell.ErrorDetails(type="invalid_request_error", code=code, message=message)
                return [self._send(tell.encode(tell.Error(error=details), self._new_id("event")))]
            case Stall():
                self._stalled = True
                return []
            case Drip(gap_ms=gap_ms):
                self._gap_ms = gap_ms
                return []
            case Malformed():
                return [self._send(self._last_frame[: len(self._last_frame) // 2] or "{")]
            case UnknownEvent():
                return [self._send(f'{{"type":"response.mood.delta","event_id":"{self._new_id("event")}"}}')]
            case Duplicate():
                return [self._send(self._last_frame)]

    def _send(self, frame: str) -> Send:
        return Send(frame, after_ms=self._gap_ms)


def _is_turn(when: When, turn: int | None) -> bool:
    return turn is not None and when.turn == turn
