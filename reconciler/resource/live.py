"""A resource as the account has it: a phone number, a Messaging Service, a WhatsApp sender."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.resource.credentials import sealed
from reconciler.resource.kinds import Resource, resource_of
from reconciler.resource.marker import marker_of, without_markers
from reconciler.resource.settings import Settings


@dataclass(frozen=True, slots=True)
class LiveNumber:
    """An IncomingPhoneNumber record of one region, or one of its kin.

    `account` is the account's name in the declarations; `number` is E.164, for a Messaging Service its
    SID; `stored` are the settings as Twilio has them (every field of the resource set), `bare` the same
    without markers and with credentials sealed, `marker` what the URLs carried. `routing` is known where
    Routes was asked.
    """

    account: str
    region: str
    sid: str
    number: str
    can_voice: bool
    stored: Settings
    bare: Settings
    marker: str | None
    routing: Routing | None = None

    @property
    def resource(self) -> Resource:
        """The kind of thing that this is."""
        return resource_of(self.sid)

    @property
    def answers(self) -> bool:
        """Whether this is the record that callers reach, as far as anybody asked."""
        return self.routing is None or self.routing.region == self.region

    def routed(self, region: str, record: LiveNumber | None = None) -> LiveNumber:
        """Return this number with the region that its calls go to, and the record there if it was read."""
        return replace(
            self,
            routing=Routing(region, record),
            stored=replace(self.stored, voice_region=region),
            bare=replace(self.bare, voice_region=region),
        )


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a number's calls are processed: the region, and the number's record there (None: not read)."""

    region: str
    record: LiveNumber | None


def live_number(
    *, account: str, region: str, sid: str, number: str, stored: Settings, can_voice: bool = True
) -> LiveNumber:
    """Make a LiveNumber from what was read, its marker and all credentials taken out of the URLs."""
    return LiveNumber(
        account, region, sid, number, can_voice, stored, sealed(without_markers(stored)), marker_of(stored)
    )
