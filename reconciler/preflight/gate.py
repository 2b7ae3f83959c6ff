"""Before apply points a number anywhere for the first time: is there somebody to answer?

An agent whose checks fail keeps its new numbers from being written; they are skipped, with the reason.
Numbers that already point to the same host are written as ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from reconciler.planning.plan import Action, Change, Plan, Skipped, SkipReason
from reconciler.preflight.agents import AgentChecks
from reconciler.preflight.examination import check_public_url, instruments
from reconciler.preflight.finding import Finding, first_failure
from reconciler.resource.ownership import host_of, is_under
from schemas.agent import Agent
from schemas.fleet import Fleet

# However slow the server: what is not known by then has failed.
PREFLIGHT_SECONDS = 60.0
SECONDS_PER_AGENT = 0.5

Check = Callable[[AgentChecks, Agent], Awaitable[list[Finding]]]


def needs_preflight(change: Change, public_url: str) -> bool:
    """Tell whether a change points a number to the runtime's host that did not point there before."""
    before, after = change.now.voice_url or "", change.write.voice_url or ""
    return is_under(after, public_url) and (
        change.action is Action.ADOPT or host_of(before) != host_of(after)
    )


def messages_need_preflight(change: Change, public_url: str) -> bool:
    """Tell the same of a Messaging Service or a WhatsApp sender."""
    before = change.now.inbound_request_url or change.now.callback_url or ""
    after = change.write.inbound_request_url or change.write.callback_url or ""
    return is_under(after, public_url) and (
        change.action is Action.ADOPT or host_of(before) != host_of(after)
    )


async def checked_plan(plan: Plan, fleet: Fleet, environ: Mapping[str, str], stop: asyncio.Event) -> Plan:
    """Return the plan without the numbers of agents that would not be answered; those are skipped.

    Nothing is asked when no number needs it. Once `stop` is set the checks are given up and the plan
    comes back as it is: its reader begins no number then. Raises TmError.
    """
    checked = await _checked(plan, fleet, environ, stop, needs_preflight, AgentChecks.check)
    return await _checked(checked, fleet, environ, stop, messages_need_preflight, AgentChecks.check_messages)


async def _checked(
    plan: Plan,
    fleet: Fleet,
    environ: Mapping[str, str],
    stop: asyncio.Event,
    needs: Callable[[Change, str], bool],
    check: Check,
) -> Plan:
    """Check the agents of those changes that need it in one way."""
    public_url = fleet.service.public_url
    named = {change.agent for change in plan.changes if needs(change, public_url)}
    names = sorted(named & fleet.agents.keys())
    if not names:
        return plan
    checking = asyncio.create_task(_failures(fleet, environ, names, check))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({checking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return without_failures(plan, checking.result(), public_url, needs) if checking.done() else plan
    finally:
        for task in (checking, stopping):
            task.cancel()
        await asyncio.gather(checking, stopping, return_exceptions=True)


def without_failures(
    plan: Plan,
    failures: Mapping[str, str],
    public_url: str,
    needs: Callable[[Change, str], bool] = needs_preflight,
) -> Plan:
    """Move the changes that need a preflight, of agents in `failures` (name -> why), to what is skipped."""
    kept: list[Change] = []
    skipped: list[Skipped] = []
    for change in plan.changes:
        why = failures.get(change.agent)
        if why is None or change.place is None or not needs(change, public_url):
            kept.append(change)
        else:
            reason = SkipReason.PREFLIGHT_FAILED
            skipped.append(Skipped(change.number, change.agent, reason, why, change.place))
    return replace(plan, changes=tuple(kept), skipped=(*plan.skipped, *skipped))


async def _failures(
    fleet: Fleet, environ: Mapping[str, str], names: list[str], check_agent: Check
) -> dict[str, str]:
    """Return the agents that would not be answered, and why."""
    seconds = PREFLIGHT_SECONDS + SECONDS_PER_AGENT * len(names)
    failures = dict.fromkeys(names, f"the checks did not end within {seconds:g} s")
    with contextlib.suppress(TimeoutError):  # who has not passed by then has failed
        async with asyncio.timeout(seconds), instruments(fleet, environ) as tools:
            service = await check_public_url(fleet, tools)
            if failure := first_failure(service.findings):
                return dict.fromkeys(names, detail_of(failure))
            checks = AgentChecks(fleet, tools.public)

            async def check(name: str) -> None:
                failure = first_failure(await check_agent(checks, fleet.agents[name]))
                if failure is None:
                    del failures[name]
                else:
                    failures[name] = detail_of(failure)

            await asyncio.gather(*map(check, names))
    return failures


def detail_of(failure: Finding) -> str:
    """Return a failed check in one line: where, what, and what to do."""
    return f"{failure.group}, {failure.check}: {failure.found}. {failure.advice}".rstrip()
