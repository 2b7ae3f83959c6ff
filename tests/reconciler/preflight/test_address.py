"""The way to the runtime's door: the name and the certificate."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.preflight import address
from reconciler.preflight.address import Door, check_host, check_tls, judge_addresses, judge_expiry
from reconciler.preflight.finding import Finding, Subject, Verdict
from tests.reconciler.preflight.servers import certificate, loopback, trusting

SUBJECT = Subject("public URL")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
AGENTS = Door.of("https://agents.example", is_simulated=False)


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a server without TLS makes of a handshake."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


def shake_hands(server: ssl.SSLContext | None, client: ssl.SSLContext) -> Finding:
    """Check the TLS of a server on loopback; None is one without."""

    async def story() -> Finding:
        async with loopback(hangs_up, tls=server) as port:
            return await check_tls(SUBJECT, Door("https", "127.0.0.1", port), client, NOW)

    return asyncio.run(story())


def test_a_public_url_is_taken_apart_with_the_port_that_goes_without_saying() -> None:
    assert Door.of("https://agents.example/tm", is_simulated=False) == Door("https", "agents.example", 443)
    assert Door.of("http://localhost:8080", is_simulated=True) == Door("http", "localhost", 8080, True)


def test_a_valid_certificate_is_told_with_its_days() -> None:
    finding = shake_hands(certificate("valid"), trusting())
    assert finding.verdict is Verdict.OK
    assert "36201 more days" in finding.found


def test_an_expired_certificate_is_named_as_such() -> None:
    finding = shake_hands(certificate("expired"), trusting())
    assert finding.verdict is Verdict.FAILED
    assert "expired" in finding.found


def test_a_certificate_of_an_unknown_authority_is_refused_as_twilio_does() -> None:
    finding = shake_hands(certificate("valid"), ssl.create_default_context())
    assert finding.verdict is Verdict.FAILED
    assert "not valid" in finding.found
    assert "11237" in finding.advice


def test_a_port_without_tls_is_said_to_be_one() -> None:
    finding = shake_hands(None, trusting())
    assert finding.verdict is Verdict.FAILED
    assert "no TLS" in finding.found


def test_plain_http_is_for_this_machine() -> None:
    door = Door.of("http://127.0.0.1:8080", is_simulated=True)
    finding = asyncio.run(check_tls(SUBJECT, door, trusting(), NOW))
    assert finding.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("days", "verdict", "words"), [(90, Verdict.OK, "90 more days"), (13, Verdict.WARNING, "13 more days")]
)
def test_a_certificate_that_ends_soon_is_a_warning(days: int, verdict: Verdict, words: str) -> None:
    finding = judge_expiry(SUBJECT, NOW + timedelta(days=days), NOW)
    assert finding.verdict is verdict
    assert words in finding.found


def test_twilio_cannot_reach_this_machine() -> None:
    door = Door.of("http://127.0.0.1:8080", is_simulated=False)
    finding = asyncio.run(check_host(SUBJECT, door))
    assert finding.verdict is Verdict.FAILED
    assert "tunnel" in finding.advice


def test_a_simulated_twilio_can() -> None:
    door = Door.of("http://127.0.0.1:8080", is_simulated=True)
    assert asyncio.run(check_host(SUBJECT, door)).verdict is Verdict.OK


def test_a_private_address_is_a_warning() -> None:
    finding = judge_addresses(SUBJECT, AGENTS, ("10.1.2.3",))
    assert finding.verdict is Verdict.WARNING
    assert "10.1.2.3" in finding.found


def test_a_name_that_does_not_resolve_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    finding = asyncio.run(check_host(SUBJECT, AGENTS))
    assert finding.verdict is Verdict.FAILED
    assert "Name or service not known" in finding.found


def test_a_resolver_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hangs(*_: object, **__: object) -> object:
        release.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    monkeypatch.setattr(address, "RESOLVE_SECONDS", 0.05)
    finding = asyncio.run(check_host(SUBJECT, AGENTS))
    release.set()
    assert finding.verdict is Verdict.FAILED
    assert "not resolved within" in finding.found
