"""Why a lead is finished without a call, as the database tells when one is about to be begun."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Row, Select, select

from runtime.outbound.outcome import Outcome
from runtime.store.campaign_tables import attempts, campaigns, leads, never_call
from schemas.campaign import Campaign


def reason_not_to_call(
    connection: Connection,
    campaign: Campaign,
    lead: Row[tuple[object, ...]],
    declared: Collection[str] | None = None,
) -> Outcome | None:
    """Return as what a lead is finished without a call, if it is; `lead` is its row."""
    if is_cancelled(connection, campaign.name):
        return "cancelled"
    if connection.scalar(forbidden(lead.number)) is not None:
        return "do_not_call"
    if _is_called_elsewhere(connection, campaign, lead.number, declared):
        return "duplicate"
    if lead.calls > campaign.max_retries:  # fewer are allowed now than when the last call was decided on
        last = (attempts.c.campaign == lead.campaign, attempts.c.lead == lead.id)
        newest = select(attempts.c.outcome).where(*last).order_by(attempts.c.begun_at.desc()).limit(1)
        return connection.scalar(newest) or "failed"
    return None


def is_cancelled(connection: Connection, campaign: str) -> bool:
    """Tell whether a campaign was cancelled."""
    state = select(campaigns.c.state).where(campaigns.c.name == campaign)
    return connection.scalar(state) == "cancelled"


def forbidden(number: str) -> Select[tuple[str]]:
    """Return the question for a number among those that asked not to be called again."""
    return select(never_call.c.number).where(never_call.c.number == number)


def _is_called_elsewhere(
    connection: Connection, campaign: Campaign, number: str, declared: Collection[str] | None
) -> bool:
    """Tell whether another campaign has begun to call a number, and goes on with that."""
    begun = (
        select(leads.c.campaign)
        .join(campaigns, campaigns.c.name == leads.c.campaign)
        .where(leads.c.number == number, leads.c.state.in_(("dialling", "retry")))
        .where(leads.c.campaign != campaign.name, campaigns.c.state != "cancelled")
    )
    others = connection.scalars(begun).all()
    return any(declared is None or other in declared for other in others)
