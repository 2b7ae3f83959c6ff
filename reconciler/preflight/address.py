"""Can Twilio get as far as the runtime's door? The host's name, its certificate, plain http."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from reconciler.output.printable import printable
from reconciler.preflight.asking import is_loopback
from reconciler.preflight.finding import Finding, Subject

RESOLVE_SECONDS = 3.0
HANDSHAKE_SECONDS = 4.0
SOON_DAYS = 14

_HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class Door:
    """Where the runtime is reached: the parts of `public_url` that matter before HTTP does.

    `is_simulated`: Twilio is a server of the user's choosing (`TM_TWILIO_API_URL`), which may well reach
    this machine.
    """

    scheme: str
    host: str
    port: int
    is_simulated: bool = False

    @classmethod
    def of(cls, public_url: str, *, is_simulated: bool) -> Door:
        """Take a valid public URL apart."""
        parts = urlsplit(public_url)
        default = _HTTPS_PORT if parts.scheme == "https" else 80
        return cls(parts.scheme, parts.hostname or "", parts.port or default, is_simulated)


async def check_host(subject: Subject, door: Door) -> Finding:
    """Look the host up, in bounded time."""
    if is_loopback(door.host) and not door.is_simulated:
        return subject.failed(
            "host",
            f"{door.host} is this machine, which Twilio cannot reach",
            "Set TM_PUBLIC_URL to a tunnel.",
        )
    try:
        addresses = await _resolved(door.host)
    except TimeoutError:
        found = f"{door.host} was not resolved within {RESOLVE_SECONDS:g} s"
        return subject.failed("host", found, "Is the name right, and DNS reachable from here?")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a host name"
        found = f"{door.host} does not resolve: {reason}"
        return subject.failed("host", found, "Correct public_url, or the name's DNS record.")
    return judge_addresses(subject, door, addresses)


def judge_addresses(subject: Subject, door: Door, addresses: tuple[str, ...]) -> Finding:
    """Judge what a host resolved to."""
    shown = ", ".join(addresses[:3]) + (", …" if len(addresses) > 3 else "")
    private = [address for address in addresses if not ipaddress.ip_address(address).is_global]
    if private and not door.is_simulated:
        return subject.warning(
            "host",
            f"{door.host} is {shown} from here, a private address",
            "Twilio needs a public one; ignore this where the name means another address outside.",
        )
    is_name = addresses != (door.host,)
    return subject.ok("host", f"{door.host} is {shown}" if is_name else f"{door.host}, given as an address")


async def check_tls(subject: Subject, door: Door, tls: ssl.SSLContext, now: datetime) -> Finding:
    """Shake hands with the server and judge its certificate."""
    if door.scheme == "http":
        return subject.ok("tls", "plain http, on this machine only")
    try:
        expires = await _certificate_expiry(door, tls)
    except ssl.SSLCertVerificationError as error:
        found = f"the certificate is not valid: {printable(error.verify_message)}"
        advice = (
            "Twilio refuses it too (error 11237): install a certificate of a public authority for this name."
        )
        return subject.failed("tls", found, advice)
    except TimeoutError:
        found = f"port {door.port} does not shake hands within {HANDSHAKE_SECONDS:g} s"
        return subject.failed("tls", found, "Is the server running, and the port open to the outside?")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = printable(getattr(error, "strerror", None) or str(error))
        return subject.failed("tls", f"no TLS on port {door.port}: {reason}", "Is the server running there?")
    return judge_expiry(subject, expires, now)


def judge_expiry(subject: Subject, expires: datetime, now: datetime) -> Finding:
    """Judge how long a valid certificate lasts."""
    days = (expires - now).days
    found = f"the certificate is valid for {days} more day{'' if days == 1 else 's'}"
    if days < SOON_DAYS:
        return subject.warning("tls", found, "Renew it; Twilio will not take calls to an expired one.")
    return subject.ok("tls", found)


async def _resolved(host: str) -> tuple[str, ...]:
    """Return the addresses of a host. Raises TimeoutError, OSError or UnicodeError.

    The thread is a daemon: an executor's would be waited for at the end, however long the system's
    resolver takes.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def settle(addresses: tuple[str, ...], error: Exception | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(addresses)
        else:
            answer.set_exception(error)

    def look_up() -> None:
        addresses: tuple[str, ...] = ()
        failure: Exception | None = None
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            addresses = tuple(dict.fromkeys(str(row[4][0]).partition("%")[0] for row in rows))
        except (OSError, UnicodeError) as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, addresses, failure)

    threading.Thread(target=look_up, name="resolver", daemon=True).start()
    async with asyncio.timeout(RESOLVE_SECONDS):
        return await answer


async def _certificate_expiry(door: Door, tls: ssl.SSLContext) -> datetime:
    async with asyncio.timeout(HANDSHAKE_SECONDS):
        _, writer = await asyncio.open_connection(door.host, door.port, ssl=tls, server_hostname=door.host)
    certificate = writer.get_extra_info("peercert")
    writer.transport.abort()
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
