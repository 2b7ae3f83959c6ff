"""User and password in a URL: compared by their seal, shown nowhere, and a seal is never written."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from reconciler.applying.executor import Executor
from reconciler.applying.journal import Journal
from reconciler.applying.recorded import read_journal
from reconciler.applying.report import Report
from reconciler.applying.rollback import rollback_plan
from reconciler.applying.writing import ChangeWriter
from reconciler.output.documents import plan_document, report_document
from reconciler.output.github import plan_annotations
from reconciler.output.markdown import plan_markdown
from reconciler.output.text import plan_text
from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Cause, Plan, SkipReason
from reconciler.planning.saved import load_plan, save_plan
from reconciler.resource.credentials import is_sealed, sealed_text
from reconciler.resource.desired import desired_numbers
from reconciler.resource.ownership import host_of
from tests.reconciler.fleets import FLEET, load
from tests.reconciler.numbers import (
    BLANK,
    FRONT_DESK,
    NOW,
    POLICY,
    PUBLIC_URL,
    MemoryAccount,
    applied,
    changed_fields,
    live,
    sid_of,
    taking_over,
    wanted,
)

FOREIGN = "https://bob:pa55word@hooks.agency.example/voice"
OTHER = "https://bob:0ther@hooks.agency.example/voice"
FALLBACK = "https://annabel:fa11back@static.example/sorry"
SECRETS = ("bob", "pa55word", "0ther", "annabel", "fa11back")


def used_by(url: str) -> MemoryAccount:
    """An account whose number goes to somebody who signs Twilio in by password."""
    return MemoryAccount.of(live(FRONT_DESK, replace(BLANK, voice_url=url)))


def takeover(account: MemoryAccount) -> Plan:
    return diff((taking_over(wanted()),), list(account.numbers.values()), POLICY, NOW)


def apply(plan: Plan, account: MemoryAccount, journal: Path) -> Report:
    async def run() -> Report:
        with closing(Journal(journal, plan.plan_id, accounts={"main": "AC"})) as lines:
            return await Executor(account, ChangeWriter(lines)).apply(plan, asyncio.Event())

    return asyncio.run(run())


def everything_told(plan: Plan) -> str:
    """A plan in all of its forms."""
    console = Console(width=200)
    with console.capture() as text:
        console.print(plan_text(plan))
    document = json.dumps(plan_document(plan))
    return "\n".join([text.get(), document, plan_markdown(plan), plan_annotations(plan)])


def test_no_output_of_a_plan_has_them_and_every_output_has_the_host() -> None:
    for plan in (
        takeover(used_by(FOREIGN)),
        diff((wanted(),), list(used_by(FOREIGN).numbers.values()), POLICY, NOW),
    ):
        told = everything_told(plan)
        assert not [secret for secret in SECRETS if secret in told]
        assert told.count("@hooks.agency.example/voice") >= 4


def test_two_passwords_are_told_apart_without_being_told() -> None:
    """A change is visible even where nothing but the password differs."""
    assert sealed_text(FOREIGN) != sealed_text(OTHER)
    desired = wanted(fallback_url=FALLBACK)
    other = FALLBACK.replace("fa11back", "0ther")
    stored = replace(applied(desired).stored, voice_fallback_url=other)
    plan = diff((desired,), [live(FRONT_DESK, stored)], POLICY, NOW)
    assert changed_fields(plan) == {"voice_fallback_url": (sealed_text(other), sealed_text(FALLBACK))}
    assert plan.changes[0].cause is Cause.DRIFT


def test_a_declared_fallback_is_written_with_its_password_and_then_as_declared(tmp_path: Path) -> None:
    desired, account = wanted(fallback_url=FALLBACK), MemoryAccount.of(live())
    plan = diff((desired,), list(account.numbers.values()), POLICY, NOW)
    assert apply(plan, account, tmp_path / "run.jsonl").exit_code == 0
    assert account.numbers[sid_of(FRONT_DESK)].stored.voice_fallback_url == FALLBACK
    assert not diff((desired,), list(account.numbers.values()), POLICY, NOW).changes


def test_neither_a_saved_plan_nor_a_journal_nor_a_report_has_them(tmp_path: Path) -> None:
    text = FLEET.replace("public_url:", f"fallback_url: {FALLBACK}\npublic_url:").replace(
        "instructions: Take", "takeover: true\ninstructions: Take"
    )
    fleet, account = load(tmp_path / "agents.d", text), used_by(FOREIGN)
    policy = Policy(PUBLIC_URL, fallback_url=FALLBACK)
    plan = diff(desired_numbers(fleet), list(account.numbers.values()), policy, NOW)
    saved, journal = tmp_path / "plan.json", tmp_path / "run.jsonl"
    save_plan(saved, plan, fleet)
    loaded = load_plan(saved, fleet)
    assert loaded.plan_id == plan.plan_id
    ((one,), (other,)) = loaded.changes, plan.changes
    assert (one.write, one.expected, one.wanted) == (other.write, other.expected, other.wanted)
    report = apply(loaded, account, journal)
    assert report.exit_code == 0
    kept = saved.read_text() + journal.read_text() + json.dumps(report_document(report))
    assert not [secret for secret in SECRETS if secret in kept]


def test_a_password_that_changed_since_the_plan_makes_it_stale(tmp_path: Path) -> None:
    account = used_by(FOREIGN)
    plan = takeover(account)
    account.edit(FRONT_DESK, voice_url=OTHER)
    assert apply(plan, account, tmp_path / "run.jsonl").exit_code == 4
    assert not account.writes


def test_a_rollback_does_not_write_a_seal_and_says_what_it_leaves(tmp_path: Path) -> None:
    account, journal = used_by(FOREIGN), tmp_path / "run.jsonl"
    apply(takeover(account), account, journal)
    back = rollback_plan(read_journal(journal), journal, list(account.numbers.values()), PUBLIC_URL, NOW)
    assert not back.changes
    (left,) = back.skipped
    assert (left.number, left.reason) == (FRONT_DESK, SkipReason.NOT_RECORDED)
    assert "voice_url" in left.detail
    assert apply(back, account, tmp_path / "back.jsonl").exit_code == 4


def test_a_rollback_takes_back_the_rest_where_such_a_url_did_not_change(tmp_path: Path) -> None:
    account, journal = MemoryAccount.of(applied(wanted(fallback_url=FALLBACK))), tmp_path / "run.jsonl"
    renamed = wanted(fallback_url=FALLBACK, friendly_name="Desk")
    apply(diff((renamed,), list(account.numbers.values()), POLICY, NOW), account, journal)
    back = rollback_plan(read_journal(journal), journal, list(account.numbers.values()), PUBLIC_URL, NOW)
    assert changed_fields(back) == {"friendly_name": ("Desk", BLANK.friendly_name)}
    assert apply(back, account, tmp_path / "back.jsonl").exit_code == 0
    stored = account.numbers[sid_of(FRONT_DESK)].stored
    assert (stored.friendly_name, stored.voice_fallback_url) == (BLANK.friendly_name, FALLBACK)


@pytest.mark.parametrize("url", ["", "https://hooks.example/x@y?to=a@b#rc=1", "mailto:bob@hooks.example"])
def test_what_is_no_user_in_a_url_stays(url: str) -> None:
    assert sealed_text(url) == url
    assert not is_sealed(url)


@given(st.text(st.characters(exclude_characters="/?#", exclude_categories=["Z", "C"]), min_size=1))
def test_a_seal_hides_all_of_it_keeps_the_rest_and_is_not_sealed_again(userinfo: str) -> None:
    url = f"https://{userinfo}@hooks.example:8443/x?y=1"
    sealed = sealed_text(url)
    assert is_sealed(sealed)
    assert sealed.endswith("@hooks.example:8443/x?y=1")
    assert len(sealed) == len("https://***0000@hooks.example:8443/x?y=1")
    assert sealed_text(sealed) == sealed
    assert host_of(sealed) == "hooks.example:8443"
