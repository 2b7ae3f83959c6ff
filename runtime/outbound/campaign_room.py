"""The campaigns of one node, seen from its event loop: the engine beside it, and news of calls for it.

The engine is loaded only where campaigns are declared and this process is to run them. A node that only
answers calls takes the news of them to the workflows of another process, through the database.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from sqlalchemy import Engine

from runtime.figures.logs import get_logger
from runtime.outbound.lead_store import Added, CampaignStatus, LeadStore
from runtime.outbound.leads import RefusedLead, leads_of, terms_of
from runtime.outbound.orders import CallFacts, Dialer, DialOrder
from runtime.outbound.progress import Progress
from runtime.store.database import open_engine

if TYPE_CHECKING:
    from schemas import Campaign, Fleet
    from schemas.leads_file import Row

_log = get_logger(__name__)
_Result = TypeVar("_Result")

MOST_WAITING: Final = 10_000
"""News that wait for the database; what is lost is found out when the account is asked."""


class Reporter(Protocol):
    """Who takes news of an attempt to its workflow; blocks."""

    def report(self, attempt: str, news: CallFacts) -> None:
        """Take in what was found out about an attempt."""
        ...

    def start(self) -> None:
        """Open what is needed. Raises `DatabaseError`."""
        ...

    def stop(self) -> None:
        """Close it."""
        ...


class CampaignRoom:
    """Runs campaigns, or reports to whoever does, while the node runs."""

    def __init__(
        self, fleet: Fleet, database_url: str, dialer: Dialer, epoch: Callable[[], float], *, runs: bool
    ) -> None:
        """`runs`: this process is to run the workflows. `dialer` is used in the node's event loop."""
        self._fleet = fleet
        self._url = database_url
        self._dialer = dialer
        self._epoch = epoch
        self._runs = runs
        self._reporter: Reporter | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._room = threading.Semaphore(MOST_WAITING)
        self._stop: asyncio.Task[None] | None = None
        self._database: Engine | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run campaigns for as long as the block runs. Raises `DatabaseError`, `AnotherProcessError`."""
        if not self._fleet.campaigns:
            yield
            return
        reporter = self._made(asyncio.get_running_loop())
        await asyncio.to_thread(reporter.start)
        self._reporter = reporter
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="campaign-news")
        self._database = open_engine(self._url)
        try:
            yield
        finally:
            self._reporter = None
            await asyncio.to_thread(self._thread.shutdown)
            await (self._stop or asyncio.to_thread(reporter.stop))
            self._database.dispose()

    async def standing(self) -> Mapping[str, tuple[CampaignStatus | None, Progress]]:
        """Return how each declared campaign stands, and how far it is. Raises `SQLAlchemyError`."""
        if self._database is None:
            return {}
        leads = LeadStore(self._database, self._epoch)
        statuses = await asyncio.to_thread(leads.statuses)
        names = self._fleet.campaigns
        return {name: (statuses.get(name), await asyncio.to_thread(leads.progress, name)) for name in names}

    async def add(self, campaign: str, rows: Sequence[Row]) -> tuple[Added, Sequence[RefusedLead]]:
        """Add leads to a declared campaign; return how many, and the rows that nobody is called for.

        Raises `TmError` when its lists of numbers that are never called cannot be read, `SQLAlchemyError`.
        """
        return await asyncio.to_thread(self._add, self._fleet.campaigns[campaign], rows)

    def _add(self, campaign: Campaign, rows: Sequence[Row]) -> tuple[Added, Sequence[RefusedLead]]:
        assert self._database is not None, "a declared campaign has a database"
        people = list(leads_of(rows, terms_of(self._fleet, campaign)))
        added = LeadStore(self._database, self._epoch).add(campaign.name, people, self._fleet.campaigns)
        return added, [person for person in people if isinstance(person, RefusedLead)]

    def drain(self) -> None:
        """Place no more calls: others go on with the campaigns, or the next process does."""
        if self._reporter is not None and self._stop is None:
            self._stop = asyncio.create_task(asyncio.to_thread(self._reporter.stop))

    def _made(self, loop: asyncio.AbstractEventLoop) -> Reporter:
        if self._runs:
            from runtime.outbound.engine import CampaignEngine

            return CampaignEngine(self._fleet, self._url, LoopDialer(self._dialer, loop), epoch=self._epoch)
        from runtime.outbound.reporting import RemoteReporter

        return RemoteReporter(self._url, self._epoch)

    def heard(self, attempt: str, news: CallFacts) -> None:
        """Pass on what has become known of a placed call; at once, the database is spoken to elsewhere."""
        if self._reporter is None or self._thread is None:
            return
        if not self._room.acquire(blocking=False):
            _log.warning("campaign_news_lost", attempt=attempt)
            return
        self._thread.submit(self._report, self._reporter, attempt, news)

    def _report(self, reporter: Reporter, attempt: str, news: CallFacts) -> None:
        try:
            reporter.report(attempt, news)
        except Exception as error:  # nobody waits for it; whatever it was, the call goes on
            _log.warning("campaign_news_lost", attempt=attempt, detail=type(error).__name__)
        finally:
            self._room.release()


class LoopDialer:
    """A dialer for other threads' event loops: its work is done in the loop of the node."""

    def __init__(self, dialer: Dialer, loop: asyncio.AbstractEventLoop) -> None:
        self._dialer = dialer
        self._loop = loop

    async def place(self, order: DialOrder) -> str:
        """Place the call and return its SID. Raises `DialRefused`."""
        return await self._there(self._dialer.place(order))

    async def placed_since(self, order: DialOrder, since_epoch_s: float) -> str | None:
        """Return the SID of the call that this order led to, if there is one."""
        return await self._there(self._dialer.placed_since(order, since_epoch_s))

    async def facts(self, call_sid: str) -> CallFacts:
        """Ask the account what became of the call."""
        return await self._there(self._dialer.facts(call_sid))

    async def cancel(self, call_sid: str) -> None:
        """End the call."""
        await self._there(self._dialer.cancel(call_sid))

    async def _there(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        # Without the context of the workflow: what the node does for it is no step of it.
        context = contextvars.Context()
        return await asyncio.wrap_future(context.run(asyncio.run_coroutine_threadsafe, work, self._loop))
