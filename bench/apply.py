"""Time of an apply of 1,000 updates at 50 ms a request, beside the budget: `python -m bench.apply [NUMBERS]`.

The account is the sandbox's, in a process of its own, with a ceiling of concurrent requests that is not
told: what is above it is answered 429. The ideal is every request sent once and the ceiling always full.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from reconciler.applying.report import Report, Updated
from reconciler.planning.make import Wishes
from reconciler.planning.plan import Plan
from reconciler.runs import Conduct, apply_run, plan_run
from sandbox import NumberSeed, Sandbox, Seed
from schemas import require_fleet

BUDGET_FACTOR = 1.3
LATENCY_MS = 50
CEILING = 20
PUBLIC_URL = "https://agents.example"


def serve(numbers: list[str], pipe: Connection) -> None:
    """Be the account until the other end hangs up."""

    async def run() -> None:
        async with Sandbox.start(Seed(numbers=tuple(map(NumberSeed, numbers)))) as box:
            box.account.faults.max_concurrency = CEILING
            box.account.faults.latency_ms = LATENCY_MS
            pipe.send((box.url, box.account_sid, box.auth_token))
            await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


def declare(folder: Path, numbers: list[str]) -> None:
    agent = {"kind": "Agent", "name": "front-desk", "instructions": "Answer.", "numbers": numbers}
    service = {"kind": "Service", "name": "bench", "public_url": PUBLIC_URL}
    folder.mkdir()
    (folder / "fleet.yaml").write_text("\n---\n".join(map(json.dumps, (service, agent))))


async def timed_apply(folder: Path, environ: dict[str, str]) -> tuple[Plan, Report, float, float]:
    """Plan and apply; return seconds of wall and of CPU of the apply alone."""
    fleet, now = require_fleet(folder / "agents.d", environ), datetime.now(UTC)
    plan = await plan_run(fleet, Wishes(), environ, now)
    wall, cpu = time.perf_counter(), time.process_time()
    report = await apply_run(
        plan,
        fleet,
        environ,
        now,
        Conduct(preflight=False),
        on_outcome=lambda outcome: None,
        on_interrupt=lambda: None,
    )
    return plan, report, time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    numbers = [f"+1415{index:07}" for index in range(count)]
    ours, theirs = multiprocessing.Pipe()
    account = multiprocessing.get_context("spawn").Process(target=serve, args=(numbers, theirs), daemon=True)
    account.start()
    url, sid, token = ours.recv()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        declare(folder / "agents.d", numbers)
        environ = {
            "TWILIO_ACCOUNT_SID": sid,
            "TWILIO_AUTH_TOKEN": token,
            "TM_TWILIO_API_URL": url,
            "TM_STATE_DIR": str(folder / ".tm"),
        }
        plan, report, wall, cpu = asyncio.run(timed_apply(folder, environ))
    ours.send("done")
    account.join()
    written = sum(1 for _ in report.of(Updated))
    ideal = report.traffic.sent * LATENCY_MS / 1000 / CEILING
    factor = wall / ideal
    print(f"apply of {len(plan.changes)} updates, {written} written, at {LATENCY_MS} ms a request")
    print(f"  ceiling            {CEILING:8}")
    print(f"  requests           {report.traffic.sent:8}   {report.traffic.refused} of them refused")
    print(f"  most at once       {report.traffic.highest:8}")
    print(f"  time               {wall:8.2f} s")
    print(f"  ideal              {ideal:8.2f} s")
    verdict = "ok" if factor <= BUDGET_FACTOR else "OVER"
    print(f"  factor             {factor:8.2f}     budget {BUDGET_FACTOR}   {verdict}")
    print(f"  CPU per update     {1000 * cpu / len(plan.changes):8.2f} ms")
    print(f"  peak memory        {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
