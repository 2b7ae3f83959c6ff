"""Processes that are killed in the middle of a campaign: nobody is lost, and nobody is called twice."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.outbound.progress import Progress
from tests.e2e.campaigns.campaign_process import POINTS
from tests.e2e.campaigns.network import FATES, FileNetwork, PlacedCall
from tests.e2e.campaigns.world import NAME, people, stored, wait_until_over
from tests.postgres import PostgresServer

RATE = 40
TERMS = f"cooldown: 0.5\nmax_retries: 2\ncalls_per_second: {RATE}\n"
# Leads and kills: `TM_CAMPAIGN_LEADS=5000 TM_CAMPAIGN_KILLS=20` is the whole of what is promised.
LEADS = int(os.environ.get("TM_CAMPAIGN_LEADS", "150"))
KILLS = int(os.environ.get("TM_CAMPAIGN_KILLS", "4"))


class Processes:
    """Processes that run the campaign; `kill` ends one as nothing but a kill does."""

    def __init__(self, folder: Path, url: str) -> None:
        (folder / "terms.yaml").write_text(TERMS)
        self._arguments = [str(folder), url]
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        program = [sys.executable, "-m", "tests.e2e.campaigns.campaign_process", *self._arguments]
        self._running.append(subprocess.Popen(program, stdout=subprocess.PIPE))
        stdout = self._running[-1].stdout
        assert stdout is not None
        assert stdout.readline() == b"running\n"

    def kill(self, index: int = 0) -> None:
        process = self._running.pop(index)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

    def wait_for_death(self) -> None:
        process = self._running.pop()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()

    def end(self) -> None:
        while self._running:
            self.kill()


@contextmanager
def processes(folder: Path, url: str) -> Iterator[Processes]:
    running = Processes(folder, url)
    try:
        yield running
    finally:
        running.end()


def check(progress: Progress, calls: list[PlacedCall]) -> None:
    """Everybody has the one outcome that the network has for them, and was not dialled once too often."""
    expected: Counter[str] = Counter()
    dials: Counter[str] = Counter()
    ends = {"machine": "voicemail", "opts-out": "opted_out", "refused": "invalid", "no-answer": "no_answer"}
    for lead in people(LEADS):
        fates = FATES[lead.number[-1]]
        tried = list(itertools.islice(itertools.chain(fates, itertools.repeat(fates[-1])), 3))
        done = next((n for n, fate in enumerate(tried) if fate not in ("busy", "no-answer", "failed")), 2)
        expected[ends.get(tried[done], tried[done])] += 1
        if tried[done] != "refused":
            dials[lead.number] = done + 1
    assert progress.outcomes == expected
    assert Counter(call.to for call in calls) == dials
    assert len({call.attempt for call in calls}) == len(calls)


def check_rate(calls: list[PlacedCall]) -> None:
    """In no second more calls were asked for than allowed, but for those that the machine delays."""
    times = sorted(call.at for call in calls)
    for index, start in enumerate(times):
        in_a_second = sum(1 for at in times[index : index + 3 * RATE] if at < start + 1)
        assert in_a_second <= RATE + 3


def run_through_kills(folder: Path, url: str, *, at_a_time: int) -> None:
    """Run a campaign with so many processes, kill one now and then, and check what came of everybody."""
    randomly = random.Random(7)
    with stored(url) as leads, processes(folder, url) as running:
        leads.add(NAME, people(LEADS))
        leads.start(NAME)
        for _ in range(at_a_time):
            running.start()
        for _ in range(KILLS):
            time.sleep(randomly.uniform(0.5, 2.5))
            running.kill()
            running.start()
        progress = wait_until_over(leads, 60 + LEADS)
    calls = FileNetwork(folder).calls()
    check(progress, calls)
    check_rate(calls)


def test_kills_lose_nobody_and_repeat_no_call_on_sqlite(tmp_path: Path) -> None:
    run_through_kills(tmp_path, f"sqlite:///{tmp_path / 'calls.sqlite3'}", at_a_time=1)


def test_two_processes_share_the_work_and_one_goes_on_with_what_the_other_began(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    run_through_kills(tmp_path, postgres.new_database(), at_a_time=2)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_between_two_steps_repeats_no_call(tmp_path: Path, point: str) -> None:
    url = f"sqlite:///{tmp_path / 'calls.sqlite3'}"
    (tmp_path / "kill_at").write_text(point)
    with stored(url) as leads, processes(tmp_path, url) as running:
        leads.add(NAME, [lead for lead in people(3) if lead.number[-1] == "2"])  # busy at first
        leads.start(NAME)
        running.start()
        running.wait_for_death()
        assert (tmp_path / "killed").read_text() == point
        running.start()
        progress = wait_until_over(leads)
    assert progress.outcomes == {"completed": 1}
    calls = FileNetwork(tmp_path).calls()
    assert [call.fate for call in calls] == ["busy", "completed"]
