"""`tm` in this process, with Twilio as an in-memory transport below it."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from reconciler import runs
from reconciler.api.connections import Connections
from reconciler.planning.plan import Plan
from tests.reconciler.fleets import ENVIRONMENT, FLEET
from tests.reconciler.wire import WireAccount


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Stdout, which must be exactly one JSON document."""
        return json.loads(self.out)


@dataclass
class WireWorld:
    """A folder with declarations, and the account that `tm` finds behind every URL of Twilio."""

    folder: Path
    account: WireAccount
    capture: pytest.CaptureFixture[str]

    def declare(self, text: str) -> None:
        (self.folder / "agents.d").mkdir(exist_ok=True)
        (self.folder / "agents.d" / "fleet.yaml").write_text(text)

    def tm(self, *arguments: str) -> Done:
        code = run(arguments)
        captured = self.capture.readouterr()
        return Done(code, captured.out, captured.err)


async def everybody_answers(plan: Plan, *_: object) -> Plan:
    """The preflight of an apply, without a network to look at."""
    return plan


def wire_world(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capture: pytest.CaptureFixture[str],
    records: Sequence[dict[str, object]],
) -> WireWorld:
    """Make the world: the environment, the folder as working directory, and the account."""
    account = WireAccount(list(records))
    for name in ("TM_AGENTS_DIR", "TM_PUBLIC_URL", "TM_TWILIO_API_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**ENVIRONMENT, "TM_STATE_DIR": str(folder / "state")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    wired = functools.partial(Connections, transport=account.transport())
    monkeypatch.setattr(runs, "Connections", wired)
    monkeypatch.setattr(runs, "checked_plan", everybody_answers)
    world = WireWorld(folder, account, capture)
    world.declare(FLEET)
    return world
