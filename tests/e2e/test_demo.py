"""`make demo` as a newcomer runs it."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path

from sandbox.speech import clip
from tests.e2e.test_calls import channels

PROJECT = Path(__file__).parents[2]


def test_the_demo_shows_everything_and_ends_by_itself_in_under_a_minute(tmp_path: Path) -> None:
    async def run() -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "demo", "--dir", str(tmp_path), cwd=PROJECT,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), 90)
        assert process.returncode is not None
        return process.returncode, out.decode()

    started = time.monotonic()
    code, out = asyncio.run(run())
    assert code == 0, out
    assert time.monotonic() - started < 60
    assert "7 to adopt, 2 skipped" in out
    assert "7 updated, 2 skipped" in out
    assert re.search(r"0:\d\d\.\d +agent +Good evening", out), out
    assert "interrupted" in out

    recording = (tmp_path / "call.wav").read_bytes()
    left, right = channels(recording)
    assert clip("caller-menu").ulaw in left
    assert clip("agent-booked").ulaw in right
    assert str(tmp_path / "call.wav") in out
