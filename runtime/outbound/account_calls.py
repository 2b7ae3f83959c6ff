"""What the account says about calls, and about whom it may call: Twilio's answers as values."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

import msgspec

from runtime.outbound.dial import call_status
from runtime.outbound.orders import CallFacts
from runtime.twilio_api import TwilioApiError

if TYPE_CHECKING:
    from runtime.twilio_api import AccountApi

MOST_LISTED: Final = 50
# By how much Twilio's clock and ours may differ. Calls that are known to be others' are told by their SIDs.
CLOCKS_DIFFER_SECONDS: Final = 300


class AccountCall(msgspec.Struct, frozen=True):
    """A call as the account has it. Twilio: `duration` is a text, null until the end."""

    sid: str
    status: str
    direction: str = ""
    date_created: str | None = None
    answered_by: str | None = None
    duration: str | None = None

    @property
    def created_at(self) -> float | None:
        """When it was made, in seconds since the epoch; None where that is not told. Twilio: RFC 2822."""
        try:
            return parsedate_to_datetime(self.date_created or "").timestamp()
        except ValueError:
            return None

    def facts(self) -> CallFacts:
        """Return what this tells of an attempt."""
        seconds = int(self.duration) if self.duration and self.duration.isdigit() else None
        return CallFacts(
            call_sid=self.sid,
            status=call_status(self.status) or "queued",
            answered_by=self.answered_by,
            seconds=seconds,
        )


class _Calls(msgspec.Struct):
    calls: list[AccountCall]


class _Account(msgspec.Struct):
    type: str = ""


class _CallerId(msgspec.Struct):
    phone_number: str = ""


class _CallerIds(msgspec.Struct):
    outgoing_caller_ids: list[_CallerId] = []


class _Numbers(msgspec.Struct):
    incoming_phone_numbers: list[_CallerId] = []


_Read = TypeVar("_Read", AccountCall, _Calls, _Account, _CallerIds, _Numbers)


async def fetch_call(api: AccountApi, call_sid: str) -> AccountCall:
    """Return one call. Raises `TwilioApiError`."""
    return _read(await api.look_up(f"Calls/{quote(call_sid, safe='')}"), AccountCall)


async def calls_between(api: AccountApi, to: str, from_: str, since: float) -> list[AccountCall]:
    """Return the calls that the API placed from one number to the other, made at `since` (epoch s) or later.

    Newest first; by Twilio's clock, so that some that were made minutes before may be among them. Raises
    `TwilioApiError`.
    """
    earliest = since - CLOCKS_DIFFER_SECONDS
    found = _read(await api.look_up("Calls", To=to, From=from_, PageSize=MOST_LISTED), _Calls).calls
    return [
        call
        for call in found
        if call.direction == "outbound-api" and (call.created_at is None or call.created_at >= earliest)
    ]


async def is_trial(api: AccountApi) -> bool | None:
    """Tell whether the account is a trial; None when that is not to be known.

    Twilio: a Standard API key may not read the account, and there is no other way to ask.
    """
    try:
        return _read(await api.look_up(""), _Account).type == "Trial"
    except TwilioApiError:
        return None


async def may_be_called(api: AccountApi, number: str) -> bool:
    """Tell whether a trial account may call a number; where that is not to be known, it may.

    Twilio: those whose owner has verified them, and the account's own.
    """
    try:
        verified = _read(await api.look_up("OutgoingCallerIds", PhoneNumber=number), _CallerIds)
        if verified.outgoing_caller_ids:
            return True
        own = _read(await api.look_up("IncomingPhoneNumbers", PhoneNumber=number), _Numbers)
    except TwilioApiError:
        return True
    return any(entry.phone_number == number for entry in own.incoming_phone_numbers)


def _read(body: bytes, kind: type[_Read]) -> _Read:
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, msgspec.ValidationError):
        raise TwilioApiError("Twilio's answer is not what its documents promise") from None
