"""`tm import`: declarations for what an account has, so that the plan is empty afterwards.

A number of ours that is exactly as it was applied goes to its agent, whose name is in its URL. Every
other number goes to an agent that only calls (`inbound: false`), one for each place that callers reach:
such a number is known to the files and left as it is, so nothing is ever taken over by an import. Numbers
that some file declares already are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from reconciler.importing.naming import name_for_route, route_in_words
from reconciler.planning.diff import Policy, diff
from reconciler.resource.defaults import is_default_friendly_name
from reconciler.resource.desired import desired_number
from reconciler.resource.live import LiveNumber
from reconciler.resource.ownership import agent_named_in, is_url_of_ours
from schemas.fields import RegionName, is_name
from schemas.fleet import DeclaredNumber, Fleet
from schemas.places import Place
from schemas.references import has_reference

_NOWHERE = Place("", 1, 1)


@dataclass(frozen=True, slots=True)
class ImportedAgent:
    """One agent with the numbers that it gets.

    `existing`: the files declare it, and the numbers are added to those it has. `reaches` says in words
    where callers of its numbers go now; None for an agent of ours. `sms`: messages to them are ours as well.
    """

    name: str
    account: str
    inbound: bool
    existing: bool
    reaches: str | None
    entries: tuple[Mapping[str, str | bool], ...]
    sms: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A number of the account that no agent gets, and why."""

    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import declares: agents in the order of their names."""

    agents: tuple[ImportedAgent, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(slots=True)
class _Group:
    """Numbers that go to one agent."""

    name: str
    account: str
    inbound: bool
    existing: bool
    reaches: str | None
    records: list[LiveNumber] = field(default_factory=list)


def import_numbers(fleet: Fleet, live: Sequence[LiveNumber], policy: Policy, now: datetime) -> Imported:
    """Decide which agent gets which number. `live` has the one record of each number that answers it."""
    declared = {number.number for number in fleet.numbers()}
    # By number: an account that is declared under two names has each of its numbers twice.
    found = {record.number: record for record in live if record.number not in declared}
    records = sorted(found.values(), key=lambda record: (record.account, record.number))
    speaking = [record for record in records if record.can_voice]
    ours = _as_applied(fleet, speaking, policy, now)
    groups = _Groups(fleet)
    # Names of agents of ours are given; the others get what is left.
    for record in sorted(speaking, key=lambda record: record.number not in ours):
        groups.add(record, ours.get(record.number))
    return Imported(
        agents=tuple(_agent(group, fleet, policy) for group in groups.in_order()),
        left_out=tuple(
            LeftOut(record.number, "it cannot take calls") for record in records if not record.can_voice
        ),
    )


def _as_applied(fleet: Fleet, records: Iterable[LiveNumber], policy: Policy, now: datetime) -> dict[str, str]:
    """Return the agent of each number that would be unchanged were it declared for the agent in its URL."""
    candidates = []
    known = list(records)
    accounts: dict[str, str] = {}
    for record in known:
        agent = agent_named_in(record.stored, policy.public_url)
        if agent is None or not _may_have(fleet, agent, accounts.setdefault(agent, record.account), record):
            continue
        candidates.append(
            desired_number(
                _declared(record, agent, fleet),
                public_url=policy.public_url,
                fallback_url=policy.fallback_url,
                takeover=False,
                sms=_answers_sms(fleet, agent, record, policy),
            )
        )
    return {unchanged.number: unchanged.agent for unchanged in diff(candidates, known, policy, now).unchanged}


def _may_have(fleet: Fleet, agent: str, account: str, record: LiveNumber) -> bool:
    """Tell whether an agent can get a number: an agent has the numbers of one account, and answers them."""
    existing = fleet.agents.get(agent)
    if existing is None:
        return is_name(agent) and account == record.account
    return existing.inbound and fleet.account_of(existing).name == record.account


def _answers_sms(fleet: Fleet, agent: str, record: LiveNumber, policy: Policy) -> bool:
    """Tell whether the agent gets a number's SMS: one that is declared says so itself."""
    existing = fleet.agents.get(agent)
    if existing is not None:
        return existing.sms
    return is_url_of_ours(record.stored.sms_url or "", policy.public_url)


def _declared(record: LiveNumber, agent: str, fleet: Fleet) -> DeclaredNumber:
    """Return the number as its entry will declare it."""
    entry = _entry(record, fleet)
    friendly_name = entry.get("friendly_name")
    return DeclaredNumber(
        number=record.number,
        agent=agent,
        account=record.account,
        region=_region(record),
        friendly_name=friendly_name if isinstance(friendly_name, str) else None,
        caller_id_lookup=True if "caller_id_lookup" in entry else None,
        inbound=True,
        place=_NOWHERE,
    )


def _entry(record: LiveNumber, fleet: Fleet) -> dict[str, str | bool]:
    """Return the entry of a number: what a declaration can hold and is not as it goes without saying."""
    entry: dict[str, str | bool] = {"number": record.number}
    if record.region != fleet.accounts[record.account].region:
        entry["region"] = record.region
    name = record.bare.friendly_name or ""
    if not is_default_friendly_name(name, record.number) and not has_reference(name):
        entry["friendly_name"] = name
    if record.bare.voice_caller_id_lookup:
        entry["caller_id_lookup"] = True
    return entry


def _region(record: LiveNumber) -> RegionName:
    region: RegionName = next(name for name in get_args(RegionName) if name == record.region)
    return region


class _Groups:
    """Gathers numbers into agents, and finds a free name for each new one."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._groups: dict[tuple[str, str, str | None], _Group] = {}
        self._taken: dict[str, _Group] = {}

    def add(self, record: LiveNumber, agent: str | None) -> None:
        """Put a number to the agent it was applied for, or to the one that stands for where it goes."""
        reaches = None if agent else route_in_words(record.bare)
        key = (record.account, agent or "", reaches)
        if key not in self._groups:
            self._groups[key] = self._new(record.account, agent, reaches)
        self._groups[key].records.append(record)

    def in_order(self) -> Iterator[_Group]:
        """Yield the groups by name."""
        yield from (self._taken[name] for name in sorted(self._taken))

    def _new(self, account: str, agent: str | None, reaches: str | None) -> _Group:
        name = agent or self._free_name(name_for_route(reaches or ""), account)
        group = _Group(name, account, agent is not None, name in self._fleet.agents, reaches)
        self._taken[name] = group
        return group

    def _free_name(self, wanted: str, account: str) -> str:
        """Return `wanted`, or the first of `wanted-2`, … that is free or an agent that only calls."""
        count = 1
        while not self._is_free(name := wanted if count == 1 else f"{wanted}-{count}", account):
            count += 1
        return name

    def _is_free(self, name: str, account: str) -> bool:
        existing = self._fleet.agents.get(name)
        if name in self._taken or existing is None:
            return name not in self._taken
        return not existing.inbound and self._fleet.account_of(existing).name == account


def _agent(group: _Group, fleet: Fleet, policy: Policy) -> ImportedAgent:
    return ImportedAgent(
        name=group.name,
        account=group.account,
        inbound=group.inbound,
        existing=group.existing,
        reaches=group.reaches,
        entries=tuple(_entry(record, fleet) for record in group.records),
        sms=group.inbound and any(_answers_sms(fleet, group.name, each, policy) for each in group.records),
    )
