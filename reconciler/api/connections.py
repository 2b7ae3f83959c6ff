"""The way from declared accounts to Twilio: credentials per region, one connection pool, one client each."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2

from reconciler.api.account import ReadableAccount, WritableAccount
from reconciler.api.congestion import HIGHEST_LIMIT
from reconciler.api.errors import UnusableProxyError
from reconciler.api.http_client import PROXY_FAULTS, TIMEOUT, NumbersTransport, Sleep, Target
from reconciler.api.lane import Lane, Traffic
from reconciler.api.library import Credentials, session_for
from reconciler.api.monitor_events import MonitorEvents
from reconciler.api.sync_documents import SyncDocument
from schemas.account import EDGE_OF_REGION, Account
from schemas.errors import TmError
from schemas.fleet import Fleet

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Connections:
    """An asynchronous context that hands out each account in each region.

    `api_url` (`TM_TWILIO_API_URL`) sends every request there instead of to Twilio; `max_concurrency` caps
    the requests under way per account. Raises TmError for a URL that is none, for credentials that are
    missing and for a proxy that cannot be used. `transport` and `sleep` (every wait before a request is
    repeated) are replaceable for tests.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        api_url: str | None = None,
        max_concurrency: int = HIGHEST_LIMIT,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._fleet = fleet
        self._max_concurrency = max_concurrency
        self.sleep = sleep
        self._api_url = _checked(api_url)
        # A proxy from the environment is right for Twilio, and wrong for a server on this machine.
        local = bool(api_url) and urlsplit(api_url or "").hostname in _LOOPBACK
        # As many connections stay open as requests may be under way: a new one costs three round trips.
        pool = httpx2.Limits(max_connections=None, max_keepalive_connections=max_concurrency)
        try:
            self._http = httpx2.AsyncClient(
                timeout=TIMEOUT, limits=pool, trust_env=not local, transport=transport
            )
        except PROXY_FAULTS:
            raise UnusableProxyError from None
        self._lanes: dict[str, Lane] = {}
        self._readers: dict[tuple[str, str], ReadableAccount] = {}
        self._writers: dict[tuple[str, str], WritableAccount] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def reader(self, account: str, region: str) -> ReadableAccount:
        """Return an account in a region, through a client that can only read."""
        key = (account, region)
        if key not in self._readers:
            self._readers[key] = ReadableAccount(*self._access(account, region, may_write=False))
        return self._readers[key]

    def writer(self, account: str, region: str) -> WritableAccount:
        """Return the same through a client that can also update what exists."""
        key = (account, region)
        if key not in self._writers:
            self._writers[key] = WritableAccount(*self._access(account, region, may_write=True))
        return self._writers[key]

    def events(self, account: str, region: str) -> MonitorEvents:
        """Return what happened to the resources of an account in a region; it can only be read."""
        return MonitorEvents(session_for(*self._access(account, region, may_write=False)))

    def lease(self, account: str) -> SyncDocument:
        """Return the document in which an account's lease is kept."""
        region = self._fleet.accounts[account].region
        return SyncDocument(session_for(*self._access(account, region, may_write=True)))

    def lane(self, account: str) -> Lane:
        """Return what bounds the requests to an account; accounts of one SID share it."""
        sid = self._fleet.accounts[account].account_sid
        if sid not in self._lanes:
            self._lanes[sid] = Lane(self._max_concurrency)
        return self._lanes[sid]

    @property
    def traffic(self) -> Traffic:
        """What was asked of all accounts so far."""
        return sum((lane.traffic for lane in self._lanes.values()), Traffic())

    def _access(self, account: str, region: str, *, may_write: bool) -> tuple[Credentials, NumbersTransport]:
        credentials = credentials_for(self._fleet.accounts[account], region)
        target = Target(account, credentials.account_sid, region)
        transport = NumbersTransport(
            self._http,
            target,
            api_url=self._api_url,
            may_write=may_write,
            lane=self.lane(account),
            sleep=self.sleep,
        )
        return credentials, transport


def has_credentials(account: Account, region: str) -> bool:
    """Tell whether an account can be signed in to in a region, as far as the declarations go."""
    return region == account.region or region in account.regions


def credentials_for(account: Account, region: str) -> Credentials:
    """Return how to sign in to an account in a region, an API key before the auth token.

    Twilio: tokens and keys are valid in the region that they were made in, and nowhere else.
    """
    elsewhere = {str(name): given for name, given in account.regions.items()}
    given = elsewhere.get(region) or (account if region == account.region else None)
    if given is None:
        raise TmError(
            f"account {account.name!r} has no credentials for region {region}",
            hint=f"Tokens differ from region to region: declare them under regions: {{{region}: …}}.",
        )
    if given.api_key and given.api_secret:
        username, password = given.api_key, given.api_secret.reveal()
    elif given.auth_token:
        username, password = account.account_sid, given.auth_token.reveal()
    else:
        raise TmError(
            f"account {account.name!r} has neither an auth token nor an API key for region {region}",
            hint="Declare auth_token, or api_key and api_secret.",
        )
    edge = given.edge or EDGE_OF_REGION[region]
    return Credentials(account.name, account.account_sid, region, edge, username, password)


def _checked(api_url: str | None) -> str | None:
    """Return the URL, or raise TmError when it is none."""
    if not api_url:
        return None
    try:
        parts = urlsplit(api_url)
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise TmError("TM_TWILIO_API_URL is not a URL", hint="It looks like http://127.0.0.1:8400.")
    return api_url
