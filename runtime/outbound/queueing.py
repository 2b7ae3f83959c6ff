"""The queues of the campaigns: on the terms that are declared, open or closed, and filled with leads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from runtime.figures.logs import get_logger
from runtime.outbound.hours import calling_hours, calling_zones
from runtime.outbound.lead_store import BATCH, LeadStore
from runtime.outbound.workflows import call_lead, link_of, queue_of

if TYPE_CHECKING:
    from schemas import Campaign, Fleet

MOST_AT_A_TIME: Final = 200
"""Calls that one process waits for in one campaign, where the declarations have no limit."""
# The period of a rate that is more than a call in so many seconds.
MOST_SECONDS: Final = 100
# How often is looked for workflows that have failed or are to be forgotten; how long they are kept.
LOOK_SECONDS: Final = 30.0
KEEP_SECONDS: Final = 3 * 86_400

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a queue goes by: calls at a time, 0 while it is closed, and `limit` calls in `period` seconds."""

    at_a_time: int
    limit: int
    period: int


class Queueing:
    """Keeps the queues as they are to be. Its methods block: they belong into a thread."""

    def __init__(self, fleet: Fleet, leads: LeadStore, epoch: Callable[[], float], poll: float) -> None:
        """`poll` is how often the queues are looked at, in seconds."""
        self._fleet = fleet
        self._leads = leads
        self._epoch = epoch
        self._poll = poll
        self._terms: dict[str, _Terms] = {}
        self._emptied: set[str] = set()
        self._looked_at = epoch() - LOOK_SECONDS

    def tick(self) -> None:
        """Do what has come up since the last time."""
        if self._epoch() >= self._looked_at + LOOK_SECONDS:
            self._mend()
            self._forget()
            self._looked_at = self._epoch()
        for name, status in self._leads.statuses().items():
            campaign = self._fleet.campaigns.get(name)
            is_open = status.state == "running" and campaign is not None
            if campaign is not None:
                self._keep_to(name, self._terms_of(campaign, is_open=is_open))
            if campaign is not None and is_open:
                self._emptied.discard(name)
                self._fill(campaign)
            elif status.state == "cancelled" and name not in self._emptied:
                self._empty(name)

    def _terms_of(self, campaign: Campaign, *, is_open: bool) -> _Terms:
        agent = self._fleet.agents[campaign.agent]
        numbers = len(campaign.numbers or agent.numbers)
        of_each = campaign.max_concurrent_per_number
        of_all = None if of_each is None else of_each * numbers
        limits = (campaign.max_concurrent_calls, of_all, agent.max_concurrent_calls, MOST_AT_A_TIME)
        at_a_time = min(limit for limit in limits if limit is not None) if is_open else 0
        return _Terms(at_a_time, *limit_of(campaign.calls_per_second))

    def _keep_to(self, campaign: str, terms: _Terms) -> None:
        """Set a queue up, unless it is; the settings stand in the database, for all processes.

        The rate is approximate here, so that few wait for their turn to be dialled; that is what is exact.
        """
        if self._terms.get(campaign) == terms:
            return
        DBOS.register_queue(
            queue_of(campaign),
            worker_concurrency=terms.at_a_time,
            limiter={"limit": terms.limit, "period": terms.period},
            polling_interval_sec=self._poll,
            on_conflict="always_update",
        )
        self._terms[campaign] = terms

    def _fill(self, campaign: Campaign) -> None:
        """Put leads that no workflow waits for into the queue, a batch at a time."""
        hours, known = calling_hours(campaign), {}
        while waiting := self._leads.unqueued(campaign.name):
            now = self._epoch()
            due: dict[str, float] = {}
            for lead in waiting:
                zones = calling_zones(lead.number, lead.time_zone, campaign.time_zone, hours, now)
                if zones not in known:
                    known[zones] = hours.next_moment(now, zones) or now
                due[lead.id] = known[zones]
            for lead_id, moment in due.items():
                _enqueue(campaign.name, lead_id, 0, moment - now)
            self._leads.queued(campaign.name, due)
            if len(waiting) < BATCH:
                return

    def _mend(self) -> None:
        """Go on with chains whose workflow has failed, by a fault of ours: no lead is lost by it."""
        broken = DBOS.list_workflows(
            status=["ERROR"],
            completed_after=_iso(self._looked_at - LOOK_SECONDS),
            load_input=False,
            load_output=False,
        )
        for workflow in broken:
            _log.error("workflow_failed", workflow=workflow.workflow_id)
            self._go_on(workflow.workflow_id)

    def _forget(self) -> None:
        """Delete workflows that ended some days ago: what came of them stands with the leads."""
        old = DBOS.list_workflows(
            status=["SUCCESS", "CANCELLED"],
            completed_before=_iso(self._epoch() - KEEP_SECONDS),
            load_input=False,
            load_output=False,
            limit=BATCH,
        )
        if old:
            DBOS.delete_workflows([workflow.workflow_id for workflow in old])

    def _empty(self, campaign: str) -> None:
        """Take everything out of the queue of a campaign that was cancelled; calls that were begun go on."""
        while queued := DBOS.list_queued_workflows(
            queue_name=queue_of(campaign),
            status=["ENQUEUED", "DELAYED"],
            load_input=False,
            load_output=False,
            limit=BATCH,
        ):
            workflows = [workflow.workflow_id for workflow in queued]
            DBOS.cancel_workflows(workflows)
            for workflow in self._leads.begun_by(workflows):  # it was begun in this very moment
                self._go_on(workflow)
        self._emptied.add(campaign)

    def _go_on(self, workflow: str) -> None:
        """Let the next link of a chain take the place of a workflow that has ended before its time."""
        campaign, lead, link = workflow.rsplit(":", 2)
        _enqueue(campaign, lead, int(link) + 1, LOOK_SECONDS)


def limit_of(calls_per_second: float) -> tuple[int, int]:
    """Return about the same rate as so many calls in so many seconds, both whole."""
    if calls_per_second < 1 / MOST_SECONDS:
        return 1, math.ceil(1 / calls_per_second)
    rate = Fraction(calls_per_second).limit_denominator(MOST_SECONDS)
    return rate.numerator, rate.denominator


def _iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat()


def _enqueue(campaign: str, lead: str, link: int, seconds: float) -> None:
    """Let a link of a lead's chain begin after so many seconds; one that was begun stays as it is."""
    delay = math.ceil(seconds) if seconds > 0 else None
    with SetWorkflowID(link_of(campaign, lead, link)), SetEnqueueOptions(delay_seconds=delay):
        DBOS.enqueue_workflow(queue_of(campaign), call_lead, campaign, lead, link)
