"""The account in a JSON file, so that a sandbox goes on where it was stopped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sandbox.account.account import Account
from sandbox.account.applications import Application
from sandbox.account.documents import Document
from sandbox.account.events import Event
from sandbox.account.hosts import REGIONS
from sandbox.account.messaging import MessagingService
from sandbox.account.numbers import PhoneNumber
from sandbox.account.routing import Route
from sandbox.account.senders import Sender

VERSION = 2


class StateError(Exception):
    """A state file that cannot be read, in a sentence for people."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the file holds: all that a client can configure. Calls, alerts, logs and secrets are left out."""

    version: int
    account_sid: str
    numbers: dict[str, list[PhoneNumber]]
    routes: dict[str, Route]
    applications: list[Application]
    messaging_services: list[MessagingService]
    senders: list[Sender]
    documents: list[Document]
    events: list[Event]


class Keeper:
    """Writes the account to a file; changes that come while it writes share the next write."""

    def __init__(self, account: Account, path: Path) -> None:
        self._account = account
        self._path = path
        self._lock = asyncio.Lock()
        self._changes = 0
        self._written = 0

    async def keep(self) -> None:
        """Return when the file has everything that changed before the call. Raises OSError."""
        self._changes += 1
        wanted = self._changes
        async with self._lock:
            if self._written < wanted:
                covered, text = self._changes, dump_state(self._account)
                await asyncio.to_thread(_write, self._path, text)
                self._written = covered


def dump_state(account: Account) -> str:
    """Return the account as JSON."""
    state = _State(
        VERSION,
        account.sid,
        {region: list(reversed(account.numbers(region))) for region in REGIONS},
        dict(account.routes()),
        list(account.applications.values()),
        list(account.messaging_services.values()),
        list(account.senders.values()),
        list(account.documents.values()),
        list(account.events),
    )
    return msgspec.json.format(msgspec.json.encode(state), indent=2).decode() + "\n"


def load_state(account: Account, text: str) -> None:
    """Put a saved state into a new account. Raises StateError."""
    try:
        state = msgspec.json.decode(text, type=_State)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StateError(f"the state file is not one of the sandbox's: {error}") from error
    if state.version != VERSION or state.account_sid != account.sid:
        raise StateError("the state file is of another account or version")
    for region, records in state.numbers.items():
        for record in records:
            if account.find(record.sid) is None:
                account.add(record, region)
            account.put(record, region)
    for number, route in state.routes.items():
        account.restore_route(number, route)
    account.applications.update({one.sid: one for one in state.applications})
    account.messaging_services.update({one.sid: one for one in state.messaging_services})
    account.senders.update({one.sid: one for one in state.senders})
    account.documents.update({one.sid: one for one in state.documents})
    account.events.extend(state.events)


def save_state(account: Account, path: Path) -> None:
    """Write the account's state. Raises OSError."""
    _write(path, dump_state(account))


def _write(path: Path, text: str) -> None:
    """Write so that a reader never finds half of it."""
    half = path.with_suffix(path.suffix + ".part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
