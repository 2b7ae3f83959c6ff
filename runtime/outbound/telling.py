"""An agent as it is in one call: its words with the call's variables, recorded as the order wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.outbound.variables import filled_in

if TYPE_CHECKING:
    from runtime.outbound.orders import DialOrder
    from schemas import Agent


def as_ordered(agent: Agent, order: DialOrder | None) -> Agent:
    """Return the agent for a call that was placed with this order; None for one that came in.

    Callers are told nothing by anybody: to them the variables are what they are by default.
    """
    if order is None and not agent.variables:
        return agent
    usual = {name: variable.default for name, variable in agent.variables.items()}
    variables = usual if order is None else order.variables
    changes: dict[str, object] = {
        "instructions": filled_in(agent.instructions, variables),
        "greeting": agent.greeting and filled_in(agent.greeting, variables),
    }
    if order is None:
        return agent.model_copy(update=changes)
    if order.most_seconds is not None:
        changes["max_call_seconds"] = min(agent.max_call_seconds, order.most_seconds)
    if order.record is False or (order.record and not agent.recording):
        changes["recording"] = order.record
    return agent.model_copy(update=changes)
