"""A program of this folder as a process in the witnesses' own environment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PYTHON = PROJECT / ".venv-witnesses/bin/python"
END_SECONDS = 10


@asynccontextmanager
async def stranger(program: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program; its standard input is closed at the end, and it must end by itself then, in peace."""
    assert PYTHON.exists(), "the witnesses have no environment yet: make witnesses"
    process = await asyncio.create_subprocess_exec(
        PYTHON, Path(__file__).with_name(program), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        yield process
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), END_SECONDS) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
