"""The demo runs the very commands that a user would run, as processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2

from schemas.errors import TmError

START_SECONDS = 20.0
STOP_SECONDS = 10.0


def free_port() -> int:
    """Return a loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def run_tm(arguments: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """Run `tm ARGUMENTS` on this terminal and return its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *arguments, env={**os.environ, **environment}
    )
    return await process.wait()


@contextlib.asynccontextmanager
async def serving(port: int, environment: Mapping[str, str], log: Path) -> AsyncIterator[str]:
    """Run `tm serve` on `port`, its log in a file; yields its base URL once it is ready, ends it on exit."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "serve", "--port", str(port),
            env={**os.environ, **environment}, stdout=output, stderr=output,
        )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    try:
        await _until_ready(base, process, log)
        yield base
    finally:
        await _stop(process)


async def _until_ready(base: str, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    async with httpx2.AsyncClient(timeout=2) as client:
        while asyncio.get_running_loop().time() < deadline:
            if process.returncode is not None:
                break
            with contextlib.suppress(httpx2.TransportError):
                if (await client.get(f"{base}/readyz")).status_code == httpx2.codes.OK:
                    return
            await asyncio.sleep(0.05)
    raise TmError(f"tm serve did not start: {_last_line(log)}", hint=f"Its log: {log}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
