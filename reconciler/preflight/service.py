"""The public URL: from the name to the runtime behind it, and the way out when it is away."""

from __future__ import annotations

import base64
import secrets
import ssl
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from reconciler.preflight.address import Door, check_host, check_tls
from reconciler.preflight.asking import Answer, Asker, NoAnswerError
from reconciler.preflight.finding import Finding, Subject, first_failure
from reconciler.resource.ownership import host_of
from schemas.service import Service

_UPGRADE_REFUSED_BY_PROXY = (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST, HTTPStatus.UPGRADE_REQUIRED)


@dataclass(frozen=True, slots=True)
class ServiceChecks:
    """What holds for all agents. Unless `is_reachable`, there is no use in asking for any of them."""

    findings: tuple[Finding, ...]
    is_reachable: bool


async def check_service(
    service: Service,
    asker: Asker,
    *,
    now: datetime,
    tls: ssl.SSLContext,
    is_simulated: bool,
    through_proxy: bool = False,
) -> ServiceChecks:
    """Check the public URL, each step only when the one before it did not fail.

    `through_proxy`: this machine gets out through a proxy only, which resolves names and opens
    connections for it.
    """
    subject = Subject("public URL")
    findings: list[Finding] = []
    if through_proxy:
        found = "not looked at: this machine reaches it through a proxy"
        findings.append(subject.warning("host", found, "Run tm doctor where there is none."))
    else:
        door = Door.of(service.public_url, is_simulated=is_simulated)
        findings.append(await check_host(subject, door))
        if first_failure(findings) is None:
            findings.append(await check_tls(subject, door, tls, now))
    if first_failure(findings) is not None:
        return ServiceChecks(tuple(findings), is_reachable=False)
    try:
        findings.append(judge_readiness(subject, await asker.ask("GET", f"{service.public_url}/readyz")))
    except NoAnswerError as error:
        findings.append(subject.failed("ready", str(error), "Is tm serve running, and reachable there?"))
        return ServiceChecks(tuple(findings), is_reachable=False)
    findings += [
        await _check_upgrade(subject, service, asker),
        await _check_fallback(subject, service, asker),
    ]
    return ServiceChecks(tuple(findings), is_reachable=True)


def judge_readiness(subject: Subject, answer: Answer) -> Finding:
    """Judge the answer of `/readyz`."""
    if answer.status == HTTPStatus.OK:
        return subject.ok("ready", "the runtime takes calls")
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return subject.failed(
            "ready", "nothing behind it takes calls now (503)", "Wait for tm serve, or start it."
        )
    found = f"/readyz is answered {answer.status}, so whether it takes calls is not known"
    return subject.warning("ready", found, "No harm where only the load balancer may ask for it.")


def judge_upgrade(subject: Subject, answer: Answer) -> Finding:
    """Judge the answer to a WebSocket handshake with a forged signature."""
    status = answer.status
    if status == HTTPStatus.FORBIDDEN:
        return subject.ok("websocket", "a handshake gets through; the forged one is refused with 403")
    if status == HTTPStatus.SWITCHING_PROTOCOLS:
        found = "a WebSocket handshake with a forged signature is accepted"
        return subject.failed("websocket", found, "What answers there is not tm serve.")
    found = f"a WebSocket handshake is answered {status} instead of reaching the runtime"
    if status in _UPGRADE_REFUSED_BY_PROXY:
        return subject.failed("websocket", found, "Let the proxy pass the Upgrade and Connection headers.")
    return subject.failed("websocket", found, "Look into the log of what is in front of tm serve.")


def judge_fallback(subject: Subject, host: str, answer: Answer) -> Finding:
    """Judge a plain GET of a fallback URL on another host: only that somebody is there."""
    if answer.status == HTTPStatus.NOT_FOUND or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return subject.failed("fallback", f"{host} answers {answer.status}", "Correct fallback_url.")
    return subject.ok("fallback", f"{host} answers, apart from the runtime")


async def _check_upgrade(subject: Subject, service: Service, asker: Asker) -> Finding:
    """Knock at the streams' door with a signature of nobody's. Twilio: the handshake is signed."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "X-Twilio-Signature": base64.b64encode(secrets.token_bytes(20)).decode(),
    }
    try:
        answer = await asker.ask("GET", f"{service.public_url}/stream/preflight", headers=headers)
    except NoAnswerError as error:
        return subject.failed("websocket", str(error), "Let the proxy pass WebSocket upgrades.")
    return judge_upgrade(subject, answer)


async def _check_fallback(subject: Subject, service: Service, asker: Asker) -> Finding:
    """Look whether calls have somewhere to go while the runtime is away. Somebody else's URL gets a GET."""
    url = service.fallback_url
    host = host_of(url) if url else ""
    if not url or host == host_of(service.public_url):
        return subject.warning(
            "fallback",
            "on the same host as the runtime: while that is away, callers hear Twilio's error message",
            "Declare the Service's fallback_url on another host, a TwiML Bin for example.",
        )
    try:
        return judge_fallback(subject, host, await asker.ask("GET", url.partition("#")[0]))
    except NoAnswerError as error:
        return subject.failed(
            "fallback", f"{host}: {error}", "Correct fallback_url, or start what answers there."
        )
