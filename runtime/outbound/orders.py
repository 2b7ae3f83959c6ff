"""What a call to be placed is, what is known of it afterwards, and who can place one: values only.

An attempt has an id of its own before anything is dialled. It stands in every callback URL of the call, so a
call that was placed by a process that died is still known for what it is, and it says nothing about anybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

VoicemailPolicy: TypeAlias = Literal["hang_up", "message", "retry"]
# Twilio: what a call can be; the last five are for ever.
CallStatus: TypeAlias = Literal[
    "queued", "initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "canceled", "failed"
]

TERMINAL: Final[frozenset[CallStatus]] = frozenset({"completed", "busy", "no-answer", "canceled", "failed"})


def new_attempt() -> str:
    """Return an id for an attempt: 32 hex digits, random, fit for a URL."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class DialOrder:
    """One call to be placed.

    `to` and `from_` are E.164. `record` None leaves recording to the agent's declaration. It may ring for
    `ring_seconds`. `campaign` and `lead` are None for a call that somebody asked for by hand. `send_digits`
    are pressed after the answer, before anything is said (`w` is half a second): the way through a menu.
    `most_seconds` is how long the account lets the call last, None for as long as the agent does. `dial_by_s`
    is the time (seconds since the epoch) after which Twilio is not to be asked for it any more.
    """

    attempt: str
    agent: str
    to: str
    from_: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)  # names and such: not for logs
    machine_detection: bool = False
    voicemail: VoicemailPolicy = "hang_up"
    voicemail_message: str | None = None
    record: bool | None = None
    ring_seconds: int = 30
    campaign: str | None = None
    lead: str | None = None
    send_digits: str = ""
    most_seconds: int | None = None
    dial_by_s: float | None = None


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of an attempt, now or for ever.

    `answered_by` is Twilio's answering machine detection (human, machine_start, machine_end_beep, …, fax,
    unknown), `end_reason` that of the call record, `error_code` Twilio's, `seconds` how long the call took.
    `opted_out`: the person said during the call that there should be no further ones.
    """

    call_sid: str | None = None
    status: CallStatus = "queued"
    answered_by: str | None = None
    sip_code: int | None = None
    end_reason: str | None = None
    error_code: int | None = None
    seconds: int | None = None
    opted_out: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the call is over, whatever became of it."""
        return self.status in TERMINAL


class DialRefused(Exception):
    """The call was not placed.

    `code` is Twilio's error code, None where there was none; `permanent` says that the same order would be
    refused again. Nothing was dialled, that is certain: where it is not, something else is raised.
    """

    def __init__(self, code: int | None, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.permanent = permanent


class TooLateError(Exception):
    """Twilio was not asked for the call: the time until which it was to be dialled had passed."""


class NoRoomError(Exception):
    """Twilio was not asked for the call: its agent has all the calls that it may have at a time."""


class Dialer(Protocol):
    """Who places calls, and knows what became of them."""

    async def place(self, order: DialOrder) -> str:
        """Place the call and return its SID.

        Raises `DialRefused`, `TooLateError`, `NoRoomError`. Any other error leaves open whether there is a
        call: look before dialling again.
        """
        ...

    async def placed_since(self, order: DialOrder, since_epoch_s: float) -> str | None:
        """Return the SID of the call that this order led to at or after that time, if there is one.

        The account is asked for calls from the one number to the other. A call whose callbacks carry the
        attempt is the one; where that cannot be told, any such call is.
        """
        ...

    async def facts(self, call_sid: str) -> CallFacts:
        """Ask the account what became of the call."""
        ...

    async def cancel(self, call_sid: str) -> None:
        """End the call, whether it rings or talks; one that is over stays as it is."""
        ...
