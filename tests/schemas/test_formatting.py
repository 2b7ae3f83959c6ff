"""The one layout: what is moved, what stays, and that nothing changes its meaning."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Fleet
from schemas.formatting import CannotFormat, formatted
from tests.schemas.fleets import Folder


def laid_out(text: str) -> str:
    """The text in the one layout, which is its own layout."""
    result = formatted(dedent(text), "x.yaml")
    assert formatted(result, "x.yaml") == result
    return result


def test_fields_come_in_the_order_of_the_language_with_their_comments() -> None:
    assert laid_out(
        """\
        # yaml-language-server: $schema=x.json
        # what it says first
        greeting: Hello  # friendly

        # who may call
        allow_callers:
          - +14155550100
          # the boss
          - +14155550101
          # - +14155550102
        name: desk
        instructions: |
          Be kind.
          # not a comment

        kind: Agent
        # the end
        """
    ) == dedent(
        """\
        # yaml-language-server: $schema=x.json
        kind: Agent
        name: desk
        # what it says first
        greeting: Hello  # friendly

        # who may call
        allow_callers:
          - +14155550100
          # the boss
          - +14155550101
          # - +14155550102
        instructions: |
          Be kind.
          # not a comment
        # the end
        """
    )


def test_a_heading_above_a_blank_line_stays_on_top() -> None:
    text = "# The desk.\n\n# its name\nname: desk\nkind: Hold\nstrategy: none\n"
    assert laid_out(text) == "# The desk.\n\nkind: Hold\n# its name\nname: desk\nstrategy: none\n"


def test_documents_are_parted_by_three_dashes_and_blank_lines_are_few() -> None:
    text = "---\n\nkind: Hold\nname: a\n\n\n\nstrategy: none\n\n---\n---\nkind: Hold\nname: b\nstrategy: none"
    assert laid_out(text) == (
        "kind: Hold\nname: a\n\nstrategy: none\n---\nkind: Hold\nname: b\nstrategy: none\n"
    )


def test_phone_numbers_lose_their_quotes_and_nothing_else_does() -> None:
    text = """\
        kind: Agent
        name: desk
        numbers: ["+14155550100", {number: '+14155550101', friendly_name: "yes"}]
        greeting: "+1 415 555"
        allow_callers: ["+1415*", "staff"]
        instructions: "+14155550100"  # "+14155550100"
        """
    result = laid_out(text)
    assert 'numbers: [+14155550100, {number: +14155550101, friendly_name: "yes"}]' in result
    assert 'greeting: "+1 415 555"' in result
    assert 'allow_callers: ["+1415*", "staff"]' in result
    assert 'instructions: +14155550100  # "+14155550100"' in result


def test_unknown_keys_and_kinds_keep_their_order_at_the_end() -> None:
    assert (
        laid_out("zeta: 1\nalpha: 2\nname: x\nkind: Nonsense\n")
        == "kind: Nonsense\nname: x\nzeta: 1\nalpha: 2\n"
    )


def test_windows_line_ends_become_plain_ones() -> None:
    assert laid_out("name: a\r\nkind: Hold\r\nstrategy: none\r\n") == "kind: Hold\nname: a\nstrategy: none\n"


def test_a_comment_within_a_value_is_not_taken_for_the_next_fields() -> None:
    callers = "allow_callers: [\n+1415*,\n# the boss\n+14155550100 ]\n"
    text = f"name: a\n{callers}# own\nkind: Agent\ninstructions: x\n"
    assert laid_out(text) == f"# own\nkind: Agent\nname: a\n{callers}instructions: x\n"


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("kind: [", "x.yaml:2:1", "did not find"),
        ("kind: Agent\nkind: Hold\n", "x.yaml:2:1", '"kind" stands twice'),
        ("greeting: &n desk\nname: *n\nkind: Agent\n", "x.yaml:1:1", "without changing what it says"),
        ("greeting: |+\n  Hello\n\nname: desk\nkind: Agent\n", "x.yaml:1:1", "without changing what it says"),
        ("? greeting\n: Hello\n? name\n: desk\n", "x.yaml:1:1", "must begin its line"),
        ("%YAML 1.2\n---\nkind: Agent\n", "x.yaml:1:1", "directive"),
        ("kind: Agent\n...\n", "x.yaml:2:1", "marker"),
        ('greeting: "a\u2028b"\nkind: Agent\n', "x.yaml:1:1", "unusual line breaks"),
    ],
)
def test_what_cannot_be_moved_safely_is_left_alone_and_named(text: str, place: str, reason: str) -> None:
    with pytest.raises(CannotFormat, match=reason) as caught:
        formatted(text, "x.yaml")
    assert str(caught.value.place) == place


PHRASES = st.sampled_from(
    [
        "hello there",
        "no",
        "1.10",
        "+14155550123",
        "a # b",
        "x: y",
        "- z",
        "${env:A:-b}",
        "Grüezi",
        "two\nlines",
        " ",
    ]
)
FIELDS = st.fixed_dictionaries(
    {"instructions": PHRASES, "kind": st.just("Agent"), "name": st.just("x")},
    optional={
        "greeting": PHRASES,
        "description": PHRASES,
        "numbers": st.lists(st.sampled_from(["+14155550100", "+14155550101"]), unique=True, max_size=2),
        "voice": st.just({"name": "ash", "mode": "realtime"}),
        "max_call_seconds": st.integers(10, 14400),
        "allow_callers": st.lists(st.sampled_from(["+1415*", "+14155550107"]), max_size=2),
        "after_call": st.recursive(
            PHRASES, lambda inner: st.lists(inner, min_size=1, max_size=2), max_leaves=3
        ),
    },
)
STYLES = st.sampled_from(["flow", "block", "literal"])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """An agent as somebody might have typed it: any order, any style, comments everywhere."""
    lines: list[str] = []
    for key, value in draw(st.permutations(list(draw(FIELDS).items()))):
        lines += draw(st.lists(st.sampled_from(["", "# note", "  # deep", "#", "   "]), max_size=2))
        lines += written(key, value, "flow" if key in ("kind", "name") else draw(STYLES))
        lines += draw(st.lists(st.sampled_from(["", "  # below"]), max_size=1))
    return "\n".join([*lines, *draw(st.lists(st.sampled_from(["", "# end"]), max_size=2))])


def written(key: str, value: object, style: str) -> list[str]:
    if style == "literal" and isinstance(value, str) and value.strip():
        return [f"{key}: |-", *(f"  {line}" for line in value.split("\n"))]
    if style == "block" and isinstance(value, list) and value:
        return [f"{key}:", *(f"- {json.dumps(item, ensure_ascii=False)}" for item in value)]
    if style == "block" and isinstance(value, dict):
        return [f"{key}:", *(f"    {name}: {json.dumps(item)}" for name, item in value.items())]
    return [f"{key}: {json.dumps(value, ensure_ascii=False)}"]


def comments(text: str) -> list[str]:
    return sorted(line.strip() for line in text.split("\n") if line.lstrip().startswith("#"))


def fleet(text: str) -> Fleet:
    with tempfile.TemporaryDirectory() as name:
        return Folder(Path(name)).write(text).fleet()


def declared(text: str) -> object:
    loaded = fleet(text)
    return loaded.service, dict(loaded.agents)


@settings(deadline=None, max_examples=120)
@given(documents())
def test_whatever_is_laid_out_declares_the_same_and_keeps_its_comments(text: str) -> None:
    result = laid_out(text)
    assert declared(result) == declared(text)
    assert comments(result) == comments(text)
    keys = [line.split(":")[0] for line in result.split("\n") if line[:1].isalpha()]
    assert keys[:2] == ["kind", "name"]


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from(" \n#-:|>{}[],'\"abk&*!%?~+1"), max_size=40))
def test_whatever_text_it_is_given_it_answers_with_a_layout_or_a_reason(text: str) -> None:
    try:
        laid_out(text)
    except CannotFormat as error:
        assert error.place is not None
