"""The comparison: what is declared against what the account has, as a pure function.

Three values tell the story of a number: what the file wants, what the marker says was applied, and what
the account has now. File ahead of marker is `pending`, account ahead of marker is `drift`, both is
`conflict`; a number without a marker is `new`; one of ours that no file names is `removed`.

A number has a record in each region. The one in the declared region is compared and written; whose the
number is also depends on the record that answers now, where that is another region's. Messaging Services
and WhatsApp senders go the same way: all that tells them apart are the fields that they have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.planning import codes
from reconciler.planning.plan import Action, Cause, Change, Ownership, Plan, Skipped, SkipReason, Unchanged
from reconciler.resource.credentials import sealed
from reconciler.resource.desired import DesiredNumber
from reconciler.resource.kinds import Resource
from reconciler.resource.live import LiveNumber
from reconciler.resource.marker import covers, fingerprint, fingerprint_as_applied
from reconciler.resource.overrides import added_since, put_by_hand
from reconciler.resource.ownership import (
    address_in,
    agent_named_in,
    host_of,
    is_ours,
    is_url_of_ours,
    somebodys_url,
)
from reconciler.resource.settings import Settings, Value, differences
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

    def is_target(self, agent: str) -> bool:
        """Tell whether the plan is about this agent."""
        return self.targets is None or agent in self.targets


def diff(desired: Sequence[DesiredNumber], live: Sequence[LiveNumber], policy: Policy, now: datetime) -> Plan:
    """Compare and return the plan. No order of the inputs has any influence on it."""
    records = {(record.account, record.region, record.resource, record.number): record for record in live}
    verdicts = [
        _compare(wanted, records.get(_record_key(wanted)), policy)
        for wanted in sorted(desired, key=_order)
        if policy.is_target(wanted.agent)
    ]
    forgotten = _not_declared(desired, live, policy)
    detached = tuple(_detach(record, policy) for record in forgotten) if policy.prune else ()
    changes = tuple(verdict for verdict in verdicts if isinstance(verdict, Change)) + detached
    return Plan(
        created_at=now,
        changes=changes,
        skipped=tuple(verdict for verdict in verdicts if isinstance(verdict, Skipped)),
        unchanged=tuple(verdict for verdict in verdicts if isinstance(verdict, Unchanged)),
        diagnostics=_move_notes(changes) + (() if policy.prune else _forgotten_notes(forgotten, policy)),
        ownership=_ownership(desired, live, changes, policy),
    )


def _record_key(wanted: DesiredNumber) -> tuple[str, str, Resource, str]:
    return wanted.account, wanted.region, wanted.resource, wanted.looked_up


def _order(wanted: DesiredNumber) -> tuple[str, str, Resource, str]:
    return wanted.account, wanted.number, wanted.resource, wanted.agent


def _compare(
    wanted: DesiredNumber, record: LiveNumber | None, policy: Policy
) -> Change | Skipped | Unchanged:
    """Decide about one declared number."""
    if not wanted.inbound:
        return _skip(wanted, SkipReason.OUTBOUND_ONLY, "its webhook stays as it is")
    if record is None:
        return _skip(wanted, SkipReason.NO_MATCHING_NUMBER, _missing(wanted))
    if not record.can_voice:
        return _skip(wanted, SkipReason.NO_VOICE_CAPABILITY, "it cannot take calls")
    if refusal := _not_ours_to_take(wanted, record, policy):
        return refusal
    wanted = replace(wanted, kept=put_by_hand(wanted.settings, record, policy.public_url))
    if not record.answers:
        wanted = wanted.moved()
    given_up = _messages_given_up(wanted, record, policy)
    fields = differences(sealed(wanted.compared).with_values(given_up), record.bare)
    if not fields:
        return Unchanged(wanted.number, wanted.agent, record.sid)
    answering = _answering(record)
    return Change(
        account=record.account,
        region=record.region,
        sid=record.sid,
        number=wanted.number,
        agent=wanted.agent,
        action=_action(record),
        cause=_cause(wanted.settings, record),
        fields=fields,
        now=record.bare,
        write=wanted.stored(policy.public_url).with_values(given_up),
        place=wanted.place,
        answering=answering.bare if answering and answering is not record else None,
    )


def _answering(record: LiveNumber) -> LiveNumber | None:
    """Return the record that callers reach now, or None when it is another region's that was not read."""
    return record if record.routing is None or record.answers else record.routing.record


def _records(record: LiveNumber) -> tuple[LiveNumber, ...]:
    """Return the record that callers reach, where it was read, and then the one that is written."""
    answering = _answering(record)
    return (record,) if answering in (None, record) else (answering, record)


def _action(record: LiveNumber) -> Action:
    """A number without any marker is new; one of ours is updated, or moves to this region."""
    if all(each.marker is None for each in _records(record)):
        return Action.ADOPT
    return Action.UPDATE if record.answers else Action.REROUTE


def _missing(wanted: DesiredNumber) -> str:
    """Say what the account does not have."""
    match wanted.resource:
        case Resource.MESSAGING_SERVICE:
            return f"account {wanted.account!r} has no Messaging Service {wanted.sid}"
        case Resource.WHATSAPP_SENDER:
            return f"account {wanted.account!r} has no WhatsApp sender {wanted.number}"
        case Resource.INCOMING_PHONE_NUMBER:
            return f"account {wanted.account!r} does not have it in region {wanted.region}"


def _skip(wanted: DesiredNumber, reason: SkipReason, detail: str) -> Skipped:
    return Skipped(wanted.number, wanted.agent, reason, detail, wanted.place)


def _not_ours_to_take(wanted: DesiredNumber, record: LiveNumber, policy: Policy) -> Skipped | None:
    """Return why a number that somebody else uses is left alone, or None when it may be written.

    What answers its calls now counts first, then what the declared region has in waiting.
    """
    if wanted.takeover or wanted.number in policy.adopt:
        return None
    if owner := _owner_of_messages(wanted, record, policy):
        return _skip(wanted, SkipReason.FOREIGN_WEBHOOK, f"its SMS are in use by {owner}")
    if _is_ours(record, policy):
        return None
    if _answering(record) is None and record.routing is not None:
        detail = (
            f"its calls go to region {record.routing.region}, where account {record.account!r} has no"
            " credentials to look who answers"
        )
        return _skip(wanted, SkipReason.FOREIGN_WEBHOOK, detail)
    for each in _records(record):
        where = "" if record.answers else f" in region {each.region}"
        if each.bare.trunk_sid:
            detail = f"calls go to trunk {each.bare.trunk_sid}{where}"
            return _skip(wanted, SkipReason.DRIVEN_BY_TRUNK, detail)
        if each.bare.voice_application_sid:
            detail = f"calls go to application {each.bare.voice_application_sid}{where}"
            return _skip(wanted, SkipReason.DRIVEN_BY_APPLICATION, detail)
        if owner := somebodys_url(
            each.bare.masked_by(wanted.settings), sealed(wanted.settings), policy.public_url
        ):
            return _skip(wanted, SkipReason.FOREIGN_WEBHOOK, f"in use by {owner}{where}")
    return None


def _owner_of_messages(wanted: DesiredNumber, record: LiveNumber, policy: Policy) -> str | None:
    """Return who gets the SMS that are wanted, unless that is nobody or we got them by the marker."""
    if wanted.settings.sms_url is None or (record.marker is not None and covers(record.marker, "sms_url")):
        return None
    if record.bare.sms_application_sid:
        return f"application {record.bare.sms_application_sid}"
    messages = Settings(sms_url=record.bare.sms_url)
    return somebodys_url(messages, sealed(wanted.settings), policy.public_url)


def _messages_given_up(wanted: DesiredNumber, record: LiveNumber, policy: Policy) -> dict[str, Value]:
    """Return what blanks our URL for SMS on a number whose agent does not answer them any more."""
    ours = is_url_of_ours(record.stored.sms_url or "", policy.public_url)
    return {"sms_url": ""} if ours and wanted.settings.sms_url is None else {}


def _is_ours(record: LiveNumber, policy: Policy) -> bool:
    """Tell whether a number is ours by this record, or by the one that answers in another region."""
    return any(is_ours(each.stored, policy.public_url) for each in _records(record))


def _cause(settings: Settings, record: LiveNumber) -> Cause:
    """Tell which of file and account moved away from the marker.

    A number that was applied in another region only has moved in the file. Where the declared region's
    own marker shows it as applied, and calls go elsewhere, somebody moved the route.
    """
    if record.marker is None:
        return Cause.NEW if _action(record) is Action.ADOPT else Cause.PENDING
    file_moved = fingerprint(settings) != record.marker
    can_tell = fingerprint_as_applied(record.bare, record.marker) is not None
    account_moved = can_tell and added_since(record, record.marker) is None
    if file_moved and account_moved:
        return Cause.CONFLICT
    return Cause.PENDING if file_moved else Cause.DRIFT


def _not_declared(
    desired: Iterable[DesiredNumber], live: Iterable[LiveNumber], policy: Policy
) -> list[LiveNumber]:
    """Return the numbers that are ours and that no file declares, in whatever account or region.

    A number exists in one account only: were one account declared under two names, the number must not
    look forgotten under the other. Of a number that moved only the record counts that callers reach.
    """
    declared = {(wanted.resource, wanted.looked_up) for wanted in desired}
    forgotten = [
        record
        for record in live
        if (record.resource, record.number) not in declared
        and record.answers
        and is_ours(record.stored, policy.public_url)
        and (policy.targets is None or agent_named_in(record.stored, policy.public_url) in policy.targets)
    ]
    return sorted(
        forgotten, key=lambda record: (record.account, record.number, record.resource, record.region)
    )


def _detach(record: LiveNumber, policy: Policy) -> Change:
    """Blank the URLs that are ours; somebody else's stay.

    The declared fallback on another host was written by us too, and Twilio refuses a fallback URL
    without a voice URL (21405), so it goes along.
    """
    blank = {
        field: ""
        for field, url in record.stored.urls()
        if is_url_of_ours(url, policy.public_url)
        or (field == "voice_fallback_url" and address_in(url) == address_in(policy.fallback_url or ""))
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


def _ownership(
    desired: Sequence[DesiredNumber],
    live: Iterable[LiveNumber],
    changes: Iterable[Change],
    policy: Policy,
) -> Ownership:
    """Count the numbers that are ours, and find out whether the fleet moves to another host."""
    ours = [record for record in live if _is_ours(record, policy)]
    numbers = {(record.account, record.resource, record.number) for record in ours}
    hosts_before = {
        host_of(url)
        for record in ours
        for each in _records(record)
        for _, url in each.stored.urls()
        if is_url_of_ours(url, policy.public_url)
    }
    host = host_of(policy.public_url)
    moves = any(change.action in (Action.UPDATE, Action.REROUTE) for change in changes)
    new_host = host if moves and hosts_before and host not in hosts_before else None
    return Ownership(len(numbers), new_host, nothing_declared=not desired)


def _move_notes(changes: Iterable[Change]) -> tuple[Diagnostic, ...]:
    """Say that a move of region is not felt at once."""
    return tuple(
        Diagnostic(
            "warning",
            codes.ROUTE_CHANGES,
            f"{change.number} moves from {change.now.voice_region} to {change.write.voice_region}: Twilio"
            " takes up to 5 minutes to send its calls there",
            change.place,
        )
        for change in changes
        if change.moves
    )


def _forgotten_notes(forgotten: Iterable[LiveNumber], policy: Policy) -> tuple[Diagnostic, ...]:
    """Name the numbers that still point here although no file declares them, each once."""
    once = {(record.account, record.resource, record.number): record for record in forgotten}
    return tuple(
        Diagnostic(
            "warning",
            codes.NOT_DECLARED_ANY_MORE,
            f"{record.number} still points to agent {agent_named_in(record.stored, policy.public_url)!r},"
            " but no file declares it; --prune blanks its webhook",
            None,
        )
        for record in once.values()
    )
