"""Declarations changed in place: the values asked for, and not a character more."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.editing import edited, possible_edits
from schemas.edits import AddNumbers, CannotEdit, Edit, SetValues
from schemas.errors import TmError
from schemas.file_edits import FileEdit, read_text
from schemas.source import SourceList, SourceMap
from schemas.writing import scalar
from schemas.yaml_source import read_documents

FIRST, SECOND, NEW = "+14155550123", "+14155550124", "+14155550130"


def renamed(text: str, name: str = "New", number: str = FIRST) -> str:
    return edited(text, "fleet.yaml", [SetValues("a", number, {"friendly_name": name})])


def with_new(text: str, known: int, **fields: str | bool) -> str:
    return edited(text, "fleet.yaml", [AddNumbers("a", [{"number": NEW, **fields}], known)])


def agent(numbers: str) -> str:
    return f"# A\nkind: Agent\nname: a   # short\n{numbers}\n\ninstructions: |\n  Say   this.\n# end\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"numbers: [{{number: {FIRST}, friendly_name: Old}}] # x",
            f"numbers: [{{number: {FIRST}, friendly_name: New}}] # x",
        ),
        (f'numbers: {{number: "{FIRST}"}}', f'numbers: {{number: "{FIRST}", friendly_name: New}}'),
        (f"numbers: {FIRST}  # x", f"numbers: {{number: {FIRST}, friendly_name: New}}  # x"),
        (
            f"numbers: [ {SECOND},\n  '{FIRST}' ,]",
            f"numbers: [ {SECOND},\n  {{number: '{FIRST}', friendly_name: New}} ,]",
        ),
        (
            f"numbers:\n- {FIRST}  # x\n- {SECOND}",
            f"numbers:\n- number: {FIRST}  # x\n  friendly_name: New\n- {SECOND}",
        ),
        (
            f"numbers:\n  - friendly_name:   'Old'   # why\n    number: {FIRST}",
            f"numbers:\n  - friendly_name:   New   # why\n    number: {FIRST}",
        ),
        (
            f"numbers:\n  - number: {FIRST}\n    friendly_name:",
            f"numbers:\n  - number: {FIRST}\n    friendly_name: New",
        ),
        (
            f"numbers:\n  - number: {FIRST}\n    friendly_name: >-\n      Old\n      name\n  - {SECOND}",
            f"numbers:\n  - number: {FIRST}\n    friendly_name: New\n  - {SECOND}",
        ),
    ],
)
def test_a_value_is_set_in_every_way_to_write_numbers(before: str, after: str) -> None:
    assert renamed(agent(before)) == agent(after)


@pytest.mark.parametrize(
    ("before", "known", "after"),
    [
        (f"numbers: [{FIRST}, {SECOND},] # x", 2, f"numbers: [{FIRST}, {SECOND}, {NEW},] # x"),
        (f"numbers: {FIRST} # x", 1, f"numbers: [{FIRST}, {NEW}] # x"),
        ("numbers: [ ]", 0, f"numbers: [{NEW}]"),
        ("numbers:   # none yet", 0, f"numbers: [{NEW}]   # none yet"),
        (
            f"numbers:\n    - {FIRST}   # x\n    # y",
            1,
            f"numbers:\n    - {FIRST}   # x\n    - {NEW}\n    # y",
        ),
        (
            f"numbers:\n- number: {FIRST}\n  friendly_name: |-\n    Old\n# y",
            1,
            f"numbers:\n- number: {FIRST}\n  friendly_name: |-\n    Old\n- {NEW}\n# y",
        ),
    ],
)
def test_a_number_is_added_in_every_way_to_write_numbers(before: str, known: int, after: str) -> None:
    assert with_new(agent(before), known) == agent(after)


def test_an_agent_without_numbers_gets_a_list_below_its_name() -> None:
    text = with_new(agent("voice: {}"), 0, friendly_name="Desk")
    lines = ["name: a   # short", "numbers:", f"  - number: {NEW}", "    friendly_name: Desk", "voice: {}"]
    assert "\n".join(lines) in text
    assert with_new("{kind: Agent, name: a, instructions: x}", 0) == (
        f"{{kind: Agent, name: a, numbers: [{NEW}], instructions: x}}"
    )


def test_line_ends_and_byte_order_mark_stay() -> None:
    text = "\ufeff" + agent(f"numbers:\n  - {FIRST}").replace("\n", "\r\n")
    after = renamed(text)
    assert after.startswith("\ufeff#")
    assert after.count("\n") == after.count("\r\n") == text.count("\n") + 1


def test_a_file_without_a_last_newline_can_be_edited() -> None:
    text = f"kind: Agent\ninstructions: x\nname: a\nnumbers:\n- {FIRST}"
    assert with_new(text, 1) == f"{text}\n- {NEW}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (agent(f"numbers: [{{number: {FIRST}, friendly_name: '${{env:NAME}}'}}]"), "reference"),
        (agent(f"numbers: [{SECOND}]"), "does not name"),
        (f"kind: Agent\nname: b\nnumbers: {FIRST}\n", "does not declare"),
        (f"x: &numbers [{FIRST}]\nkind: Agent\nname: a\nnumbers: *numbers\n", "cannot be changed"),
        (f"x: &base {{numbers: {FIRST}}}\nkind: Agent\nname: a\n<<: *base\n", "does not name"),
        ("kind: [", "not valid YAML"),
    ],
)
def test_what_would_change_something_else_is_refused(text: str, reason: str) -> None:
    with pytest.raises(CannotEdit, match=reason):
        renamed(text)


def test_numbers_that_come_from_elsewhere_are_not_hidden_by_a_new_list() -> None:
    with pytest.raises(CannotEdit, match="do not all stand"):
        with_new(agent("voice: {}"), known=2)


def test_edits_that_are_possible_are_told_from_those_that_are_not() -> None:
    good, bad = SetValues("a", FIRST, {"region": "ie1"}), SetValues("a", SECOND, {"region": "ie1"})
    possible, impossible = possible_edits(agent(f"numbers: {FIRST}"), "fleet.yaml", [good, bad])
    assert possible == [good]
    assert [edit for edit, _ in impossible] == [bad]


def test_many_edits_of_one_file_are_made_together() -> None:
    edits: list[Edit] = [
        SetValues("a", FIRST, {"friendly_name": "x"}),
        SetValues("a", SECOND, {"friendly_name": "z"}),
    ]
    edits.append(AddNumbers("a", [{"number": NEW}], 2))
    text = edited(agent(f"numbers:\n  - {FIRST}\n  - {SECOND} # two"), "fleet.yaml", edits)
    assert [line for line in text.splitlines() if "friendly" in line or NEW in line] == [
        "    friendly_name: x", "    friendly_name: z", f"  - {NEW}",
    ]  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_is_written_so_that_it_is_read_again(value: str) -> None:
    (document,) = read_documents(f"value: {scalar(value)}\n", "x.yaml", lambda finding: None)
    assert str(getattr(document["value"], "text", document["value"])) == value


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.booleans())
def test_any_name_is_set_or_refused_and_nothing_else_changes(value: str, flow: bool) -> None:
    numbers = f"numbers: [{FIRST}]" if flow else f"numbers:\n  - {FIRST}"
    text = agent(numbers)
    try:
        after = renamed(text, value)
    except CannotEdit:
        assert "${" in value
        return
    (document,) = read_documents(after, "x.yaml", lambda finding: None)
    numbers_after = document["numbers"]
    assert isinstance(numbers_after, SourceList)
    (entry,) = numbers_after
    assert isinstance(entry, SourceMap)
    assert entry["friendly_name"] == value
    assert after.splitlines()[-4:] == text.splitlines()[-4:]


def test_a_file_that_changed_in_the_meantime_is_left_as_it_is() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "fleet.yaml"
        path.write_text("kind: Agent\n")
        edit = FileEdit(path, "kind: Hold\n", "kind: Agent\nname: a\n")
        with pytest.raises(TmError, match="changed in the meantime"):
            edit.write()
        assert read_text(path) == "kind: Agent\n"


def test_a_written_file_keeps_its_permissions_and_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_bytes(b"a: 1\r\n")
    real.chmod(0o640)
    link.symlink_to(real)
    FileEdit(link, "a: 1\r\n", "a: 2\r\n").write()
    assert link.is_symlink()
    assert real.read_bytes() == b"a: 2\r\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]


def test_a_new_file_never_takes_the_place_of_another(tmp_path: Path) -> None:
    edit = FileEdit(tmp_path / "new" / "a.yaml", None, "a: 1\n")
    edit.write()
    assert edit.diff().startswith("--- /dev/null\n+++ ")
    with pytest.raises(TmError, match="exists already"):
        edit.write()
