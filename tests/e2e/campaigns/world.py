"""A fleet with a campaign, and the engine that runs it, in accelerated time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.outbound.campaign_desk import Timing
from runtime.outbound.engine import CampaignEngine, Pace
from runtime.outbound.lead_store import LeadStore
from runtime.outbound.leads import Lead
from runtime.outbound.progress import Progress
from runtime.store.database import migrate, open_engine
from schemas import Fleet, load_fleet
from tests.e2e.campaigns.network import FileNetwork
from tests.schemas.fleets import ENVIRONMENT

# An hour of the campaign is a moment here.
FAST = Pace(
    poll=0.05,
    messages=0.05,
    tick=0.1,
    dead_after=3.0,
    timing=Timing(settle=0.2, ring_margin=0.3, ask_every=0.3, report_grace=0.2, turn_poll=0.05),
)
AGENT = """\
kind: Agent
name: reminders
inbound: false
instructions: You call {{ name }}.
numbers: [+14155550100, +14155550101]
variables: {name: Who is called}
"""
CAMPAIGN = """\
kind: Campaign
name: spring
agent: reminders
leads: leads.csv
hours: {mon-sun: 00:00-24:00}
ring_seconds: 5
"""
NAME = "spring"


def fleet(folder: Path, terms: str = "", agent: str = "") -> Fleet:
    """Return a fleet whose one campaign has further terms."""
    declarations = folder / "agents.d"
    declarations.mkdir(exist_ok=True)
    (declarations / "leads.csv").write_text("number,name\n")
    text = f"{AGENT}{agent}---\n{CAMPAIGN}{terms}"
    (declarations / "fleet.yaml").write_text(text)
    loaded = load_fleet(declarations, ENVIRONMENT)
    assert loaded.fleet is not None, loaded.diagnostics
    return loaded.fleet


def people(count: int) -> Iterator[Lead]:
    """Yield leads whose numbers end in every digit in turn."""
    for index in range(count):
        yield Lead(index + 2, f"+1415{2000000 + index}", {"name": f"Person {index}"}, "UTC")


def days_around_now() -> list[str]:
    """Return the days that it may be anywhere: as holidays they keep everybody from being called."""
    return [time.strftime("%Y-%m-%d", time.gmtime(time.time() + day * 86_400)) for day in (-1, 0, 1)]


@contextmanager
def stored(url: str) -> Iterator[LeadStore]:
    """Open the store in a database whose tables are there."""
    database = open_engine(url)
    migrate(database)
    try:
        yield LeadStore(database, time.time)
    finally:
        database.dispose()


@contextmanager
def engine(fleet: Fleet, url: str, network: FileNetwork, pace: Pace = FAST) -> Iterator[CampaignEngine]:
    """Run campaigns for as long as the block runs."""
    running = CampaignEngine(fleet, url, network, pace=pace)
    network.report = running.report
    running.start()
    try:
        yield running
    finally:
        running.stop()


def wait_until_over(leads: LeadStore, seconds: float = 30, campaign: str = NAME) -> Progress:
    """Return the counts of a campaign once every lead is finished."""
    until = time.monotonic() + seconds
    while not (progress := leads.progress(campaign)).is_over:
        assert time.monotonic() < until, progress
        time.sleep(0.05)
    return progress
