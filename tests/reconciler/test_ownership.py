"""Whose URL is it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.resource.ownership import (
    agent_named_in,
    host_of,
    is_nobodys,
    is_ours,
    is_under,
)
from tests.reconciler.numbers import BLANK, PUBLIC_URL, applied, wanted


@pytest.mark.parametrize(
    "url",
    [
        "https://agents.example/base",
        "https://agents.example/base/voice/x?tm=1",
        "https://AGENTS.example:443/base/voice/x#rc=1",
    ],
)
def test_urls_inside_the_public_url_are_under_it(url: str) -> None:
    assert is_under(url, "https://agents.example/base")


@pytest.mark.parametrize(
    "url",
    [
        "https://agents.example/based",
        "https://agents.example/",
        "http://agents.example/base/voice",
        "https://agents.example.evil.example/base",
        "https://agents.example:8443/base",
        "https://[broken/base",
        "https://agents.example:port/base",
        "",
    ],
)
def test_lookalikes_are_not(url: str) -> None:
    assert not is_under(url, "https://agents.example/base")


def test_blank_and_the_demo_are_nobodys() -> None:
    assert is_nobodys("")
    assert is_nobodys("https://demo.twilio.com/welcome/voice/")
    assert not is_nobodys("https://demo.twilio.com.example/")


def test_a_marker_makes_a_number_ours_whatever_host_it_names() -> None:
    old = applied(wanted(public_url="https://old.example"), public_url="https://old.example")
    assert is_ours(old.stored, PUBLIC_URL)
    assert agent_named_in(old.stored, PUBLIC_URL) == "front-desk"


def test_a_url_under_the_public_url_makes_a_number_ours() -> None:
    assert is_ours(replace(BLANK, status_callback=f"{PUBLIC_URL}/x"), PUBLIC_URL)
    assert not is_ours(replace(BLANK, voice_url="https://elsewhere.example/"), PUBLIC_URL)


def test_the_host_is_named_without_a_port_that_goes_without_saying() -> None:
    assert host_of("https://Agents.example:443/x") == "agents.example"
    assert host_of("http://127.0.0.1:8000/x") == "127.0.0.1:8000"
