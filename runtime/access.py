"""Who may use the API: whoever has the token, or, while there is none, this machine alone."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

# A request that carries one of these came through a proxy, so its peer says nothing about its sender.
FORWARDING_HEADERS = (
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port",
    "x-forwarded-server", "x-real-ip", "x-client-ip", "x-original-forwarded-for", "cf-connecting-ip",
    "true-client-ip", "fly-client-ip", "ngrok-trace-id",
)  # fmt: skip


def may_use_api(token: str | None, peer: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request may use the API.

    `peer` is the address of the connection, `headers` are case-insensitive or lower-case. With a token only
    the bearer of it may. Without one the peer and the Host must be loopback, no proxy may have passed the
    request on, and a page of another origin may not have sent it.
    """
    if token is not None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
    host = headers.get("host", "")
    return (
        is_loopback(peer)
        and is_loopback(_host_name(host))
        and not any(header in headers for header in FORWARDING_HEADERS)
        and headers.get("origin", f"http://{host}") in (f"http://{host}", f"https://{host}")
    )


def _host_name(host: str) -> str | None:
    """Return the name in a Host header, None for one that is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def is_loopback(host: str | None) -> bool:
    """Whether a name or an address means this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
