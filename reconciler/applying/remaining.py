"""What of a saved plan is still to be done: one that is applied again finds nothing left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from reconciler.api.ports import AccountReader
from reconciler.applying.writing import read, steps_to_do
from reconciler.planning.plan import Change, Plan, Unchanged
from schemas.errors import TmError


async def remaining(plan: Plan, account: Callable[[str, str], AccountReader]) -> Plan:
    """Return the plan, under its own id, with the changes that the account already has among the unchanged.

    A number that cannot be read stays a change: its apply says what is wrong with it.
    """
    done = await asyncio.gather(
        *(_is_done(change, account(change.account, change.region)) for change in plan.changes)
    )
    judged = list(zip(plan.changes, done, strict=True))
    ownership = replace(plan.ownership, new_host=None) if all(done) else plan.ownership
    return replace(
        plan,
        changes=tuple(change for change, is_done in judged if not is_done),
        unchanged=plan.unchanged
        + tuple(Unchanged(one.number, one.agent, one.sid) for one, is_done in judged if is_done),
        ownership=ownership,
        saved_as=plan.plan_id,
    )


async def _is_done(change: Change, account: AccountReader) -> bool:
    try:
        return not steps_to_do(change, (await read(change, account)).bare)
    except TmError:
        return False
