"""The reconcile loop as the command line starts it: real files, accounts, webhook and signals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from reconciler.applying.interrupts import interrupted_by
from reconciler.applying.report import Report
from reconciler.planning.make import Wishes
from reconciler.planning.plan import Plan
from reconciler.runs import Conduct, apply_until, plan_run
from reconciler.watch.loop import Watcher
from reconciler.watch.metrics import WatchMetrics
from reconciler.watch.server import watch_server
from reconciler.watch.webhook import Webhook
from schemas import require_fleet
from schemas.fleet import Fleet

Address = tuple[str, int]
"""Host and port."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What `tm watch` was asked for; `interval` in seconds."""

    interval: float
    webhook: str | None = None
    listen: Address | None = None


async def watch_run(
    folder: Path, environ: Mapping[str, str], options: WatchOptions, say: Callable[[str], None]
) -> WatchMetrics:
    """Watch until SIGTERM or SIGINT, and return the figures. A second signal ends at once.

    The declarations are read anew for each check. Raises TmError when they have errors at the start, or
    when the address to listen on is taken; what goes wrong later is said, and tried again.
    """

    async def check() -> tuple[Fleet, Plan]:
        fleet = await asyncio.to_thread(require_fleet, folder, environ)
        return fleet, await plan_run(fleet, Wishes(), environ, datetime.now(UTC))

    async def heal(fleet: Fleet, plan: Plan, stop: asyncio.Event) -> Report:
        now = datetime.now(UTC)
        return await apply_until(
            stop, plan, fleet, environ, now, Conduct(command="tm watch"), lambda outcome: None
        )

    await asyncio.to_thread(require_fleet, folder, environ)
    watcher = Watcher(options.interval, check, heal, say)
    stop = asyncio.Event()
    async with AsyncExitStack() as open_things:
        if options.webhook is not None:
            watcher.tell = (await open_things.enter_async_context(_webhook(options.webhook))).tell
        if options.listen is not None:
            port = await open_things.enter_async_context(watch_server(watcher, *options.listen))
            say(f"listening on {options.listen[0]}:{port}")
        open_things.enter_context(interrupted_by(stop.set))
        say(f"watching {folder}, a check about every {options.interval:g} s")
        await watcher.run(stop)
    return watcher.metrics


@asynccontextmanager
async def _webhook(url: str) -> AsyncIterator[Webhook]:
    """Give a webhook with its connection pool. Redirects are not followed: what is told stays there."""
    async with httpx2.AsyncClient(follow_redirects=False) as client:
        yield Webhook(url, client)
