"""Arguments in addresses and bodies: encoded, typed, and never a way to somewhere else."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.templates import TemplateError, fill_body, fill_url, has_place_in_host, names_in

URL = "https://crm.example/bookings/{{ id }}?name={{name}}"
# What UTF-8 can carry.
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@given(TEXT.filter(lambda text: text not in (".", "..")), TEXT)
def test_whatever_an_argument_is_host_and_shape_of_the_address_stay(id_: str, name: str) -> None:
    parts = urlsplit(fill_url(URL, {"id": id_, "name": name}))
    assert parts.netloc == "crm.example"
    assert parts.fragment == ""
    assert [unquote(step) for step in parts.path.split("/")] == ["", "bookings", id_]
    assert parse_qsl(parts.query, keep_blank_values=True) == [("name", name)]


@pytest.mark.parametrize("id_", [".", ".."])
def test_an_argument_is_no_step_to_another_address(id_: str) -> None:
    with pytest.raises(TemplateError):
        fill_url(URL, {"id": id_, "name": "x"})


def test_what_is_missing_is_needed_in_the_path_and_empty_in_the_query() -> None:
    assert fill_url(URL, {"id": 7}) == "https://crm.example/bookings/7?name="
    with pytest.raises(TemplateError, match="id is needed"):
        fill_url(URL, {"name": "x"})


def test_an_object_does_not_fit_into_an_address() -> None:
    with pytest.raises(TemplateError, match="id must be a text or a number"):
        fill_url(URL, {"id": {"a": 1}})


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://{{ host }}/x", True),
        ("https://crm.example:{{ port }}/x", True),
        ("https://{{ user }}@crm.example", True),
        ("https://crm.example{{ x }}", True),
        ("https://crm.example/{{ x }}", False),
        ("https://crm.example?q={{ x }}", False),
    ],
)
def test_a_place_in_the_host_is_seen(url: str, inside: bool) -> None:
    assert has_place_in_host(url) is inside


def test_a_body_keeps_the_type_of_what_is_put_into_it() -> None:
    body = fill_body(
        {
            "party": "{{ size }}",
            "note": "for {{ name }}, {{ size }}",
            "tags": ["{{ tags }}", 1],
            "no": "{{ no }}",
        },
        {"size": 2, "name": "Ada {{ size }}", "tags": ["a"]},
    )
    assert body == {"party": 2, "note": "for Ada {{ size }}, 2", "tags": [["a"], 1], "no": None}


def test_the_names_of_a_template_are_found_wherever_they_stand() -> None:
    assert names_in({"a": ["{{ x }}", {"b": "{{y}} {{ z-1 }}"}], "c": 1}) == {"x", "y", "z-1"}
