"""Who is let in: decided at the webhook, from values, before any connection is opened for the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """Who may call an agent, and how many at once; None does not limit.

    `allowed_callers` are E.164 numbers, prefixes that end in `*`, or `anonymous`. `when_full` says what a
    caller too many gets: a busy tone, or the agent's fallback message.
    """

    allowed_callers: tuple[str, ...] | None = None
    max_concurrent_calls: int | None = None
    when_full: Literal["busy", "message"] = "busy"


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call is taken."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The call is not taken: why, and what the caller gets for it."""

    reason: Literal["not_allowed", "concurrent_limit"]
    how: Literal["busy", "message"]


Decision: TypeAlias = Admitted | Refused


def decide(limits: AgentLimits, number: str, active_calls: int) -> Decision:
    """Decide on a call from `number`, in the form that `caller_number` gives.

    `active_calls` are the agent's calls that are being held now, without this one.
    """
    if not is_allowed(number, limits.allowed_callers):
        return Refused("not_allowed", "busy")
    if limits.max_concurrent_calls is not None and active_calls >= limits.max_concurrent_calls:
        return Refused("concurrent_limit", limits.when_full)
    return Admitted()


def is_allowed(number: str, allowed: tuple[str, ...] | None) -> bool:
    """Tell whether a normalised number is one of those allowed, or begins with an allowed prefix."""
    if allowed is None:
        return True
    return any(number.startswith(entry[:-1]) if entry.endswith("*") else number == entry for entry in allowed)
