"""What happens in a transfer, and what is to be done about it.

The *caller's leg* is the call itself. The *person's leg* is the call by which somebody is asked to take it
over; in a cold transfer the carrier makes that one and speaks of it in its callbacks only. A leg is named by
its SID.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["busy", "no_answer", "failed", "refused", "voicemail"]
"""Why a caller comes back."""


class Document(Enum):
    """What a leg is to do next, when the carrier asks."""

    HOLD = auto()
    """The caller waits in a conference."""
    DIAL = auto()
    """The caller is put through by the carrier."""
    BRIEF = auto()
    """The person is told what it is about, and asked."""
    JOIN = auto()
    """The person enters the caller's conference."""
    DECLINE = auto()
    """The person is thanked; their leg ends."""
    HANG_UP = auto()
    """The leg ends."""


# --- what happens -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallerAsks:
    """The carrier asks what the caller hears next; `dial` is how the dialling or the conference ended.

    `gone`: the caller has hung up, and the question is a formality.
    """

    dial: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The carrier reports that the caller's leg is over."""


@dataclass(frozen=True, slots=True)
class CallOver:
    """The call has ended for us, whoever ended it."""


@dataclass(frozen=True, slots=True)
class BringBackFailed:
    """The caller could not be taken out of the conference; `over`: because the leg is over."""

    over: bool = False


@dataclass(frozen=True, slots=True)
class LegDialled:
    """The person's leg has been made."""

    leg: str


@dataclass(frozen=True, slots=True)
class DialFailed:
    """The person's leg could not be made, as far as known."""


@dataclass(frozen=True, slots=True)
class LegReports:
    """The carrier tells how the person's leg stands, in words of `CallStatus`."""

    leg: str
    status: str


@dataclass(frozen=True, slots=True)
class LegIsMachine:
    """A machine has answered instead of the person."""

    leg: str


@dataclass(frozen=True, slots=True)
class LegAsks:
    """The person's leg was answered, and the carrier asks what it hears."""

    leg: str


@dataclass(frozen=True, slots=True)
class LegPressed:
    """The person has heard the brief and pressed a key, or none in time."""

    leg: str
    key: str | None


@dataclass(frozen=True, slots=True)
class LegJoined:
    """The person has entered the conference."""

    leg: str


TransferEvent: TypeAlias = (
    CallerAsks
    | CallerLeft
    | CallOver
    | BringBackFailed
    | LegDialled
    | DialFailed
    | LegReports
    | LegIsMachine
    | LegAsks
    | LegPressed
    | LegJoined
)


# --- what is to be done -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the carrier's question, which was the event, with this."""

    document: Document


@dataclass(frozen=True, slots=True)
class DialPerson:
    """Make the person's leg; `LegDialled` or `DialFailed` tells what came of it."""


@dataclass(frozen=True, slots=True)
class CancelLeg:
    """End the person's leg, whatever it is doing."""

    leg: str


@dataclass(frozen=True, slots=True)
class BringBack:
    """Take the caller out of the conference; the carrier then asks what comes next."""


@dataclass(frozen=True, slots=True)
class GiveBack:
    """The caller is the agent's again, and about to be there: once at most, never with `PutThrough`."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PutThrough:
    """Caller and person are together, and the agent's part is over: once at most."""


TransferAction: TypeAlias = Answer | DialPerson | CancelLeg | BringBack | GiveBack | PutThrough
