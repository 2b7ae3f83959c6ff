"""Addresses that tools may not reach, in every form in which they can be written."""

from __future__ import annotations

import ipaddress

import pytest

from schemas.private_hosts import ToolHosts, is_private_address, is_private_host

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "::127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:db8::1", "3fff::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_private_in_all_of_its_forms(address: str) -> None:
    assert is_private_address(ipaddress.ip_address(address))
    assert is_private_host(address)
    assert is_private_host(f"[{address}]")
    assert not ToolHosts().allows(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not(address: str) -> None:
    assert not is_private_address(ipaddress.ip_address(address))
    assert ToolHosts().allows(address)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "crm.localhost", "127.1", "0x7f000001", "2130706433", "017700000001"]
)
def test_old_spellings_and_names_of_this_machine_are_seen_through(host: str) -> None:
    assert is_private_host(host)


@pytest.mark.parametrize(
    ("entry", "host", "allowed"),
    [
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.0.0/16", "10.2.2.3", False),
        ("127.0.0.1", "127.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("fd00::/8", "fd12::1", True),
        ("10.1.0.0/16", "::ffff:10.1.2.3", True),
        ("localhost", "localhost", True),
        ("crm.internal", "localhost", False),
        ("[::1]", "::1", True),
    ],
)
def test_a_name_an_address_or_a_network_can_be_allowed(entry: str, host: str, allowed: bool) -> None:
    assert ToolHosts([entry]).allows(host) is allowed
