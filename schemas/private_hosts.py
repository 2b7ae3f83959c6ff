"""Hosts that only this machine or this network reaches: loopback, link-local, private and the like.

A tool's address may come from a name that somebody else controls, and a model chooses what is sent to it. So
such hosts are refused unless they stand in `tool_hosts`: as a name, an address, or a network (10.1.0.0/16).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# IPv6 that means the IPv4 address of its last 32 bits: NAT64, and the old IPv4-compatible form.
_EMBEDDING: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
# Not public, though Python's table has them as global: site-local, 6to4 relays, documentation, SRv6.
_ALSO_PRIVATE: Final[tuple[Network, ...]] = (
    ipaddress.IPv6Network("fec0::/10"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("3fff::/20"),
    ipaddress.IPv6Network("5f00::/16"),
    ipaddress.IPv4Network("192.88.99.0/24"),
)


class ToolHosts:
    """The private hosts that an agent's tools may call."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Take names, addresses and networks, as they are declared."""
        self._names = frozenset(_plain(entry) for entry in allowed)
        self._networks = tuple(network for name in self._names if (network := _network(name)) is not None)

    def allows(self, host: str) -> bool:
        """Tell whether a host may be called as far as it is written: by its name or its literal address."""
        if self.names(host) or not is_private_host(host):
            return True
        address = literal_address(host)
        return address is not None and self.allows_address(address)

    def allows_address(self, address: Address) -> bool:
        """Tell whether an address may be connected to: it is public, or an entry of the list has it."""
        if not is_private_address(address):
            return True
        return any(form in network for form in _forms(address) for network in self._networks)

    def names(self, host: str) -> bool:
        """Tell whether the host stands in the list as it is written: then all of its addresses are meant."""
        return _plain(host) in self._names


def is_private_host(host: str) -> bool:
    """Tell whether a host is, without looking it up, loopback, link-local or otherwise not public.

    The old spellings of IPv4 that connect all the same (`127.1`, `0x7f000001`) are seen through.
    """
    name = _plain(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = literal_address(name)
    return address is not None and is_private_address(address)


def literal_address(host: str) -> Address | None:
    """Return the address that a host is written as, None for a name."""
    name = _plain(host).partition("%")[0]  # an IPv6 address may name its interface
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        try:
            return ipaddress.ip_address(socket.inet_aton(name))
        except OSError:
            return None


def is_private_address(address: Address) -> bool:
    """Tell whether an address is not public in any of the forms that reach the same host."""
    return any(_is_private(form) for form in _forms(address))


def _is_private(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_unspecified:
        return True
    return any(address in network for network in _ALSO_PRIVATE)


def _forms(address: Address) -> Iterator[Address]:
    """Yield the address and the IPv4 address inside of it: what a translator or a socket makes of it."""
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if any(address in network for network in _EMBEDDING):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        address = literal_address(entry)
        return None if address is None else ipaddress.ip_network(address)


def _plain(host: str) -> str:
    return host.strip().lower().removeprefix("[").removesuffix("]").rstrip(".")
