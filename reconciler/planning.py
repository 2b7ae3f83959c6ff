"""From a fleet and its accounts to a plan: decide what to read, read it, compare."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.account import NumberReader
from reconciler.desired import DesiredNumber, desired_numbers
from reconciler.diff import Policy, diff
from reconciler.live import LiveNumber
from reconciler.plan import Plan
from reconciler.safety import limit_notes
from schemas.errors import TmError
from schemas.fleet import Fleet
from schemas.suggestions import did_you_mean

Readers = Callable[[str, str], NumberReader]
"""Gives the numbers of an account (by name) in a region."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for on the command line: `--target`, `--adopt` and `--prune`."""

    targets: tuple[str, ...] = ()
    adopt: tuple[str, ...] = ()
    prune: bool = False


async def make_plan(fleet: Fleet, wishes: Wishes, readers: Readers, now: datetime) -> Plan:
    """Read every account that matters once per region, and compare.

    Raises TmError when a name is unknown or any account cannot be read: nothing is planned by half.
    """
    desired = desired_numbers(fleet)
    policy = policy_for(fleet, desired, wishes)
    lists = await asyncio.gather(
        *(_listed(readers, account, region) for account, region in _to_read(fleet, desired, policy)),
        return_exceptions=True,
    )
    live = []
    for result in lists:
        if isinstance(result, BaseException):
            raise result
        live.extend(result)
    plan = diff(desired, live, policy, now)
    return replace(plan, diagnostics=plan.diagnostics + limit_notes(plan))


def policy_for(fleet: Fleet, desired: tuple[DesiredNumber, ...], wishes: Wishes) -> Policy:
    """Turn wishes into a policy; a name that nothing has is an error, not an empty plan."""
    for target in wishes.targets:
        if target not in fleet.agents:
            raise TmError(f"--target: there is no agent {target!r}{did_you_mean(target, fleet.agents)}")
    numbers = {wanted.number for wanted in desired}
    for number in wishes.adopt:
        if number not in numbers:
            raise TmError(f"--adopt: no agent declares {number}", hint="Add it to an agent's numbers first.")
    return Policy(
        public_url=fleet.service.public_url,
        fallback_url=fleet.service.fallback_url,
        adopt=frozenset(wishes.adopt),
        prune=wishes.prune or fleet.service.on_remove == "detach",
        targets=frozenset(wishes.targets) or None,
    )


async def _listed(readers: Readers, account: str, region: str) -> list[LiveNumber]:
    return await readers(account, region).list_numbers()


def _to_read(fleet: Fleet, desired: tuple[DesiredNumber, ...], policy: Policy) -> list[tuple[str, str]]:
    """Return the (account, region) pairs to list: those that answer a declared number.

    When numbers that no file declares are to be detached, also the home region of every account.
    """
    wanted = {
        (number.account, number.region)
        for number in desired
        if number.inbound and (policy.targets is None or number.agent in policy.targets)
    }
    if policy.prune:
        wanted |= {(account.name, account.region) for account in fleet.accounts.values()}
    return sorted(wanted)
