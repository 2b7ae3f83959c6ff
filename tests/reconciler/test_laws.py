"""Laws that hold for every fleet and every account."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.applying.executor import Executor
from reconciler.applying.journal import Journal
from reconciler.applying.report import Report
from reconciler.applying.writing import ChangeWriter
from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Plan
from reconciler.resource.desired import DesiredNumber
from reconciler.resource.live import LiveNumber
from reconciler.resource.marker import add_marker, strip_marker
from reconciler.resource.overrides import override_in, overrides_of
from reconciler.resource.ownership import address_in, is_url_of_ours
from reconciler.resource.settings import Settings, Value
from tests.reconciler.numbers import (
    BLANK,
    NOW,
    POLICY,
    PUBLIC_URL,
    MemoryAccount,
    applied,
    edited,
    live,
    wanted,
)

TUNED_FALLBACK = "https://agents.example/f#rc=1"
NUMBERS = [f"+1415555{index:04}" for index in range(6)]
URLS = [
    "",
    "https://demo.twilio.com/welcome/voice/",
    "https://hooks.agency.example/voice#rc=2",
    "https://bob:pa55word@hooks.agency.example/voice",
    "https://agents.example/voice/old",
    "https://old.example/voice/old?tm=00ffffffffff",
]

law = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

desired_numbers = st.builds(
    wanted,
    st.just(NUMBERS[0]),
    st.sampled_from(["front-desk", "sales"]),
    friendly_name=st.none() | st.sampled_from(["Desk", "Réservations"]),
    caller_id_lookup=st.none() | st.booleans(),
    inbound=st.sampled_from([True, True, True, False]),
    fallback_url=st.sampled_from(
        [None, "https://static.example/s", "https://ann:fa11back@static.example/s", TUNED_FALLBACK]
    ),
    takeover=st.booleans(),
)
stored_settings = st.builds(
    replace,
    st.just(BLANK),
    voice_url=st.sampled_from(URLS),
    voice_method=st.sampled_from(["POST", "GET"]),
    voice_fallback_url=st.sampled_from(URLS),
    status_callback=st.sampled_from(URLS),
    status_callback_method=st.sampled_from(["POST", "GET"]),
    trunk_sid=st.sampled_from(["", "", "TK1"]),
    voice_application_sid=st.sampled_from(["", "", "AP1"]),
    friendly_name=st.sampled_from(["(415) 555-0123", "Desk"]),
    voice_caller_id_lookup=st.booleans(),
)
policies = st.builds(
    replace,
    st.just(POLICY),
    prune=st.booleans(),
    adopt=st.sampled_from([frozenset(), frozenset(NUMBERS[:2])]),
)


@st.composite
def fleets(draw: st.DrawFn, each: st.SearchStrategy[DesiredNumber] = desired_numbers) -> list[DesiredNumber]:
    return [replace(draw(each), number=number) for number in draw(st.sets(st.sampled_from(NUMBERS)))]


@st.composite
def accounts(draw: st.DrawFn) -> list[LiveNumber]:
    """Numbers of every history: untouched, somebody's, applied by us, and edited since."""
    numbers = []
    for number in draw(st.sets(st.sampled_from(NUMBERS))):
        stored: Settings = draw(stored_settings)
        if draw(st.booleans()):
            stored = applied(replace(draw(desired_numbers), number=number)).stored
            if draw(st.booleans()):
                stored = replace(stored, voice_method="GET")
        numbers.append(live(number, stored, can_voice=draw(st.sampled_from([True, True, True, False]))))
    return numbers


def apply(plan: Plan, account: MemoryAccount, folder: Path) -> Report:
    async def run() -> Report:
        with closing(Journal(folder / "run.jsonl", plan.plan_id)) as journal:
            return await Executor(account, ChangeWriter(journal)).apply(plan, asyncio.Event())

    return asyncio.run(run())


@law
@given(fleets(), accounts(), policies)
def test_after_an_apply_the_plan_is_empty_and_a_second_apply_writes_nothing(
    tmp_path: Path, fleet: list[DesiredNumber], numbers: list[LiveNumber], policy: Policy
) -> None:
    account = MemoryAccount.of(*numbers)
    plan = diff(fleet, numbers, policy, NOW)
    assert apply(plan, account, tmp_path).exit_code == 0
    assert len(account.writes) == len(plan.changes)
    again = diff(fleet, list(account.numbers.values()), policy, NOW)
    assert not again.changes
    assert again.skipped == plan.skipped


@law
@given(fleets(), accounts(), policies)
def test_a_change_always_has_a_visible_field_and_never_shows_a_marker(
    fleet: list[DesiredNumber], numbers: list[LiveNumber], policy: Policy
) -> None:
    for change in diff(fleet, numbers, policy, NOW).changes:
        assert change.fields
        for field in change.fields:
            assert field.before != field.after
            assert "tm=" not in f"{field.before}{field.after}"


@law
@given(fleets(), accounts(), policies, st.randoms(use_true_random=False))
def test_order_changes_nothing(
    fleet: list[DesiredNumber], numbers: list[LiveNumber], policy: Policy, random: Random
) -> None:
    plan = diff(fleet, numbers, policy, NOW)
    random.shuffle(fleet)
    random.shuffle(numbers)
    again = diff(fleet, numbers, policy, NOW + timedelta(hours=1))
    assert replace(again, created_at=NOW) == plan
    assert again.plan_id == plan.plan_id


@law
@given(fleets(), accounts(), policies)
def test_every_declared_number_has_exactly_one_verdict(
    fleet: list[DesiredNumber], numbers: list[LiveNumber], policy: Policy
) -> None:
    plan = diff(fleet, numbers, policy, NOW)
    told = [change.number for change in plan.changes]
    told += [item.number for item in plan.skipped] + [item.number for item in plan.unchanged]
    declared = {desired.number for desired in fleet}
    assert len(told) == len(set(told))
    assert declared <= set(told)
    assert policy.prune or set(told) == declared


@law
@given(fleets(), accounts())
def test_a_marker_of_any_value_is_never_a_difference(
    fleet: list[DesiredNumber], numbers: list[LiveNumber]
) -> None:
    """Restamping the markers of numbers of ours may change a cause, never where the fields lead."""
    restamped = [
        live(
            number.number,
            number.stored.with_urls(
                {
                    field: add_marker(url, "04ffffffffff")
                    for field, url in number.stored.urls()
                    if url != strip_marker(url)
                }
            ),
            can_voice=number.can_voice,
        )
        for number in numbers
    ]
    before, after = diff(fleet, numbers, POLICY, NOW), diff(fleet, restamped, POLICY, NOW)
    assert leads(before) == leads(after)


def leads(plan: Plan) -> list[tuple[str, str, object, object]]:
    """Each number and field with where it leads, before and after: connection overrides do not count."""
    told = [
        (change.number, item.field, _address(item.before), _address(item.after))
        for change in plan.changes
        for item in change.fields
    ]
    return [item for item in told if item[2] != item[3]]


def _address(value: Value) -> Value:
    return address_in(value) if isinstance(value, str) else value


plain_numbers = desired_numbers.filter(lambda wanted: wanted.settings.voice_fallback_url != TUNED_FALLBACK)


def tuned(draw: st.DrawFn, number: LiveNumber) -> LiveNumber:
    """The number after somebody put connection overrides on some of its URLs of ours."""
    fragments = st.sampled_from(["", "#rc=3", "#rc=3&rp=all"])
    by_hand = {
        field: f"{address_in(url)}{draw(fragments)}"
        for field, url in number.stored.urls()
        if is_url_of_ours(url, PUBLIC_URL)
    }
    return edited(number, **by_hand)


@st.composite
def tuned_accounts(draw: st.DrawFn) -> list[LiveNumber]:
    """Numbers that were applied, from files that name no overrides, and that somebody tuned since."""
    numbers = sorted(draw(st.sets(st.sampled_from(NUMBERS))))
    return [tuned(draw, applied(replace(draw(plain_numbers), number=number))) for number in numbers]


@law
@given(fleets(), tuned_accounts())
def test_connection_overrides_put_by_hand_are_no_drift(
    fleet: list[DesiredNumber], numbers: list[LiveNumber]
) -> None:
    plain = [
        edited(number, **{field: address_in(url) for field, url in number.stored.urls()})
        for number in numbers
    ]
    with_them, without = diff(fleet, numbers, POLICY, NOW), diff(fleet, plain, POLICY, NOW)
    told = [(change.number, change.cause) for change in with_them.changes]
    assert told == [(change.number, change.cause) for change in without.changes]
    assert with_them.unchanged == without.unchanged
    assert leads(with_them) == leads(without)


@law
@given(fleets(plain_numbers), tuned_accounts())
def test_connection_overrides_put_by_hand_survive_every_write(
    tmp_path: Path, fleet: list[DesiredNumber], numbers: list[LiveNumber]
) -> None:
    account = MemoryAccount.of(*numbers)
    apply(diff(fleet, numbers, POLICY, NOW), account, tmp_path)
    for number in numbers:
        after = dict(account.numbers[number.sid].stored.urls())
        for field, fragment in overrides_of(number.stored):
            if is_url_of_ours(after[field], PUBLIC_URL):
                assert override_in(after[field]) == fragment
    assert not diff(fleet, list(account.numbers.values()), POLICY, NOW).changes
