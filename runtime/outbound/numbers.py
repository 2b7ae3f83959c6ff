"""From which number a campaign calls next: that with the fewest calls, while there may be more of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, case, func, select

from runtime.store.campaign_tables import attempts
from schemas import Agent
from schemas.campaign import Campaign


def free_number(connection: Connection, campaign: Campaign, agent: Agent) -> str | None:
    """Return the number to call from, None while there are as many calls as there may be at a time."""
    own = (attempts.c.caller, func.count(), func.sum(_of(campaign)))
    is_open = (attempts.c.ended_at.is_(None), attempts.c.agent == agent.name)
    counted = connection.execute(select(*own).where(*is_open).group_by(attempts.c.caller))
    calls = {caller: (all_, ours) for caller, all_, ours in counted}
    if _is_full(campaign, agent, calls):
        return None
    numbers = campaign.numbers or tuple(entry.number for entry in agent.numbers)
    fewest = min(numbers, key=lambda number: calls.get(number, (0, 0)))
    most = campaign.max_concurrent_per_number
    return fewest if most is None or calls.get(fewest, (0, 0))[1] < most else None


def _of(campaign: Campaign) -> ColumnElement[int]:
    return case((attempts.c.campaign == campaign.name, 1), else_=0)


def _is_full(campaign: Campaign, agent: Agent, calls: Mapping[str, Sequence[int]]) -> bool:
    """Tell whether the agent or the campaign has as many calls as it may have; by number: all, and ours."""
    all_, ours = (sum(each[index] for each in calls.values()) for index in (0, 1))
    full_agent = agent.max_concurrent_calls is not None and all_ >= agent.max_concurrent_calls
    return full_agent or (campaign.max_concurrent_calls is not None and ours >= campaign.max_concurrent_calls)
