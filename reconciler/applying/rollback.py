"""Rollback: an ordinary plan that puts back what a run found.

What was changed since the run, by anybody, is left alone: a number is put back only while each of its
fields still is as the run left it or as the run found it. Old URLs come back with their old markers, so
that the next plan tells the truth about who is ahead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from reconciler.api.errors import WrongAccountError
from reconciler.applying.recorded import Recorded, Written
from reconciler.output.printable import printable
from reconciler.planning.plan import Action, Cause, Change, Ownership, Plan, Skipped, SkipReason, Unchanged
from reconciler.planning.reading import ROUTES_AT_ONCE, Readers, together
from reconciler.planning.safety import limit_notes
from reconciler.resource.credentials import is_sealed, sealed
from reconciler.resource.kinds import Resource, resource_of
from reconciler.resource.live import LiveNumber
from reconciler.resource.marker import without_markers
from reconciler.resource.overrides import Overrides, override_in, with_overrides
from reconciler.resource.ownership import address_in, host_of, is_ours, is_url_of_ours
from reconciler.resource.settings import Settings, differences
from schemas.errors import TmError
from schemas.fleet import Fleet
from schemas.places import Place


def require_same_accounts(recorded: Recorded, fleet: Fleet) -> None:
    """Raise TmError unless the run's accounts are those that the declarations have by these names."""
    for name, sid in recorded.accounts.items():
        if name not in fleet.accounts:
            raise TmError(f"the run wrote to account {name!r}, which is not declared")
        if fleet.accounts[name].account_sid != sid:
            told = f"the run wrote to account {name!r} when that was {sid}, which it is not any more"
            raise WrongAccountError(told)


async def make_rollback(
    recorded: Recorded, journal: Path, fleet: Fleet, readers: Readers, now: datetime
) -> Plan:
    """Read what the run wrote as it is now, and return the plan that puts it back.

    Raises TmError when an account cannot be read, or is not the one that the run wrote to.
    """
    require_same_accounts(recorded, fleet)
    live = await _read(recorded.written, readers)
    plan = rollback_plan(recorded, journal, live, fleet.service.public_url, now)
    return replace(plan, diagnostics=limit_notes(plan))


def rollback_plan(
    recorded: Recorded, journal: Path, live: Sequence[LiveNumber], public_url: str, now: datetime
) -> Plan:
    """Compare what the run found and left with what is there now, and return the plan."""
    records = {(record.account, record.region, record.sid): record for record in live}
    verdicts = [
        _compare(
            written,
            records.get((written.account, written.region, written.sid)),
            Place(str(journal), written.line, 1),
            public_url,
        )
        for written in sorted(recorded.written, key=lambda one: (one.account, one.number, one.region))
    ]
    changes = tuple(verdict for verdict in verdicts if isinstance(verdict, Change))
    return Plan(
        created_at=now,
        changes=changes,
        skipped=tuple(verdict for verdict in verdicts if isinstance(verdict, Skipped)),
        unchanged=tuple(verdict for verdict in verdicts if isinstance(verdict, Unchanged)),
        ownership=_ownership(live, changes, public_url),
    )


async def _read(written: Iterable[Written], readers: Readers) -> list[LiveNumber]:
    """Return the live side: one list per account, region and kind, and the routes that the run set."""
    routed = {(one.account, one.region, one.sid) for one in written if one.after.voice_region is not None}
    places = sorted({(one.account, one.region, _is_number(one)) for one in written})
    lists = await together(
        readers(account, region).list_numbers() if numbers else readers(account, region).list_messaging()
        for account, region, numbers in places
    )
    permits = asyncio.Semaphore(ROUTES_AT_ONCE)

    async def complete(record: LiveNumber) -> LiveNumber:
        if (record.account, record.region, record.sid) not in routed:
            return record
        async with permits:
            return record.routed(await readers(record.account, record.region).route(record.number))

    return await together(complete(record) for records in lists for record in records)


def _is_number(written: Written) -> bool:
    return resource_of(written.sid) is Resource.INCOMING_PHONE_NUMBER


def _compare(
    written: Written, record: LiveNumber | None, place: Place, public_url: str
) -> Change | Skipped | Unchanged:
    """Decide about one resource that the run wrote."""
    if record is None:
        detail = f"account {written.account!r} does not have it in region {written.region} any more"
        return Skipped(written.number, written.agent, SkipReason.NO_MATCHING_NUMBER, detail, place)
    written = replace(written, before=sealed(written.before), after=sealed(written.after))
    since = _overrides_since(written, record, public_url)
    if changed := _changed_since(written, record.bare, since):
        return Skipped(written.number, written.agent, SkipReason.CHANGED_SINCE, changed, place)
    write = _restored(written, record, since, public_url)
    fields = differences(without_markers(write), record.bare)
    if lost := [field.field for field in fields if is_sealed(str(field.after))]:
        detail = f"{lost[0]} had a user and password in it, which no journal keeps: put it back by hand"
        return Skipped(written.number, written.agent, SkipReason.NOT_RECORDED, detail, place)
    if not fields:
        return Unchanged(written.number, written.agent, record.sid)
    return Change(
        account=record.account,
        region=record.region,
        sid=record.sid,
        number=written.number,
        agent=written.agent,
        action=_action(write, record, public_url),
        cause=Cause.ROLLBACK,
        fields=fields,
        now=record.bare,
        write=_writable(write),
        place=place,
    )


def _writable(write: Settings) -> Settings:
    """Leave out URLs whose credentials the journal does not have: they are in the account as they were."""
    return replace(write, **{field: None for field, url in write.urls() if is_sealed(url)})


def _overrides_since(written: Written, record: LiveNumber, public_url: str) -> Overrides:
    """Return the connection overrides that somebody put on a URL of ours since the run, or took away ("")."""
    before, after = without_markers(written.before), without_markers(written.after)
    return tuple(
        (field, override_in(url))
        for field, url in record.bare.urls()
        if is_url_of_ours(str(record.stored.get(field)), public_url)
        and url not in (before.get(field), after.get(field))
        and address_in(url) in (address_in(str(known.get(field))) for known in (before, after))
    )


def _changed_since(written: Written, live: Settings, since: Overrides) -> str | None:
    """Name a field that is neither as the run left it nor as it found it, or return None."""
    before, after = without_markers(written.before), without_markers(written.after)
    tuned = dict(since)
    for field, _ in written.after.managed():
        value = live.get(field)
        if field not in tuned and value not in (before.get(field), after.get(field)):
            return f"{field} is {printable(str(value)) or 'blank'} now"
    return None


def _restored(written: Written, record: LiveNumber, since: Overrides, public_url: str) -> Settings:
    """Return what is to be written; a URL of ours keeps the overrides that it was given since.

    A number whose calls were moved only gets its old route back: the record in the region that they
    leave goes on answering until Twilio has rerouted them, and answers nobody after that.
    """
    region = written.before.voice_region
    if region is not None and record.bare.voice_region != region:
        return Settings(voice_region=region)
    before = replace(written.before, voice_region=None)
    ours = {field for field, url in before.urls() if is_url_of_ours(url, public_url)}
    return with_overrides(before, tuple((field, told) for field, told in since if field in ours))


def _action(write: Settings, record: LiveNumber, public_url: str) -> Action:
    """Name what is done by what it means for the number: does it become ours, or cease to be?"""
    if write.voice_region is not None:
        return Action.REROUTE
    was_ours, is_now = is_ours(write, public_url), is_ours(record.stored, public_url)
    if was_ours == is_now:
        return Action.UPDATE
    return Action.ADOPT if was_ours else Action.DETACH


def _ownership(live: Iterable[LiveNumber], changes: Iterable[Change], public_url: str) -> Ownership:
    """Count the numbers that are ours, and find out whether any goes back to a host that none is on now."""
    ours = [record.stored for record in live if is_ours(record.stored, public_url)]
    hosts = _hosts(ours, public_url)
    left = sorted(_hosts((change.write for change in changes), public_url) - hosts)
    return Ownership(len(ours), left[0] if hosts and left else None)


def _hosts(settings: Iterable[Settings], public_url: str) -> set[str]:
    return {host_of(url) for each in settings for _, url in each.urls() if is_url_of_ours(url, public_url)}
