"""The comparison: what is declared against what the account has, as a pure function.

Three values tell the story of a number: what the file wants, what the marker says was applied, and what
the account has now. File ahead of marker is `pending`, account ahead of marker is `drift`, both is
`conflict`; a number without a marker is `new`; one of ours that no file names is `removed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler import codes
from reconciler.desired import DesiredNumber
from reconciler.live import LiveNumber
from reconciler.marker import fingerprint, fingerprint_as_applied
from reconciler.ownership import agent_named_in, host_of, is_ours, is_url_of_ours, somebodys_url
from reconciler.plan import Action, Cause, Change, Ownership, Plan, Skipped, SkipReason, Unchanged
from reconciler.settings import Settings, differences
from schemas.places import Diagnostic


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user allows and asks for.

    `public_url` decides what is ours; `fallback_url` is the declared fallback, ours to remove too;
    `adopt` holds numbers that may be taken over; `prune` blanks our URLs on numbers that no file
    declares; `targets` limits the plan to these agents (None: all).
    """

    public_url: str
    fallback_url: str | None = None
    adopt: frozenset[str] = frozenset()
    prune: bool = False
    targets: frozenset[str] | None = None


def diff(desired: Sequence[DesiredNumber], live: Sequence[LiveNumber], policy: Policy, now: datetime) -> Plan:
    """Compare and return the plan. No order of the inputs has any influence on it."""
    records = {(record.account, record.region, record.number): record for record in live}
    verdicts = [
        _compare(wanted, records.get((wanted.account, wanted.region, wanted.number)), policy)
        for wanted in sorted(desired, key=lambda wanted: (wanted.account, wanted.number, wanted.agent))
        if policy.targets is None or wanted.agent in policy.targets
    ]
    forgotten = _not_declared(desired, live, policy)
    detached = tuple(_detach(record, policy) for record in forgotten) if policy.prune else ()
    changes = tuple(verdict for verdict in verdicts if isinstance(verdict, Change)) + detached
    return Plan(
        created_at=now,
        changes=changes,
        skipped=tuple(verdict for verdict in verdicts if isinstance(verdict, Skipped)),
        unchanged=tuple(verdict for verdict in verdicts if isinstance(verdict, Unchanged)),
        diagnostics=_region_notes(desired, policy)
        + (() if policy.prune else _forgotten_notes(forgotten, policy)),
        ownership=_ownership(live, changes, policy),
    )


def _compare(
    wanted: DesiredNumber, record: LiveNumber | None, policy: Policy
) -> Change | Skipped | Unchanged:
    """Decide about one declared number."""
    if not wanted.inbound:
        return _skip(wanted, SkipReason.OUTBOUND_ONLY, "its webhook stays as it is")
    if record is None:
        detail = f"account {wanted.account!r} does not have it in region {wanted.region}"
        return _skip(wanted, SkipReason.NO_MATCHING_NUMBER, detail)
    if not record.can_voice:
        return _skip(wanted, SkipReason.NO_VOICE_CAPABILITY, "it cannot take calls")
    if refusal := _not_ours_to_take(wanted, record, policy):
        return refusal
    fields = differences(wanted.settings, record.bare)
    if not fields:
        return Unchanged(wanted.number, wanted.agent, record.sid)
    return Change(
        account=record.account,
        region=record.region,
        sid=record.sid,
        number=record.number,
        agent=wanted.agent,
        action=Action.UPDATE if record.marker else Action.ADOPT,
        cause=_cause(wanted.settings, record),
        fields=fields,
        now=record.bare,
        write=wanted.stored(policy.public_url),
        place=wanted.place,
    )


def _skip(wanted: DesiredNumber, reason: SkipReason, detail: str) -> Skipped:
    return Skipped(wanted.number, wanted.agent, reason, detail, wanted.place)


def _not_ours_to_take(wanted: DesiredNumber, record: LiveNumber, policy: Policy) -> Skipped | None:
    """Return why a number that somebody else uses is left alone, or None when it may be written."""
    if is_ours(record.stored, policy.public_url) or wanted.takeover or wanted.number in policy.adopt:
        return None
    if record.bare.trunk_sid:
        return _skip(wanted, SkipReason.DRIVEN_BY_TRUNK, f"calls go to trunk {record.bare.trunk_sid}")
    if record.bare.voice_application_sid:
        detail = f"calls go to application {record.bare.voice_application_sid}"
        return _skip(wanted, SkipReason.DRIVEN_BY_APPLICATION, detail)
    if owner := somebodys_url(record.bare, wanted.settings, policy.public_url):
        return _skip(wanted, SkipReason.FOREIGN_WEBHOOK, f"in use by {owner}")
    return None


def _cause(settings: Settings, record: LiveNumber) -> Cause:
    """Tell which of file and account moved away from the marker."""
    if record.marker is None:
        return Cause.NEW
    file_moved = fingerprint(settings) != record.marker
    account_moved = fingerprint_as_applied(record.bare, record.marker) not in (record.marker, None)
    if file_moved and account_moved:
        return Cause.CONFLICT
    return Cause.PENDING if file_moved else Cause.DRIFT


def _not_declared(
    desired: Iterable[DesiredNumber], live: Iterable[LiveNumber], policy: Policy
) -> list[LiveNumber]:
    """Return the numbers that are ours and that no file declares, in whatever account or region.

    A number exists in one account only: were one account declared under two names, the number must not
    look forgotten under the other.
    """
    declared = {wanted.number for wanted in desired}
    forgotten = [
        record
        for record in live
        if record.number not in declared
        and is_ours(record.stored, policy.public_url)
        and (policy.targets is None or agent_named_in(record.stored, policy.public_url) in policy.targets)
    ]
    return sorted(forgotten, key=lambda record: (record.account, record.number, record.region))


def _detach(record: LiveNumber, policy: Policy) -> Change:
    """Blank the URLs that are ours; somebody else's stay.

    The declared fallback on another host was written by us too, and Twilio refuses a fallback URL
    without a voice URL (21405), so it goes along.
    """
    blank = {
        field: ""
        for field, url in record.stored.urls()
        if is_url_of_ours(url, policy.public_url)
        or (field == "voice_fallback_url" and url == policy.fallback_url)
    }
    write = Settings().with_urls(blank)
    return Change(
        account=record.account,
        region=record.region,
        sid=record.sid,
        number=record.number,
        agent=agent_named_in(record.stored, policy.public_url) or "",
        action=Action.DETACH,
        cause=Cause.REMOVED,
        fields=differences(write, record.bare),
        now=record.bare,
        write=write,
        place=None,
    )


def _ownership(live: Iterable[LiveNumber], changes: Iterable[Change], policy: Policy) -> Ownership:
    """Count the numbers that are ours, and find out whether the fleet moves to another host."""
    ours = [record for record in live if is_ours(record.stored, policy.public_url)]
    hosts_before = {
        host_of(url)
        for record in ours
        for _, url in record.stored.urls()
        if is_url_of_ours(url, policy.public_url)
    }
    host = host_of(policy.public_url)
    moves = any(change.action is Action.UPDATE for change in changes)
    return Ownership(len(ours), host if moves and hosts_before and host not in hosts_before else None)


def _region_notes(desired: Iterable[DesiredNumber], policy: Policy) -> tuple[Diagnostic, ...]:
    """Say for which numbers the routing region matters and is not looked at."""
    return tuple(
        Diagnostic(
            "warning",
            codes.ROUTING_NOT_CHECKED,
            f"{wanted.number} is configured in {wanted.region}, but whether its calls are routed there is not"
            " checked by this version",
            wanted.place,
        )
        for wanted in sorted(desired, key=lambda wanted: wanted.place)
        if wanted.region != "us1" and (policy.targets is None or wanted.agent in policy.targets)
    )


def _forgotten_notes(forgotten: Iterable[LiveNumber], policy: Policy) -> tuple[Diagnostic, ...]:
    """Name the numbers that still point here although no file declares them."""
    return tuple(
        Diagnostic(
            "warning",
            codes.NOT_DECLARED_ANY_MORE,
            f"{record.number} still points to agent {agent_named_in(record.stored, policy.public_url)!r},"
            " but no file declares it; --prune blanks its webhook",
            None,
        )
        for record in forgotten
    )
