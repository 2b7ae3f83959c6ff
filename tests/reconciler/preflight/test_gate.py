"""Before numbers are pointed anywhere: which are held back, and which go on."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Plan, SkipReason
from reconciler.preflight import gate
from reconciler.preflight.finding import Subject
from reconciler.preflight.gate import Judged, checked_plan, detail_of, needs_preflight, without_failures
from tests.reconciler.fleets import ENVIRONMENT, load
from tests.reconciler.numbers import (
    FRONT_DESK,
    NOW,
    POLICY,
    PUBLIC_URL,
    SALES,
    applied,
    edited,
    live,
    wanted,
)
from tests.reconciler.preflight.servers import Talk, loopback


def two_adoptions() -> Plan:
    return diff((wanted(), wanted(SALES, "sales")), [live(), live(SALES)], POLICY, NOW)


def test_adopting_a_number_needs_a_preflight() -> None:
    assert all(needs_preflight(change, PUBLIC_URL) for change in two_adoptions().changes)


def test_another_host_needs_one_and_another_name_does_not() -> None:
    mine = wanted(friendly_name="Desk")
    elsewhere = edited(applied(mine), voice_url="https://elsewhere.example/voice")
    renamed = edited(applied(mine), friendly_name="Somebody's")
    (moved,) = diff((mine,), [elsewhere], POLICY, NOW).changes
    (named,) = diff((mine,), [renamed], POLICY, NOW).changes
    assert needs_preflight(moved, PUBLIC_URL)
    assert not needs_preflight(named, PUBLIC_URL)


def test_a_number_that_is_detached_needs_none() -> None:
    policy = Policy(public_url=PUBLIC_URL, prune=True)
    (change,) = diff((), [applied(wanted())], policy, NOW).changes
    assert not needs_preflight(change, PUBLIC_URL)


def test_a_failing_agent_holds_back_its_own_numbers_only() -> None:
    plan = two_adoptions()
    kept = without_failures(plan, {"sales": "nobody there"}, PUBLIC_URL)
    assert [change.number for change in kept.changes] == [FRONT_DESK]
    (skipped,) = kept.skipped
    assert (skipped.number, skipped.reason) == (SALES, SkipReason.PREFLIGHT_FAILED)
    assert skipped.detail == "nobody there"


def test_a_number_that_stays_where_it_is_goes_on_although_its_agent_fails() -> None:
    mine = wanted(friendly_name="Desk")
    plan = diff((mine,), [edited(applied(mine), friendly_name="Somebody's")], POLICY, NOW)
    assert without_failures(plan, {"front-desk": "away"}, PUBLIC_URL) == plan


def test_a_failure_is_told_in_one_line() -> None:
    finding = Subject("public URL").failed("tls", "the certificate has expired", "Renew it.")
    assert detail_of(finding) == "public URL, tls: the certificate has expired. Renew it."


def test_an_unreachable_runtime_holds_back_every_new_number(tmp_path: Path) -> None:
    fleet = load(tmp_path, environ={**ENVIRONMENT, "TM_PUBLIC_URL": "http://127.0.0.1:9"})
    plan = diff(
        tuple(
            wanted(number.number, number.agent, public_url="http://127.0.0.1:9") for number in fleet.numbers()
        ),
        [live(), live(SALES)],
        Policy(public_url="http://127.0.0.1:9"),
        NOW,
    )
    environ = {"TM_TWILIO_API_URL": "http://127.0.0.1:9"}
    kept = asyncio.run(checked_plan(plan, fleet, environ, asyncio.Event()))
    assert kept.changes == ()
    assert {skipped.reason for skipped in kept.skipped} == {SkipReason.PREFLIGHT_FAILED}
    assert all("no connection" in skipped.detail for skipped in kept.skipped)


def test_an_interrupt_ends_the_checks_and_leaves_the_plan_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = False

    async def endless(*_: object) -> Judged:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled = True
            raise
        return Judged({})

    monkeypatch.setattr(gate, "_judged", endless)

    async def story() -> Plan:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_soon(stop.set)
        return await checked_plan(two_adoptions(), load(tmp_path), {}, stop)

    assert asyncio.run(story()).changes == two_adoptions().changes
    assert cancelled


def test_where_nothing_is_new_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_judged", None)
    plan = diff((wanted(),), [applied(wanted())], POLICY, NOW)
    assert asyncio.run(checked_plan(plan, load(tmp_path), {}, asyncio.Event())) is plan


def runtime(account: Mapping[str, str], *, silent: bytes = b"/nobody") -> Talk:
    """A runtime that answers as it should, but never for paths that begin with `silent`.

    It is Twilio's API as well, whose document of the account has `account` in it.
    """
    voice_answers = {
        agent: iter([b"400 Bad Request", b"403 Forbidden"])
        for agent in (b"/voice/front-desk?", b"/voice/sales?")
    }

    def answer(path: bytes) -> tuple[bytes, bytes]:
        if b"/Accounts/" in path:
            return b"200 OK", json.dumps(account).encode()
        if path.startswith(b"/stream"):
            return b"403 Forbidden", b""
        for agent, answers in voice_answers.items():
            if path.startswith(agent):
                return next(answers), b""
        return b"200 OK", b"<Response/>"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            await reader.readexactly(int(length[1]) if length else 0)
            path = head.split()[1]
            if path.startswith(silent):
                await reader.read()
            status, body = answer(path)
            writer.write(b"HTTP/1.1 %s\r\nContent-Type: text/xml\r\n" % status)
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    return talk


def checked(folder: Path, talk: Talk) -> Plan:
    """A plan of two adoptions after the checks."""

    async def story() -> Plan:
        async with loopback(talk) as port:
            url = f"http://127.0.0.1:{port}"
            fleet = load(folder, environ={**ENVIRONMENT, "TM_PUBLIC_URL": url})
            declared = tuple(wanted(one.number, one.agent, public_url=url) for one in fleet.numbers())
            plan = diff(declared, [live(), live(SALES)], Policy(public_url=url), NOW)
            return await checked_plan(plan, fleet, {"TM_TWILIO_API_URL": url}, asyncio.Event())

    return asyncio.run(story())


FULL = {"type": "Full", "status": "active"}


def test_an_agent_whose_checks_do_not_end_holds_back_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PREFLIGHT_SECONDS", 0.8)
    monkeypatch.setattr(gate, "SECONDS_PER_AGENT", 0.0)
    kept = checked(tmp_path, runtime(FULL, silent=b"/voice/sales"))
    assert [change.agent for change in kept.changes] == ["front-desk"]
    (skipped,) = kept.skipped
    assert skipped.agent == "sales"
    assert "did not end within 0.8 s" in skipped.detail


def test_the_limits_of_a_trial_are_told_once_and_hold_nothing_back(tmp_path: Path) -> None:
    kept = checked(tmp_path, runtime({"type": "Trial", "status": "active"}))
    assert [change.agent for change in kept.changes] == ["front-desk", "sales"]
    (told,) = kept.diagnostics
    assert (told.severity, told.code) == ("warning", "TM304")
    assert "only verified callers get through" in told.message


def test_a_suspended_account_gets_no_number_pointed_anywhere(tmp_path: Path) -> None:
    kept = checked(tmp_path, runtime({"type": "Full", "status": "suspended"}))
    assert not kept.changes
    assert {skipped.reason for skipped in kept.skipped} == {SkipReason.PREFLIGHT_FAILED}
    assert all("the account is suspended" in skipped.detail for skipped in kept.skipped)


def test_a_full_account_is_not_worth_a_word(tmp_path: Path) -> None:
    kept = checked(tmp_path, runtime(FULL))
    assert (len(kept.changes), kept.diagnostics) == (2, ())
