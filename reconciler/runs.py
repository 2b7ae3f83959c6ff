"""A run as the command line starts it: open the connections, plan or apply, close everything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from reconciler.api.congestion import HIGHEST_LIMIT
from reconciler.api.connections import Connections
from reconciler.api.monitor_events import who_changed
from reconciler.applying.exclusive import Exclusion
from reconciler.applying.executor import Executor
from reconciler.applying.interrupts import AnyOf, interrupted_by
from reconciler.applying.journal import journal_for
from reconciler.applying.lock import Holder, WaitInterruptedError
from reconciler.applying.origin import origin_of
from reconciler.applying.recorded import Recorded
from reconciler.applying.remaining import remaining
from reconciler.applying.report import Outcome, Report, nothing_attempted
from reconciler.applying.rollback import make_rollback
from reconciler.applying.writing import ChangeWriter
from reconciler.drift.drifted import Drift, drift_of
from reconciler.importing.decisions import Imported
from reconciler.importing.files import ImportFiles
from reconciler.importing.run import make_import
from reconciler.planning.make import Wishes, make_plan
from reconciler.planning.plan import Plan
from reconciler.preflight.gate import checked_plan
from schemas.fleet import Fleet

_DEFAULT_STATE_DIR = ".tm"


async def plan_run(fleet: Fleet, wishes: Wishes, environ: Mapping[str, str], now: datetime) -> Plan:
    """Read the accounts and compare. Raises TmError when any of them cannot be read."""
    async with Connections(fleet, api_url=environ.get("TM_TWILIO_API_URL")) as connections:
        return await make_plan(fleet, wishes, connections.reader, now)


async def remaining_run(plan: Plan, fleet: Fleet, environ: Mapping[str, str]) -> Plan:
    """Return what of a saved plan the account does not have yet."""
    async with Connections(fleet, api_url=environ.get("TM_TWILIO_API_URL")) as connections:
        return await remaining(plan, connections.reader)


async def drift_run(
    fleet: Fleet,
    wishes: Wishes,
    environ: Mapping[str, str],
    now: datetime,
    *,
    ignore: Collection[str] = (),
    who: bool = False,
) -> Drift:
    """Read the accounts, and who changed what if asked to. Nothing is given here that could write.

    Raises TmError when an account cannot be read; events that cannot be read are a warning.
    """
    async with Connections(fleet, api_url=environ.get("TM_TWILIO_API_URL")) as connections:
        drift = drift_of(await make_plan(fleet, wishes, connections.reader, now), ignore)
        if not who:
            return Drift(drift)
        found, failure = await who_changed(drift, connections.events)
        return Drift(drift, found, failure)


async def import_run(
    fleet: Fleet, folder: Path, environ: Mapping[str, str], now: datetime
) -> tuple[Imported, ImportFiles]:
    """Read every account of the fleet and work out what `folder` lacks; nothing is written yet.

    Raises TmError when an account or a file cannot be read, and where no public URL is to be found.
    """
    async with Connections(fleet, api_url=environ.get("TM_TWILIO_API_URL")) as connections:
        return await make_import(fleet, folder, environ, connections.reader, now)


async def rollback_run(
    recorded: Recorded, journal: Path, fleet: Fleet, environ: Mapping[str, str], now: datetime
) -> Plan:
    """Return the plan that takes a run back. Raises TmError when any account cannot be read."""
    async with Connections(fleet, api_url=environ.get("TM_TWILIO_API_URL")) as connections:
        return await make_rollback(recorded, journal, fleet, connections.reader, now)


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a plan is applied, as the user asked for it; `command` is what was typed, for the journal.

    `max_concurrency` caps the requests under way per account, `lock_timeout` (seconds) the wait for
    another run. With `preflight`, numbers that would be pointed to where nobody answers are skipped.
    """

    command: str = "tm apply"
    max_concurrency: int = HIGHEST_LIMIT
    fail_fast: bool = False
    preflight: bool = True
    lock_timeout: float = 0.0


async def apply_run(
    plan: Plan,
    fleet: Fleet,
    environ: Mapping[str, str],
    now: datetime,
    conduct: Conduct,
    *,
    on_outcome: Callable[[Outcome], None],
    on_interrupt: Callable[[], None],
) -> Report:
    """Apply a plan. After SIGINT or SIGTERM no number is begun any more; those in progress end first.

    A second SIGINT ends the run at once with KeyboardInterrupt; the journal tells what was being written.
    Raises TmError, such as LockedError while another run writes to one of the accounts.
    """
    stop = asyncio.Event()

    def interrupt() -> None:
        stop.set()
        on_interrupt()

    with interrupted_by(interrupt):
        return await apply_until(stop, plan, fleet, environ, now, conduct, on_outcome)


async def apply_until(
    stop: asyncio.Event,
    plan: Plan,
    fleet: Fleet,
    environ: Mapping[str, str],
    now: datetime,
    conduct: Conduct,
    on_outcome: Callable[[Outcome], None],
) -> Report:
    """Apply a plan, alone on its accounts. Once `stop` is set no number is begun any more. Raises TmError."""
    began = time.monotonic()
    state_dir = Path(environ.get("TM_STATE_DIR") or _DEFAULT_STATE_DIR)
    origin = await asyncio.to_thread(origin_of, conduct.command, fleet.folder, environ, now)
    accounts = {change.account: fleet.accounts[change.account].account_sid for change in plan.changes}
    lost = asyncio.Event()
    halt = AnyOf((stop, lost))
    journal = journal_for(state_dir, plan.plan_id, now, origin, accounts)
    api_url = environ.get("TM_TWILIO_API_URL")
    with closing(journal):
        async with Connections(
            fleet, api_url=api_url, max_concurrency=conduct.max_concurrency
        ) as connections:
            answered = await checked_plan(plan, fleet, environ, stop) if conduct.preflight else plan
            executor = Executor(
                connections.writer,
                ChangeWriter(journal, sleep=connections.sleep),
                lambda account: connections.lane(account).numbers,
                on_outcome,
                conduct.fail_fast,
            )
            leases = connections.lease if fleet.service.lock == "sync" else None
            alone = Exclusion(state_dir / "locks", accounts, leases, halt, on_lost=lost.set)
            try:
                async with alone.held(Holder.of_this_process(origin), conduct.lock_timeout):
                    report = await executor.apply(answered, halt)
            except WaitInterruptedError:
                report = nothing_attempted(answered)
            return replace(
                report,
                plan_id=plan.plan_id,
                interrupted=stop.is_set(),
                lock_lost=lost.is_set(),
                traffic=connections.traffic,
                seconds=time.monotonic() - began,
                diagnostics=tuple(note for note in answered.diagnostics if note not in plan.diagnostics),
            )
