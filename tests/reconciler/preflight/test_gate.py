"""Before numbers are pointed anywhere: which are held back, and which go on."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Plan, SkipReason
from reconciler.preflight import gate
from reconciler.preflight.finding import Subject
from reconciler.preflight.gate import checked_plan, detail_of, needs_preflight, without_failures
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
from tests.reconciler.preflight.servers import loopback


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

    async def endless(*_: object) -> dict[str, str]:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled = True
            raise
        return {}

    monkeypatch.setattr(gate, "_failures", endless)

    async def story() -> Plan:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_soon(stop.set)
        return await checked_plan(two_adoptions(), load(tmp_path), {}, stop)

    assert asyncio.run(story()).changes == two_adoptions().changes
    assert cancelled


def test_where_nothing_is_new_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_failures", None)
    plan = diff((wanted(),), [applied(wanted())], POLICY, NOW)
    assert asyncio.run(checked_plan(plan, load(tmp_path), {}, asyncio.Event())) is plan


def test_an_agent_whose_checks_do_not_end_holds_back_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PREFLIGHT_SECONDS", 0.8)
    monkeypatch.setattr(gate, "SECONDS_PER_AGENT", 0.0)
    voice_answers = iter([b"400 Bad Request", b"403 Forbidden"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be a runtime that never answers for sales."""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            await reader.readexactly(int(length[1]) if length else 0)
            path = head.split()[1]
            if path.startswith(b"/voice/sales"):
                await reader.read()
            status, body = b"200 OK", b"<Response/>"
            if path.startswith(b"/stream"):
                status = b"403 Forbidden"
            elif path.startswith(b"/voice/front-desk?"):
                status = next(voice_answers)
            writer.write(b"HTTP/1.1 %s\r\nContent-Type: text/xml\r\n" % status)
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def story() -> Plan:
        async with loopback(serve) as port:
            url = f"http://127.0.0.1:{port}"
            fleet = load(tmp_path, environ={**ENVIRONMENT, "TM_PUBLIC_URL": url})
            declared = tuple(wanted(one.number, one.agent, public_url=url) for one in fleet.numbers())
            plan = diff(declared, [live(), live(SALES)], Policy(public_url=url), NOW)
            return await checked_plan(plan, fleet, {"TM_TWILIO_API_URL": url}, asyncio.Event())

    kept = asyncio.run(story())
    assert [change.agent for change in kept.changes] == ["front-desk"]
    (skipped,) = kept.skipped
    assert skipped.agent == "sales"
    assert "did not end within 0.8 s" in skipped.detail
