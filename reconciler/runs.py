"""A run as the command line starts it: open the connections, plan or apply, close everything."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import FrameType

from reconciler.connections import Connections
from reconciler.executor import Executor
from reconciler.journal import journal_for
from reconciler.plan import Plan
from reconciler.planning import Wishes, make_plan
from reconciler.preflight.gate import checked_plan
from reconciler.report import Outcome, Report
from reconciler.writing import ChangeWriter
from schemas.fleet import Fleet

_DEFAULT_STATE_DIR = ".tm"


async def plan_run(fleet: Fleet, wishes: Wishes, environ: Mapping[str, str], now: datetime) -> Plan:
    """Read the accounts and compare. Raises TmError when any of them cannot be read."""
    async with Connections(fleet, api_url=environ.get("TM_TWILIO_API_URL")) as connections:
        return await make_plan(fleet, wishes, connections.reader, now)


async def apply_run(
    plan: Plan,
    fleet: Fleet,
    environ: Mapping[str, str],
    now: datetime,
    *,
    concurrency: int,
    preflight: bool = True,
    on_outcome: Callable[[Outcome], None],
    on_interrupt: Callable[[], None],
) -> Report:
    """Apply a plan. After SIGINT or SIGTERM no number is begun any more; those in progress end first.

    With `preflight`, numbers that would be pointed to where nobody answers are skipped.
    A second SIGINT ends the run at once with KeyboardInterrupt; the journal tells what was being written.
    """
    state_dir = Path(environ.get("TM_STATE_DIR") or _DEFAULT_STATE_DIR)
    stop = asyncio.Event()

    def interrupt() -> None:
        stop.set()
        on_interrupt()

    with closing(journal_for(state_dir, plan.plan_id, now)) as journal, _interrupted_by(interrupt):
        async with Connections(fleet, api_url=environ.get("TM_TWILIO_API_URL")) as connections:
            executor = Executor(connections.writer, ChangeWriter(journal), concurrency, on_outcome)
            answered = await checked_plan(plan, fleet, environ, stop) if preflight else plan
            report = await executor.apply(answered, stop)
            return replace(report, plan_id=plan.plan_id)


@contextmanager
def _interrupted_by(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` in the event loop on the first SIGINT or SIGTERM while the context lasts.

    The signal's former handler is then back in place, so that a second one ends the run at once.
    """
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(number, former[signal.Signals(number)])
        loop.call_soon_threadsafe(interrupt)

    for number in former:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
