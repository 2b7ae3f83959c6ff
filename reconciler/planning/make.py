"""From a fleet and its accounts to a plan: decide what to read, read it, compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Plan
from reconciler.planning.reading import Readers, read_accounts
from reconciler.planning.safety import limit_notes
from reconciler.resource.desired import DesiredNumber, desired_numbers
from schemas.errors import TmError
from schemas.fleet import Fleet
from schemas.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for on the command line: `--target`, `--adopt`, `--prune`, `--check-routing`."""

    targets: tuple[str, ...] = ()
    adopt: tuple[str, ...] = ()
    prune: bool = False
    check_routing: bool = False


async def make_plan(fleet: Fleet, wishes: Wishes, readers: Readers, now: datetime) -> Plan:
    """Read every account that matters once per region, and compare.

    Raises TmError when a name is unknown or any account cannot be read: nothing is planned by half.
    """
    desired = desired_numbers(fleet)
    policy = policy_for(fleet, desired, wishes)
    live = await read_accounts(fleet, desired, policy, readers, check_routing=wishes.check_routing)
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
