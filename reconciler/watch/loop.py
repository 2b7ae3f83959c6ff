"""The reconcile loop around `decisions.py`: check, tell, heal, wait, until it is told to stop.

Everything that reaches outside is a port. A check or a message is abandoned when the stop comes; a heal is
not, it ends with the numbers that it has begun.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from reconciler.applying.report import NotAttempted, Report, Stale, Updated
from reconciler.output.printable import printable
from reconciler.output.wording import CAUSES
from reconciler.planning.plan import Cause, Change, Plan
from reconciler.planning.safety import Breach
from reconciler.watch.decisions import (
    Findings,
    Watch,
    delivered,
    failed,
    heals_in,
    judge,
    not_healed,
    seconds_to_next,
)
from reconciler.watch.healing import NotHealed, all_failed, failures_in
from reconciler.watch.metrics import WatchMetrics
from schemas.errors import TmError
from schemas.fleet import Fleet

STUCK_SECONDS = 900.0
"""A check that is overdue by so much means that the loop hangs."""

T = TypeVar("T")


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait until `stop` is set, at most `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass  # nobody stopped the loop: time for the next check


@dataclass(slots=True)
class Watcher:
    """The loop. `check` reads files and accounts; `heal` applies changes; `tell` informs a webhook, if any.

    `say` logs one line. `clock`, `jitter` and `pause` are replaceable for tests.
    """

    interval: float
    check: Callable[[], Coroutine[None, None, tuple[Fleet, Plan]]]
    heal: Callable[[Fleet, Plan, asyncio.Event], Awaitable[Report]]
    say: Callable[[str], None]
    tell: Callable[[Sequence[Change], datetime], Coroutine[None, None, None]] | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    jitter: Callable[[], float] = random.random
    pause: Callable[[asyncio.Event, float], Awaitable[None]] = pause
    metrics: WatchMetrics = field(default_factory=WatchMetrics)
    due: datetime | None = None
    _watch: Watch = field(default_factory=Watch)

    async def run(self, stop: asyncio.Event) -> None:
        """Check now and then again and again, until `stop` is set."""
        self.due = self.clock()
        while not stop.is_set():
            await self._turn(stop)
            seconds = seconds_to_next(self._watch, self.interval, self.jitter())
            self.due = self.clock() + timedelta(seconds=seconds)
            await self.pause(stop, seconds)

    @property
    def is_failing(self) -> bool:
        """Whether the last check failed."""
        return self._watch.failures > 0

    @property
    def is_stuck(self) -> bool:
        """Whether the next check is long overdue."""
        return self.due is not None and self.clock() - self.due > timedelta(seconds=STUCK_SECONDS)

    async def _turn(self, stop: asyncio.Event) -> None:
        """Do one check and what follows from it. What fails is said, and is tried again the next time."""
        try:
            found = await _unless_stopped(stop, self.check())
        except TmError as error:
            self._watch = failed(self._watch)
            self.metrics.failures += 1
            self.say(f"check failed ({self._watch.failures} in a row), nothing was done: {error.message}")
            return
        if found is None:
            return
        fleet, plan = found
        self._watch, findings = judge(self._watch, plan, heals_in(fleet))
        self._note(findings)
        await self._deliver(findings.to_deliver, stop)
        if findings.heal.changes and not stop.is_set():
            await self._heal(fleet, findings.heal, stop)

    def _note(self, findings: Findings) -> None:
        """Count and log what is new."""
        changes = findings.drift.changes
        self.metrics.checks += 1
        self.metrics.last_check = self.clock()
        self.metrics.drift = len(changes)
        self.metrics.conflicts = sum(change.cause is Cause.CONFLICT for change in changes)
        self.metrics.announced += len(findings.news)
        for change in findings.news:
            self.say(_in_words(change))
        for item in findings.vanished:
            self.say(f"missing {item.number} {printable(item.agent)}: {printable(item.detail)}")
        if findings.gone:
            self.say(f"{findings.gone} no longer as announced")
        if findings.news and findings.refused:
            self.say(f"not healed, a safety limit forbids it: {_reasons(findings.refused)}")

    async def _deliver(self, changes: Sequence[Change], stop: asyncio.Event) -> None:
        if self.tell is None or not changes:
            return
        try:
            await _unless_stopped(stop, self.tell(changes, self.clock()))
            self._watch = delivered(self._watch)
        except TmError as error:
            self.metrics.undelivered += 1
            self.say(f"{error.message}; it is told again at the next check")

    async def _heal(self, fleet: Fleet, plan: Plan, stop: asyncio.Event) -> None:
        try:
            report = await self.heal(fleet, plan, stop)
        except TmError as error:
            self._say_of_failures(tuple(all_failed(error, plan)))
            return
        for outcome in report.outcomes:
            if isinstance(outcome, Updated):
                self.metrics.healed += 1
                self.say(f"healed {outcome.change.number} {printable(outcome.change.agent)}")
            elif isinstance(outcome, Stale):
                self.say(f"not healed {outcome.change.number}: it changed again meanwhile")
            elif isinstance(outcome, NotAttempted):
                self.say(f"not healed {outcome.change.number}: stopped before its turn")
        self._say_of_failures(tuple(failures_in(report, plan)))

    def _say_of_failures(self, failures: Sequence[NotHealed]) -> None:
        """Count what could not be healed, and say what was not said at an earlier check."""
        self.metrics.not_healed += len(failures)
        self._watch, news = not_healed(self._watch, failures)
        for one in news:
            self.say(f"not healed {one.change.number}: {one.reason}; it is tried again at each check")


async def _unless_stopped(stop: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """Do the work, or abandon it and return None when the stop comes first."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for one in (task, stopping):
            one.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)


def _in_words(change: Change) -> str:
    fields = ", ".join(field.field for field in change.fields)
    return f"{change.cause} {change.number} {printable(change.agent)}: {fields} ({CAUSES[change.cause]})"


def _reasons(breaches: Sequence[Breach]) -> str:
    return "; ".join(breach.reason for breach in breaches)
