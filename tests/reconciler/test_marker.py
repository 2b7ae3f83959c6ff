"""The marker in a number's URLs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.resource.marker import (
    add_marker,
    fingerprint,
    fingerprint_as_applied,
    marker_in,
    marker_of,
    strip_marker,
    without_markers,
)
from tests.reconciler.numbers import BLANK, PUBLIC_URL, applied, edited, wanted

MARKER = "03abcdef0123"
OTHER = "00ffffffffff"

url_text = st.text(alphabet="abz/?&#=%+tm0é.:", max_size=40).map("https://x.example/".__add__)


def test_it_comes_after_the_query_and_before_the_fragment() -> None:
    assert add_marker("https://x.example/v", MARKER) == f"https://x.example/v?tm={MARKER}"
    assert add_marker("https://x.example/v?a=1#rc=3&rp=all", MARKER) == (
        f"https://x.example/v?a=1&tm={MARKER}#rc=3&rp=all"
    )


def test_a_new_marker_replaces_the_old_one() -> None:
    assert add_marker(f"https://x.example/v?tm={OTHER}&a=1", MARKER) == f"https://x.example/v?a=1&tm={MARKER}"


@pytest.mark.parametrize(
    "query", ["tm=2026", "tm=", "atm=03abcdef0123", "tm=03ABCDEF0123", "tm=03abcdef01234"]
)
def test_somebody_elses_parameter_of_that_name_is_no_marker(query: str) -> None:
    url = f"https://x.example/v?{query}"
    assert marker_in(url) is None
    assert strip_marker(url) == url


@given(url_text)
def test_adding_and_stripping_leaves_every_other_character_alone(url: str) -> None:
    marked = add_marker(url, MARKER)
    assert marker_in(marked) == MARKER
    assert strip_marker(marked) == strip_marker(url)
    assert strip_marker(strip_marker(url)) == strip_marker(url)


def test_the_first_two_digits_say_which_optional_fields_were_declared() -> None:
    elsewhere = "https://static.example/sorry.xml"
    assert fingerprint(wanted(fallback_url=elsewhere).settings).startswith("00")
    assert fingerprint(wanted(fallback_url=elsewhere, friendly_name="Desk").settings).startswith("01")
    assert fingerprint(wanted(fallback_url=elsewhere, caller_id_lookup=False).settings).startswith("02")
    assert fingerprint(wanted().settings).startswith("04")


def test_from_the_live_record_alone_the_fingerprint_is_found_again() -> None:
    for desired in (wanted(), wanted(friendly_name="Desk"), wanted(fallback_url="https://static.example/s")):
        number = applied(desired)
        assert number.marker == fingerprint(desired.settings)
        assert fingerprint_as_applied(number.bare, number.marker) == number.marker


def test_a_field_that_was_not_declared_may_change_without_breaking_the_fingerprint() -> None:
    number = edited(applied(wanted()), friendly_name="Renamed by hand")
    assert number.marker is not None
    assert fingerprint_as_applied(number.bare, number.marker) == number.marker


def test_a_marker_that_covers_unknown_fields_proves_nothing() -> None:
    assert fingerprint_as_applied(BLANK, "80abcdef0123") is None


def test_one_surviving_marker_is_enough_and_the_majority_wins() -> None:
    stored = applied(wanted()).stored
    only_status = replace(stored, voice_url="https://elsewhere.example/", voice_fallback_url="")
    assert marker_of(only_status) == marker_of(stored)
    older = replace(stored, voice_url=add_marker(f"{PUBLIC_URL}/voice/front-desk", OTHER))
    assert marker_of(older) == marker_of(stored)


def test_settings_without_markers_are_those_that_were_wanted() -> None:
    desired = wanted()
    assert without_markers(desired.stored(PUBLIC_URL)) == desired.settings
