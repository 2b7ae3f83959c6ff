"""Every number of every declared account, each with the record that answers its calls.

One list page per account and region; where a number of ours may be answered in a region other than us1,
Routes is asked, so that an import declares it where it is.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from reconciler.planning.reading import ROUTES_AT_ONCE, Readers, together
from reconciler.resource.defaults import HOME_REGION
from reconciler.resource.live import LiveNumber
from reconciler.resource.ownership import is_ours
from schemas.fleet import Fleet


async def inventory(fleet: Fleet, public_url: str, readers: Readers) -> list[LiveNumber]:
    """Return one record of each number. Raises TmError when an account or a route cannot be read."""
    places = [
        (name, region)
        for name, account in sorted(fleet.accounts.items())
        for region in dict.fromkeys((account.region, *account.regions))
    ]
    numbers: dict[tuple[str, str], list[LiveNumber]] = defaultdict(list)
    lists = await together([readers(*place).list_numbers() for place in places])
    for (account, _), records in zip(places, lists, strict=True):
        for record in records:
            numbers[account, record.number].append(record)
    permits = asyncio.Semaphore(ROUTES_AT_ONCE)

    async def answering(records: Sequence[LiveNumber]) -> LiveNumber:
        if not _route_matters(records, public_url):
            return records[0]
        async with permits:
            region = await readers(records[0].account, records[0].region).route(records[0].number)
        there = next((record for record in records if record.region == region), None)
        return (there or records[0]).routed(region, there)

    return await together([answering(records) for records in numbers.values()])


def _route_matters(records: Sequence[LiveNumber], public_url: str) -> bool:
    """Tell whether a number of ours has a record that only counts if its calls are routed there."""
    abroad = any(record.region != HOME_REGION for record in records)
    return abroad and any(is_ours(record.stored, public_url) for record in records)
