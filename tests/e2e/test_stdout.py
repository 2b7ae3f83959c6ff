"""Stdout or stderr that takes nothing: a disk that is full, a pipe that nobody reads, none at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TM = (sys.executable, "-m", "cli")
FULL = Path("/dev/full")

needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@needs_full
@pytest.mark.parametrize("command", [("--help",), ("schema", "--check"), ("plan", "--agents-dir", "nowhere")])
def test_a_full_disk_is_one_clear_line_and_exit_code_1(command: tuple[str, ...]) -> None:
    with FULL.open("w") as stdout:
        done = subprocess.run(
            [*TM, *command], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: stdout cannot be written: No space left on device"
    assert "Traceback" not in done.stderr


def test_a_pipe_that_nobody_reads_ends_quietly_with_141() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*TM, "--help"], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_command_without_any_stdout_says_so() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *TM, "--help"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == "error: stdout cannot be written: Bad file descriptor\n"


@needs_full
def test_a_stderr_that_takes_nothing_costs_neither_document_nor_exit_code() -> None:
    with FULL.open("w") as stderr:
        done = subprocess.run(
            [*TM, "plan", "--agents-dir", "nowhere", "--format", "json"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert "nowhere" in json.loads(done.stdout)["error"]
