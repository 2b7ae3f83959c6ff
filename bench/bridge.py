"""The bridge under load: CPU and memory per call of `tm serve`, and the latency that it adds each way.

    python -m bench.bridge                        # 10, 50 and 100 calls, 20 s each, beside a naive bridge
    python -m bench.bridge --calls 200 --seconds 30 --only tm

The server has one core, callers and model (this process) another, where there are two. Loopback, no TLS. CPU
and memory are those of the server alone, from /proc (Linux); CPU is the median of several windows. Memory per
call is what the resident set grows by, against that of a server that has had one call. `load` is how busy
this process itself was: above 85 % it is what is measured. The naive bridge is `bench/naive_bridge.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bench.echo_load import RAMP_SECONDS, TOKEN, Frames, Load
from bench.websocket import listen
from cli.demo.processes import free_port
from runtime.server import event_loop

SETTLE_SECONDS = 3.0
WINDOWS = 5
FLEET = """\
kind: Agent
name: echo
numbers: "+14155550123"
instructions: Echo.
max_call_seconds: 3600
"""
# What `tm serve` is meant to stay within at 100 calls and more.
CPU_BUDGET, KB_BUDGET, P50_BUDGET, P99_BUDGET = 3.0, 100, 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run told: CPU in ms per call-second, memory in KB per call, latency in ms.

    `load` is the share of a core that callers and model took.
    """

    cpu_ms: float
    load: float
    kb: float
    idle_mb: float
    up_p50: float
    up_p99: float
    down_p50: float
    down_p99: float

    @property
    def within_budget(self) -> bool:
        """Whether each figure is within what is meant to hold at 100 calls."""
        return (
            self.cpu_ms <= CPU_BUDGET
            and self.kb <= KB_BUDGET
            and max(self.up_p50, self.down_p50) <= P50_BUDGET
            and max(self.up_p99, self.down_p99) <= P99_BUDGET
        )


def command(bridge: str, port: int) -> tuple[str, ...]:
    """Return the command line of a bridge."""
    if bridge == "naive":
        return (sys.executable, "-m", "bench.naive_bridge", str(port))
    return (sys.executable, "-m", "cli", "serve", "--port", str(port), "--log-level", "error")


@asynccontextmanager
async def server(bridge: str, model_url: str, fleet: str = FLEET) -> AsyncIterator[tuple[str, int]]:
    """Run a bridge with these agents on a core of its own; yields its base URL and process id."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "agents.d").mkdir()
        (Path(folder) / "agents.d" / "fleet.yaml").write_text(fleet)
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "TM_AGENTS_DIR": f"{folder}/agents.d",
            "TM_STATE_DIR": folder,
            "TM_DATABASE_URL": f"sqlite:///{folder}/calls.sqlite3",
            "TM_PUBLIC_URL": base,
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TM_TWILIO_API_URL": "http://127.0.0.1:9",
            "OPENAI_API_KEY": "sk-bench",
            "OPENAI_BASE_URL": model_url,
        }
        process = await asyncio.create_subprocess_exec(
            *command(bridge, port), env=environment, stderr=asyncio.subprocess.DEVNULL
        )
        pin(process.pid, 0)
        try:
            await _until_ready(base)
            yield base, process.pid
        finally:
            process.terminate()
            await process.wait()


async def _until_ready(base: str) -> None:
    """Wait until the server answers, 20 s at most."""
    async with asyncio.timeout(20), httpx2.AsyncClient() as client:
        while True:
            with suppress(httpx2.TransportError):
                if (await client.get(f"{base}/readyz")).is_success:
                    return
            await asyncio.sleep(0.1)


def pin(pid: int, place: int) -> None:
    """Give a process one of the cores, where there are two."""
    cores = sorted(os.sched_getaffinity(os.getppid()))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[place]})


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kb(pid: int) -> int:
    """Return how much memory a process has resident, in KB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0])


async def measure(bridge: str, calls: int, seconds: float) -> Figures:
    """Let so many calls last so long."""
    load = Load()
    async with await listen(load.at_model) as listener:
        port = listener.sockets[0].getsockname()[1]
        async with server(bridge, f"http://127.0.0.1:{port}/v1") as (base, pid):
            await load.talk(base, range(1), 1.0)  # what is loaded by the first call alone
            idle = resident_kb(pid)
            length = calls * RAMP_SECONDS + SETTLE_SECONDS + seconds + 0.5
            talking = asyncio.create_task(load.talk(base, range(1, calls + 1), length))
            await asyncio.sleep(calls * RAMP_SECONDS + SETTLE_SECONDS)
            load.measuring, own = True, time.process_time()
            windows = [await cpu_share(pid, seconds / WINDOWS) for _ in range(WINDOWS)]
            own, grown, load.measuring = time.process_time() - own, resident_kb(pid) - idle, False
            await talking
    cpu_ms = 1000 * statistics.median(windows) / calls
    return _figures(cpu_ms, own / seconds, grown / calls, idle / 1024, list(load.calls.values()))


async def cpu_share(pid: int, seconds: float) -> float:
    """Return the share of a core that a process takes for so long."""
    began, before = time.perf_counter(), cpu_seconds(pid)
    await asyncio.sleep(seconds)
    return (cpu_seconds(pid) - before) / (time.perf_counter() - began)


def _figures(cpu_ms: float, load: float, kb: float, idle_mb: float, frames: list[Frames]) -> Figures:
    up = [ms for call in frames for ms in call.up_ms]
    down = [ms for call in frames for ms in call.down_ms]
    latency = (share(up, 0.5), share(up, 0.99), share(down, 0.5), share(down, 0.99))
    return Figures(cpu_ms, load, kb, idle_mb, *latency)


def share(values: Sequence[float], part: float) -> float:
    """Return the value below which this part of the values is; NaN where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else math.nan


def print_line(bridge: str, calls: int, told: Figures) -> None:
    """Print what was measured, and for `tm` at 100 calls and more whether it is within the budget."""
    verdict = ""
    if bridge == "tm" and calls >= 100:
        verdict = "  within budget" if told.within_budget else "  OVER BUDGET"
    print(
        f"{bridge:<6}{calls:>5}{told.cpu_ms:>12.2f}{told.load:>7.0%}{told.kb:>9.0f}{told.idle_mb:>9.0f}"
        f"{told.up_p50:>9.2f}{told.up_p99:>9.2f}{told.down_p50:>9.2f}{told.down_p99:>9.2f}{verdict}",
        flush=True,
    )


def main() -> None:
    """Measure each number of calls in a server of its own."""
    parser = argparse.ArgumentParser(description="Measure the bridge under echo load.")
    parser.add_argument("--calls", type=int, nargs="+", default=[10, 50, 100])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", choices=["tm", "naive"], help="leave the other bridge out")
    options = parser.parse_args()
    pin(os.getpid(), -1)
    print("      calls  ms/call-s   load  KB/call  idle MB   up p50      p99 down p50      p99   (ms)")
    for calls in options.calls:
        for bridge in [options.only] if options.only else ["naive", "tm"]:
            with asyncio.Runner(loop_factory=event_loop) as runner:
                print_line(bridge, calls, runner.run(measure(bridge, calls, options.seconds)))
    print(
        f"budget at 100 calls: {CPU_BUDGET} ms/call-s, {KB_BUDGET} KB/call, "
        f"p50 {P50_BUDGET} ms and p99 {P99_BUDGET} ms each way"
    )


if __name__ == "__main__":
    main()
