"""What a call needs of the network around it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sandbox.account.account import Account
from sandbox.network.media_files import MS_PER_CHARACTER
from sandbox.network.stream_faults import StreamFaults
from sandbox.network.verbs import Callback, Conference, Number
from sandbox.network.webhooks import Form, Tunnels, Webhooks

if TYPE_CHECKING:
    from sandbox.network.bridge import Bridge
    from sandbox.network.conference_room import ConferenceRoom
    from sandbox.network.phone_call import PhoneCall


class Exchange(Protocol):
    """Where calls meet others."""

    def dial_on(
        self, parent: PhoneCall, number: Number, bridge: Bridge, caller_id: str, ring_s: int
    ) -> PhoneCall:
        """Dial somebody for a call, who meets it on the bridge."""

    def room(self, conference: Conference, around: Surroundings) -> ConferenceRoom:
        """Return the conference of a name: the one in progress, else a new one."""

    def post(self, about: str, callback: Callback, form: Form, around: Surroundings) -> None:
        """Send a callback in the background."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The account, its Region's token, tunnels, TLS, faults, the exchange, and how fast voices speak."""

    account: Account = field(repr=False)
    token: str = field(repr=False)
    tunnels: Tunnels
    tls: ssl.SSLContext
    faults: StreamFaults
    exchange: Exchange
    ms_per_character: float = MS_PER_CHARACTER

    def alert(self, code: int, url: str, text: str, call_sid: str) -> None:
        """Write to the account's debugger."""
        self.account.alert(code, url, text, call_sid)

    def webhooks(self) -> Webhooks:
        """Return the requests of one call."""
        return Webhooks(self.token, self.tunnels, self.tls)
