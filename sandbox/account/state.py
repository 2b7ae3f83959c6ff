"""The account in a JSON file, so that a sandbox goes on where it was stopped."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from sandbox.account.account import Account, Application
from sandbox.account.hosts import REGIONS
from sandbox.account.numbers import Capabilities, PhoneNumber

VERSION = 1


class StateError(Exception):
    """A state file that cannot be read, in a sentence for people."""


def dump_state(account: Account) -> str:
    """Return numbers, routes and applications as JSON; calls, alerts, logs and secrets are left out."""
    numbers = {region: [_record(one) for one in reversed(account.numbers(region))] for region in REGIONS}
    state = {
        "version": VERSION,
        "account_sid": account.sid,
        "numbers": numbers,
        "routes": account.routes(),
        "applications": [asdict(one) for one in account.applications.values()],
    }
    return json.dumps(state, indent=2) + "\n"


def load_state(account: Account, text: str) -> None:
    """Put a saved state into a new account. Raises StateError."""
    try:
        state = json.loads(text)
        if state["version"] != VERSION or state["account_sid"] != account.sid:
            raise StateError("the state file is of another account or version")
        account.applications.update({one["sid"]: Application(**one) for one in state["applications"]})
        for region, records in state["numbers"].items():
            for record in records:
                number = _number(record)
                if account.find(number.sid) is None:
                    account.add(number, region)
                account.put(number, region)
        for number, region in state["routes"].items():
            account.set_route(number, region)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(f"the state file is not one of the sandbox's: {error!r}") from error


def save_state(account: Account, path: Path) -> None:
    """Write the state so that a reader never finds half of it."""
    half = path.with_suffix(path.suffix + ".part")
    half.write_text(dump_state(account), encoding="utf-8")
    half.replace(path)


def _record(number: PhoneNumber) -> dict[str, object]:
    record: dict[str, object] = asdict(number)
    record["date_created"] = number.date_created.isoformat()
    record["date_updated"] = number.date_updated.isoformat()
    return record


def _number(record: dict[str, object]) -> PhoneNumber:
    capabilities = record.pop("capabilities")
    created, updated = str(record.pop("date_created")), str(record.pop("date_updated"))
    if not isinstance(capabilities, dict):
        raise TypeError("capabilities")
    return PhoneNumber(
        **record,  # type: ignore[arg-type]  # the keys are those that _record wrote
        capabilities=Capabilities(**capabilities),
        date_created=datetime.fromisoformat(created),
        date_updated=datetime.fromisoformat(updated),
    )
