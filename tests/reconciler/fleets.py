"""Fleets loaded from YAML, for what needs a whole one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schemas import Fleet, require_fleet
from tests.reconciler.wire import ACCOUNT_SID, TOKEN

ENVIRONMENT = {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": TOKEN}

FLEET = """\
kind: Service
name: test
public_url: https://agents.example
---
kind: Agent
name: front-desk
numbers: ["+14155550123"]
instructions: Take reservations.
---
kind: Agent
name: sales
numbers: [{number: "+14155550124", friendly_name: Sales}]
instructions: Sell.
"""


def load(folder: Path, text: str = FLEET, environ: Mapping[str, str] = ENVIRONMENT) -> Fleet:
    """Write one declaration file into `folder` and load it."""
    folder.mkdir(exist_ok=True)
    (folder / "fleet.yaml").write_text(text)
    return require_fleet(folder, environ)
