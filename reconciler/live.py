"""A phone number as the account has it."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.marker import marker_of, without_markers
from reconciler.settings import Settings


@dataclass(frozen=True, slots=True)
class LiveNumber:
    """An IncomingPhoneNumber record of one region.

    `account` is the account's name in the declarations, `number` is E.164, `stored` are the settings as
    Twilio has them (every field set), `bare` the same without markers, `marker` what the URLs carried.
    """

    account: str
    region: str
    sid: str
    number: str
    can_voice: bool
    stored: Settings
    bare: Settings
    marker: str | None


def live_number(
    *, account: str, region: str, sid: str, number: str, can_voice: bool, stored: Settings
) -> LiveNumber:
    """Make a LiveNumber from what was read, its marker taken out of the URLs."""
    return LiveNumber(
        account, region, sid, number, can_voice, stored, without_markers(stored), marker_of(stored)
    )
