"""The ports to an account in one region: what planning and apply ask of Twilio, and nothing more.

There is no verb that buys, releases or transfers anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconciler.resource.live import LiveNumber
from reconciler.resource.settings import Settings


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an update came back with: Twilio's id of the request, for the journal."""

    request_id: str | None


class NumberReader(Protocol):
    """Reading the phone numbers of one account in one region."""

    async def list_numbers(self) -> list[LiveNumber]:
        """Return every number."""
        ...

    async def fetch(self, sid: str) -> LiveNumber:
        """Return one number as it is now."""
        ...


class AccountReader(NumberReader, Protocol):
    """Reading everything that is configured; `fetch` takes the SID of any of it."""

    async def list_messaging(self) -> list[LiveNumber]:
        """Return every Messaging Service and every WhatsApp sender."""
        ...

    async def route(self, number: str) -> str:
        """Return the region that the calls of a number (E.164) are routed to."""
        ...


class AccountWriter(AccountReader, Protocol):
    """The port for apply: reading, updating what exists, and routing a number's calls."""

    async def update(self, sid: str, settings: Settings) -> Receipt:
        """Store all managed fields of `settings` in one request; `""` clears a field."""
        ...

    async def reroute(self, number: str, region: str) -> Receipt:
        """Have the calls of a number (E.164) processed in a region."""
        ...


class ResourceReader(Protocol):
    """Reading one kind of resource."""

    async def list(self) -> list[LiveNumber]:
        """Return every resource of the kind."""
        ...

    async def fetch(self, sid: str) -> LiveNumber:
        """Return one resource as it is now."""
        ...


class ResourceWriter(ResourceReader, Protocol):
    """Reading and updating one kind of resource."""

    async def update(self, sid: str, settings: Settings) -> Receipt:
        """Store all managed fields of `settings` in one request; `""` clears a field."""
        ...
