"""The durable part of a campaign: a chain of DBOS workflows for each lead, one for each attempt at them.

A workflow is begun in the queue of its campaign, when its delay is over and there is room. It goes through
the steps of the desk, waits for what becomes of the call, and at its end puts the next link of the chain into
the queue, for when the lead is to be called again. So who is called tomorrow costs a row, and no memory.

DBOS stores what each step came to. After a crash the workflow is run again, by this process or another, and
goes on behind its last stored step. `VERSION` names the order of the steps: it is raised when that changes.
"""

from __future__ import annotations

from typing import Final

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from runtime.outbound.attempt_store import PAUSED_SECONDS, Begun, NotNow
from runtime.outbound.campaign_desk import CampaignDesk
from runtime.outbound.reporting import NEWS

VERSION: Final = "campaigns-1"

# A database that is away comes back: 1 + 2 + 4 + … seconds, a quarter of an hour in all.
_patient_step = DBOS.step(retries_allowed=True, interval_seconds=1.0, backoff_rate=2.0, max_attempts=10)

_desks: list[CampaignDesk] = []


def work_with(desk: CampaignDesk | None) -> None:
    """Say who does the steps in this process, which has one instance of DBOS as well."""
    _desks[:] = [] if desk is None else [desk]


def _desk() -> CampaignDesk:
    (desk,) = _desks
    return desk


def queue_of(campaign: str) -> str:
    """Return the name of a campaign's queue."""
    return f"campaign-{campaign}"


def link_of(campaign: str, lead: str, link: int) -> str:
    """Return the id of a link in a lead's chain: there is one such workflow, however often it is begun."""
    return f"{campaign}:{lead}:{link}"


@DBOS.workflow(name="call_lead", max_recovery_attempts=None)
async def call_lead(campaign: str, lead: str, link: int) -> None:
    """Try once to reach a lead, and see to it that somebody tries again when that is to be."""
    again = await _attempt(campaign, lead, link_of(campaign, lead, link))
    if again is not None:
        with SetWorkflowID(link_of(campaign, lead, link + 1)), SetEnqueueOptions(delay_seconds=again):
            await DBOS.enqueue_workflow_async(queue_of(campaign), call_lead, campaign, lead, link + 1)


async def _attempt(campaign: str, lead: str, workflow: str) -> float | None:
    """Return after how many seconds the lead's chain goes on, None when it ends here."""
    attempt, wait = await begin(campaign, lead, workflow)
    if attempt is None:
        return wait
    patience = await place(campaign, attempt)
    if patience is None:
        return PAUSED_SECONDS
    while patience > 0:
        news = await DBOS.recv_async(NEWS, patience)
        patience = await look(attempt, news is None)
    return await conclude(campaign, attempt)


# What the steps come to is stored as JSON.


@_patient_step
async def begin(campaign: str, lead: str, workflow: str) -> tuple[str | None, float | None]:
    """Begin an attempt, or say how many seconds the lead has to wait; neither when it is finished."""
    begun = await _desk().begin(campaign, lead, workflow)
    if isinstance(begun, Begun):
        return begun.attempt, None
    return None, begun.seconds if isinstance(begun, NotNow) else None


@_patient_step
async def place(campaign: str, attempt: str) -> float | None:
    """Place the call; see `CampaignDesk.place`."""
    return await _desk().place(campaign, attempt)


@_patient_step
async def look(attempt: str, silent: bool) -> float:
    """Look what is known of the call; see `CampaignDesk.look`."""
    return await _desk().look(attempt, silent=silent)


@_patient_step
async def conclude(campaign: str, attempt: str) -> float | None:
    """Decide what follows; see `CampaignDesk.conclude`."""
    return await _desk().conclude(campaign, attempt)
