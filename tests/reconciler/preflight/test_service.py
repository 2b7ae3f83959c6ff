"""The public URL: each step is told, and the first broken one ends the walk."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from reconciler.preflight.asking import Answer, Asker
from reconciler.preflight.finding import Finding, Subject, Verdict
from reconciler.preflight.service import (
    ServiceChecks,
    check_service,
    judge_fallback,
    judge_readiness,
    judge_upgrade,
)
from schemas import Service
from tests.reconciler.fleets import load
from tests.reconciler.preflight.servers import Handler, always, asker, broken, loopback, trusting

SUBJECT = Subject("public URL")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
ELSEWHERE = "https://handler.example/twiml#rc=2"


def service(folder: Path, fallback: str = "") -> Service:
    lines = f"kind: Service\nname: test\npublic_url: http://127.0.0.1:8080\n{fallback}"
    return load(folder, lines).service


def runtime(request: httpx2.Request) -> httpx2.Response:
    """A server that behaves as the runtime does."""
    if request.url.path.endswith("/readyz"):
        return httpx2.Response(200, content=b"ready\n")
    is_handshake = request.headers.get("upgrade") == "websocket"
    return httpx2.Response(403 if is_handshake else 404)


def check(declared: Service, handler: Handler, *, through_proxy: bool = False) -> ServiceChecks:
    async def story() -> ServiceChecks:
        async with asker(handler) as questions:
            return await check_service(
                declared,
                questions,
                now=NOW,
                tls=trusting(),
                is_simulated=True,
                through_proxy=through_proxy,
            )

    return asyncio.run(story())


def verdicts(checks: ServiceChecks) -> dict[str, Verdict]:
    return {finding.check: finding.verdict for finding in checks.findings}


def test_a_runtime_on_this_machine_is_fine_but_for_its_lonely_fallback(tmp_path: Path) -> None:
    checks = check(service(tmp_path), runtime)
    assert checks.is_reachable
    assert verdicts(checks) == {
        "host": Verdict.OK,
        "tls": Verdict.OK,
        "ready": Verdict.OK,
        "websocket": Verdict.OK,
        "fallback": Verdict.WARNING,
    }


def test_a_server_that_is_not_there_is_asked_once(tmp_path: Path) -> None:
    asked = 0

    def counted(request: httpx2.Request) -> httpx2.Response:
        nonlocal asked
        asked += 1
        return broken(request)

    checks = check(service(tmp_path), counted)
    assert not checks.is_reachable
    assert verdicts(checks)["ready"] is Verdict.FAILED
    assert asked == 1


def test_a_fallback_on_another_host_gets_a_get_without_its_fragment(tmp_path: Path) -> None:
    asked: list[httpx2.Request] = []

    def answered(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200) if request.url.host == "handler.example" else runtime(request)

    checks = check(service(tmp_path, f'fallback_url: "{ELSEWHERE}"'), answered)
    assert verdicts(checks)["fallback"] is Verdict.OK
    assert [(each.method, str(each.url)) for each in asked if each.url.host == "handler.example"] == [
        ("GET", "https://handler.example/twiml")
    ]


def test_a_fallback_that_is_away_fails(tmp_path: Path) -> None:
    def answered(request: httpx2.Request) -> httpx2.Response:
        return broken(request) if request.url.host == "handler.example" else runtime(request)

    checks = check(service(tmp_path, f'fallback_url: "{ELSEWHERE}"'), answered)
    assert verdicts(checks)["fallback"] is Verdict.FAILED


def test_behind_a_proxy_name_and_certificate_are_said_not_to_be_looked_at(tmp_path: Path) -> None:
    checks = check(service(tmp_path), runtime, through_proxy=True)
    assert verdicts(checks)["host"] is Verdict.WARNING
    assert "tls" not in verdicts(checks)
    assert verdicts(checks)["ready"] is Verdict.OK


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, Verdict.OK), (503, Verdict.FAILED), (404, Verdict.WARNING), (403, Verdict.WARNING)],
)
def test_readiness(status: int, verdict: Verdict) -> None:
    assert judge_readiness(SUBJECT, Answer(status, {})).verdict is verdict


@pytest.mark.parametrize(
    ("status", "words"),
    [(101, "accepted"), (404, "instead of reaching"), (426, "instead of reaching"), (502, "502")],
)
def test_a_handshake_that_is_not_refused_with_403_fails(status: int, words: str) -> None:
    finding: Finding = judge_upgrade(SUBJECT, Answer(status, {}))
    assert finding.verdict is Verdict.FAILED
    assert words in finding.found


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, Verdict.OK), (403, Verdict.OK), (405, Verdict.OK), (404, Verdict.FAILED), (500, Verdict.FAILED)],
)
def test_a_fallback_needs_only_to_be_there(status: int, verdict: Verdict) -> None:
    assert judge_fallback(SUBJECT, "handler.example", Answer(status, {})).verdict is verdict


def test_a_handshake_that_anybody_may_make_is_noticed_on_the_wire(tmp_path: Path) -> None:
    async def accepts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            is_handshake = b"upgrade: websocket" in request.lower()
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
                if is_handshake
                else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            )

    async def story() -> ServiceChecks:
        async with loopback(accepts) as port, Asker(through_proxies=False, seconds=2) as questions:
            declared = service(tmp_path).model_copy(update={"public_url": f"http://127.0.0.1:{port}"})
            return await check_service(declared, questions, now=NOW, tls=trusting(), is_simulated=True)

    assert verdicts(asyncio.run(story()))["websocket"] is Verdict.FAILED


def test_garbage_from_a_server_is_a_finding(tmp_path: Path) -> None:
    checks = check(service(tmp_path), always(418, content=b"\x00" * 100))
    assert verdicts(checks)["ready"] is Verdict.WARNING
    assert verdicts(checks)["websocket"] is Verdict.FAILED
