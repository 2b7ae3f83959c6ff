"""The engine of campaigns alone: leads a minute, and memory for a long list. Run: python -m bench.campaign.

The network answers every call after 50 ms, so what is measured is the work of a lead: its workflow, its
transactions, its place in the queue.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from runtime.outbound.leads import Lead, LeadTerms, read_leads
from tests.e2e.campaigns.network import FileNetwork
from tests.e2e.campaigns.world import (
    FAST,
    NAME,
    days_around_now,
    engine,
    fleet,
    stored,
    wait_until_over,
)
from tests.postgres import running_postgres

PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Run a campaign as fast as it goes, then put a long list into the queue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=1_000)
    parser.add_argument("--long-list", type=int, default=100_000)
    arguments = parser.parse_args()
    with running_postgres() as server:
        for kind in ("SQLite", "PostgreSQL"):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                url = f"sqlite:///{folder / 'calls.sqlite3'}" if kind == "SQLite" else server.new_database()
                speed(kind, folder, url, arguments.leads)
    with tempfile.TemporaryDirectory() as name:
        long_list(Path(name), arguments.long_list)


def speed(kind: str, folder: Path, url: str, count: int) -> None:
    """Call everybody once; everybody answers."""
    with stored(url) as leads:
        leads.add(NAME, (Lead(index, f"+1415{2_000_000 + index * 10}", {}, "UTC") for index in range(count)))
        leads.start(NAME)
        began, cpu = time.perf_counter(), time.process_time()
        with engine(fleet(folder, "calls_per_second: 100\n"), url, FileNetwork(folder), FAST):
            wait_until_over(leads, 600)
            seconds, used = time.perf_counter() - began, time.process_time() - cpu
    print(f"{kind:<10}  {count / seconds * 60:7,.0f} leads/min, {used / count * 1000:.1f} ms CPU a lead")


def long_list(folder: Path, count: int) -> None:
    """Read a list, add it, and put it into the queue; nobody is called today."""
    path = folder / "long.csv"
    with path.open("w") as file:
        file.write("number,name,time_zone\n")
        file.writelines(f"+1415{2_000_000 + index},Person {index},UTC\n" for index in range(count))
    declared = fleet(folder, f"holidays: [{', '.join(days_around_now())}]\n")
    with stored(f"sqlite:///{folder / 'calls.sqlite3'}") as leads:
        before, began = resident_mb(), time.perf_counter()
        leads.add(NAME, read_leads(path, LeadTerms("+14155550100", declared.agents["reminders"].variables)))
        read = time.perf_counter() - began
        print(f"{count:,} leads read and added in {read:.1f} s: {before:.0f} MB, then {resident_mb():.0f} MB")
        leads.start(NAME)
        began = time.perf_counter()
        with engine(declared, f"sqlite:///{folder / 'calls.sqlite3'}", FileNetwork(folder), FAST):
            while leads.unqueued(NAME, 1):
                time.sleep(0.2)
            print(f"in the queue after {time.perf_counter() - began:.1f} s: {resident_mb():.0f} MB")


def resident_mb() -> float:
    """Return what the process holds in memory, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


if __name__ == "__main__":
    main()
