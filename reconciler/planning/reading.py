"""What is read of the accounts before anything is compared: the lists, and where calls are routed.

Each list is asked for once per account and region. An account is read in every region that it has
credentials for: a number has a record in each, and the one that answers may not be the declared one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TypeVar

from reconciler.api.connections import has_credentials
from reconciler.api.ports import AccountReader
from reconciler.planning.diff import Policy
from reconciler.resource.defaults import HOME_REGION
from reconciler.resource.desired import MESSAGING_REGION, DesiredNumber
from reconciler.resource.kinds import Resource
from reconciler.resource.live import LiveNumber
from reconciler.resource.ownership import is_ours
from schemas.fleet import Fleet

ROUTES_AT_ONCE = 8
"""How many numbers' routes are asked for at a time; Routes knows no lists."""

Readers = Callable[[str, str], AccountReader]
"""Gives an account (by name) in a region."""

T = TypeVar("T")
_Key = tuple[str, str, str]
"""Account, region and number (E.164)."""


async def read_accounts(
    fleet: Fleet, desired: Iterable[DesiredNumber], policy: Policy, readers: Readers, *, check_routing: bool
) -> list[LiveNumber]:
    """Return the live side of a plan. Raises TmError when any of it cannot be read.

    Where a number's calls are routed is asked when a file, or a record of ours, names a region other than
    us1 for it; with `check_routing` it is asked for every declared number. Of a number that no file
    declares it is asked when its records of ours are to be blanked.
    """
    desired = tuple(desired)
    wanted = [item for item in desired if item.inbound and policy.is_target(item.agent)]
    numbers = [item for item in wanted if item.resource is Resource.INCOMING_PHONE_NUMBER]
    places = _number_places(fleet, numbers, policy)
    listed = await _all_of(_numbers(readers, *place) for place in places)
    asked = _to_ask(listed, numbers, policy, check_routing=check_routing)
    if policy.prune:
        asked |= _forgotten_abroad(listed, desired, policy)
    messaging = await _all_of(
        _messaging(readers, *place) for place in _messaging_places(fleet, wanted, policy)
    )
    return [*await _routed(listed, asked, readers), *messaging]


def _number_places(fleet: Fleet, numbers: Iterable[DesiredNumber], policy: Policy) -> list[tuple[str, str]]:
    """Return the (account, region) pairs whose numbers are listed.

    When numbers that no file declares are to be detached, every account is.
    """
    declared = {(number.account, number.region) for number in numbers}
    accounts = {account for account, _ in declared}
    if policy.prune:
        accounts |= set(fleet.accounts)
    at_hand = {
        (name, region)
        for name in accounts
        for region in (fleet.accounts[name].region, *fleet.accounts[name].regions)
    }
    return sorted(declared | at_hand)


def _messaging_places(fleet: Fleet, wanted: Iterable[DesiredNumber], policy: Policy) -> list[tuple[str, str]]:
    """Return the (account, region) pairs whose Messaging Services and senders are listed."""
    places = {
        (item.account, item.region) for item in wanted if item.resource is not Resource.INCOMING_PHONE_NUMBER
    }
    if policy.prune:
        places |= {
            (name, MESSAGING_REGION)
            for name, account in fleet.accounts.items()
            if has_credentials(account, MESSAGING_REGION)
        }
    return sorted(places)


async def _numbers(readers: Readers, account: str, region: str) -> list[LiveNumber]:
    return await readers(account, region).list_numbers()


async def _messaging(readers: Readers, account: str, region: str) -> list[LiveNumber]:
    return await readers(account, region).list_messaging()


def _to_ask(
    listed: Iterable[LiveNumber], numbers: Iterable[DesiredNumber], policy: Policy, *, check_routing: bool
) -> set[_Key]:
    """Return the records whose numbers' routes are asked for."""
    abroad = _ours_abroad(listed, policy)
    return {
        (item.account, item.region, item.number)
        for item in numbers
        if check_routing or item.region != HOME_REGION or (item.account, item.number) in abroad
    }


def _forgotten_abroad(
    listed: Iterable[LiveNumber], desired: Iterable[DesiredNumber], policy: Policy
) -> set[_Key]:
    """Return the records of ours, in any region, of numbers that no file declares and that moved once."""
    declared = {item.number for item in desired}
    abroad = _ours_abroad(listed, policy)
    return {
        _key(record)
        for record in listed
        if record.number not in declared
        and (record.account, record.number) in abroad
        and is_ours(record.stored, policy.public_url)
    }


def _ours_abroad(listed: Iterable[LiveNumber], policy: Policy) -> set[tuple[str, str]]:
    """Return the numbers, by account, that have a record of ours outside of us1."""
    return {
        (record.account, record.number)
        for record in listed
        if record.region != HOME_REGION and is_ours(record.stored, policy.public_url)
    }


async def _routed(listed: Sequence[LiveNumber], asked: set[_Key], readers: Readers) -> list[LiveNumber]:
    """Return the same numbers, those that were asked for with where their calls are routed."""
    by_place = {_key(record): record for record in listed}
    permits = asyncio.Semaphore(ROUTES_AT_ONCE)

    async def routed(record: LiveNumber) -> LiveNumber:
        async with permits:
            region = await readers(record.account, record.region).route(record.number)
        return record.routed(region, by_place.get((record.account, region, record.number)))

    answers = await together(routed(by_place[key]) for key in asked & by_place.keys())
    return list((by_place | {_key(record): record for record in answers}).values())


def _key(record: LiveNumber) -> _Key:
    return record.account, record.region, record.number


async def _all_of(lists: Iterable[Coroutine[None, None, list[LiveNumber]]]) -> list[LiveNumber]:
    return [record for records in await together(lists) for record in records]


async def together(reads: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """Read everything, and raise the first error only when no read is left running."""
    results = await asyncio.gather(*reads, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
