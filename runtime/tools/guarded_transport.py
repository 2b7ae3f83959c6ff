"""Connections of tools: to addresses that were looked at, and to no others.

A name is looked up once, off the event loop, every address that it has is checked, and the connection goes to
a checked address while TLS and the Host header keep the name: who answers a second look-up differently (DNS
rebinding) gains nothing. Proxies of the environment are not used: behind one, nobody knows who is reached.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import httpx2

from schemas.private_hosts import Address, ToolHosts, literal_address

Lookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[Address]]]

TOOL_HOSTS: Final = "tm_tool_hosts"
"""The request extension that carries the agent's `ToolHosts`."""

MOST_CONNECTIONS: Final = 100
IDLE_SECONDS: Final = 30.0


class PrivateHostError(httpx2.RequestError):
    """The host is private, or its name leads to a private address, and is not among the allowed ones."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Looks up, checks, connects. Requests carry their `ToolHosts` as the extension `TOOL_HOSTS`.

    One inner transport for each name, so that a connection is never shared by names with one address.
    """

    def __init__(self, *, lookup: Lookup | None = None) -> None:
        self._lookup = lookup or look_up
        self._ssl = ssl.create_default_context()
        self._by_name: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request to the first checked address that takes connections.

        Raises `PrivateHostError` before anything is connected to.
        """
        host = request.url.host
        addresses = await self._addresses(host, request)
        transport = self._by_name.get(host)
        if transport is None:
            transport = self._by_name[host] = self._transport()
        for address in addresses[:-1]:
            try:
                return await transport.handle_async_request(_to(address, request))
            except httpx2.ConnectError:
                continue
        return await transport.handle_async_request(_to(addresses[-1], request))

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._by_name.values():
            await transport.aclose()

    async def _addresses(self, host: str, request: httpx2.Request) -> Sequence[Address]:
        hosts = request.extensions.get(TOOL_HOSTS)
        assert isinstance(hosts, ToolHosts), "every request says which private hosts it may reach"
        if not hosts.allows(host):
            raise PrivateHostError(f"{host} is a private host", request=request)
        literal = literal_address(host)
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            found = [literal] if literal is not None else await self._lookup(host, port)
        except OSError:
            found = []
        if not found:
            raise httpx2.ConnectError(f"{host} has no address", request=request)
        if not hosts.names(host) and not all(hosts.allows_address(address) for address in found):
            raise PrivateHostError(f"{host} leads to a private address", request=request)
        return found

    def _transport(self) -> httpx2.AsyncHTTPTransport:
        limits = httpx2.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=IDLE_SECONDS)
        return httpx2.AsyncHTTPTransport(verify=self._ssl, trust_env=False, limits=limits)


async def look_up(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of a name, in the system's order of preference. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = dict.fromkeys(str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found)
    return [ipaddress.ip_address(text) for text in texts]


def _to(address: Address, request: httpx2.Request) -> httpx2.Request:
    """Return the request as it goes to an address: the Host header and TLS keep the name."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
