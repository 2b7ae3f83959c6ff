"""The fleet: everything that is declared, valid and joined up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.account import Account
from schemas.agent import Agent, NumberEntry
from schemas.campaign import Campaign
from schemas.entry import Entry
from schemas.fields import RegionName, is_phone_number, is_prefix
from schemas.hold import Hold
from schemas.places import Place
from schemas.service import Service
from schemas.whitelist import Whitelist

IMPLICIT_ACCOUNT = "main"


@dataclass(frozen=True, slots=True)
class DeclaredNumber:
    """A phone number as an agent declares it, with what follows from its account."""

    number: str
    """E.164."""
    agent: str
    account: str
    region: RegionName
    friendly_name: str | None
    caller_id_lookup: bool | None
    inbound: bool
    place: Place


@dataclass(frozen=True)
class Fleet:
    """A valid set of declarations; equal to another when it declares the same, wherever that is written."""

    folder: Path
    service: Service
    accounts: Mapping[str, Account]
    agents: Mapping[str, Agent]
    holds: Mapping[str, Hold]
    whitelists: Mapping[str, Whitelist]
    campaigns: Mapping[str, Campaign]
    entries: Mapping[tuple[str, str], Entry] = field(default_factory=dict, repr=False, compare=False)

    def account_of(self, agent: Agent) -> Account:
        """Return the account that the agent's numbers are in: the only one when it names none."""
        if agent.account is None:
            (only,) = self.accounts.values()
            return only
        return self.accounts[agent.account]

    def hold_of(self, agent: Agent) -> Hold | None:
        """Return what callers of the agent hear until it speaks, if anything."""
        return self.holds[agent.hold] if isinstance(agent.hold, str) else agent.hold

    def allowed_callers(self, agent: Agent) -> tuple[str, ...] | None:
        """Return who may call: E.164 numbers, and prefixes that end in `*`. None lets everybody in."""
        if agent.allow_callers is None:
            return None
        allowed: list[str] = []
        for caller in agent.allow_callers:
            is_caller = is_phone_number(caller) or is_prefix(caller)
            allowed += [caller] if is_caller else self.whitelists[caller].callers
        return tuple(allowed)

    def numbers(self) -> tuple[DeclaredNumber, ...]:
        """Return every number of every agent, in the order of the declarations."""
        return tuple(
            self._declared(agent, index, entry)
            for agent in self.agents.values()
            for index, entry in enumerate(agent.numbers)
        )

    def _declared(self, agent: Agent, index: int, entry: NumberEntry) -> DeclaredNumber:
        account = self.account_of(agent)
        return DeclaredNumber(
            number=entry.number,
            agent=agent.name,
            account=account.name,
            region=entry.region or account.region,
            friendly_name=entry.friendly_name,
            caller_id_lookup=entry.caller_id_lookup,
            inbound=agent.inbound,
            place=self.place("Agent", agent.name, "numbers", index),
        )

    def place(self, kind: str, name: str, *path: str | int) -> Place:
        """Return where the value at `path` of a document stands, or the nearest thing above it.

        What the environment declares is said to stand at the beginning of the folder.
        """
        entry = self.entries.get((kind, name))
        return entry.source.place_of(path) if entry else Place(str(self.folder), 1, 1)
