"""Before apply points a number anywhere for the first time: is there somebody to answer?

An agent whose checks fail, or whose account takes no calls, keeps its new numbers from being written; they
are skipped, with the reason. Numbers that already point to the same host are written as ever. What limits the
calls of an account, such as being a trial, is told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.planning import codes
from reconciler.planning.plan import Action, Change, Plan, Skipped, SkipReason
from reconciler.preflight.accounts import check_kind
from reconciler.preflight.agents import AgentChecks
from reconciler.preflight.examination import Instruments, check_public_url, instruments
from reconciler.preflight.finding import Finding, Verdict, first_failure
from reconciler.resource.ownership import host_of, is_under
from reconciler.resource.settings import Settings
from schemas.agent import Agent
from schemas.fleet import Fleet
from schemas.places import Diagnostic

# However slow the server: what is not known by then has failed.
PREFLIGHT_SECONDS = 60.0
SECONDS_PER_AGENT = 0.5

Check = Callable[[AgentChecks, Agent], Awaitable[list[Finding]]]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the checks came to: agents that would not be answered (name -> why), and what else to know."""

    failures: Mapping[str, str]
    notes: tuple[Diagnostic, ...] = ()


def needs_preflight(change: Change, public_url: str) -> bool:
    """Tell whether a change points a number to the runtime's host that did not point there before."""
    before, after = change.now.voice_url or "", change.write.voice_url or ""
    return is_under(after, public_url) and (
        change.action is Action.ADOPT or host_of(before) != host_of(after)
    )


def messages_need_preflight(change: Change, public_url: str) -> bool:
    """Tell the same of a Messaging Service, of a WhatsApp sender, and of a number's SMS."""
    before, after = _messages_of(change.now), _messages_of(change.write)
    return is_under(after, public_url) and (
        change.action is Action.ADOPT or host_of(before) != host_of(after)
    )


def _messages_of(settings: Settings) -> str:
    """Return where messages go."""
    return settings.inbound_request_url or settings.callback_url or settings.sms_url or ""


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
    checking = asyncio.create_task(_judged(fleet, environ, names, check))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({checking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return _with(checking.result(), plan, public_url, needs) if checking.done() else plan
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


def _with(judged: Judged, plan: Plan, public_url: str, needs: Callable[[Change, str], bool]) -> Plan:
    """Return the plan without what would not be answered, and with what there is to know, each told once."""
    notes = tuple(dict.fromkeys((*plan.diagnostics, *judged.notes)))
    return replace(without_failures(plan, judged.failures, public_url, needs), diagnostics=notes)


async def _judged(
    fleet: Fleet, environ: Mapping[str, str], names: Sequence[str], check_agent: Check
) -> Judged:
    """Check the accounts of these agents, what all agents have in common, and each agent."""
    seconds = PREFLIGHT_SECONDS + SECONDS_PER_AGENT * len(names)
    failures = dict.fromkeys(names, f"the checks did not end within {seconds:g} s")
    notes: tuple[Diagnostic, ...] = ()
    with contextlib.suppress(TimeoutError):  # who has not passed by then has failed
        async with asyncio.timeout(seconds), instruments(fleet, environ) as tools:
            kinds = await _kinds(fleet, names, tools)
            notes = _notes(kinds.values())
            service = await check_public_url(fleet, tools)
            if failure := first_failure(service.findings):
                return Judged(dict.fromkeys(names, detail_of(failure)), notes)
            checks = AgentChecks(fleet, tools.public)

            async def check(name: str) -> None:
                agent = fleet.agents[name]
                kind = kinds[fleet.account_of(agent).name]
                failure = first_failure([kind]) or first_failure(await check_agent(checks, agent))
                if failure is None:
                    del failures[name]
                else:
                    failures[name] = detail_of(failure)

            await asyncio.gather(*map(check, names))
    return Judged(failures, notes)


def _notes(kinds: Iterable[Finding]) -> tuple[Diagnostic, ...]:
    """Return what is to be known of accounts that take calls, but not every call."""
    return tuple(
        Diagnostic("warning", codes.ACCOUNT_LIMITS, detail_of(kind), None)
        for kind in kinds
        if kind.verdict is Verdict.WARNING
    )


async def _kinds(fleet: Fleet, names: Iterable[str], tools: Instruments) -> Mapping[str, Finding]:
    """Ask for the kind of each account (by name) that the agents have their numbers in."""
    accounts = {account.name: account for account in (fleet.account_of(fleet.agents[name]) for name in names)}
    found = await asyncio.gather(*(check_kind(account, tools.twilio) for account in accounts.values()))
    return dict(zip(accounts, found, strict=True))


def detail_of(failure: Finding) -> str:
    """Return a failed check in one line: where, what, and what to do."""
    return f"{failure.group}, {failure.check}: {failure.found}. {failure.advice}".rstrip()
