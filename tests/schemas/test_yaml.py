"""What YAML may look like, and what is said when it cannot be read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from schemas import MissingFolder, load_fleet
from tests.schemas.fleets import Folder, agent


def test_an_unquoted_phone_number_keeps_its_plus(folder: Folder) -> None:
    folder.write(agent("numbers: [+14155550123]"))
    assert folder.fleet().agents["front-desk"].numbers[0].number == "+14155550123"


@pytest.mark.parametrize(
    "word", ["no", "on", "off", "yes", "1.10", "0123", "1:30", "2026-01-01", "0x1F", "1e3"]
)
def test_an_unquoted_word_stays_what_was_typed(folder: Folder, word: str) -> None:
    folder.write(agent(f"greeting: {word}"))
    assert folder.fleet().agents["front-desk"].greeting == word


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("on", True), ("no", False), ("False", False)])
def test_a_switch_takes_the_words_that_yaml_takes(folder: Folder, word: str, value: bool) -> None:
    folder.write(agent(f"takeover: {word}"))
    assert folder.fleet().agents["front-desk"].takeover is value


def test_an_empty_value_is_a_field_that_is_not_set(folder: Folder) -> None:
    folder.write(agent("greeting:\nnumbers: null\nmax_call_seconds: ~"))
    declared = folder.fleet().agents["front-desk"]
    assert (declared.greeting, declared.numbers, declared.max_call_seconds) == (None, (), 600)


def test_a_file_holds_several_documents_and_subfolders_are_read(folder: Folder) -> None:
    folder.write(agent("---\nkind: Agent\nname: second\ninstructions: x\n"))
    folder.write("kind: Agent\nname: third\ninstructions: x\n", "deeper/still/third.yml")
    assert set(folder.fleet().agents) == {"front-desk", "second", "third"}


def test_other_and_hidden_files_are_not_read(folder: Folder) -> None:
    for name in ("notes.txt", ".hidden.yaml", ".git/config.yaml", "agent.yaml~", "agent.json"):
        folder.write("nonsense: [", name)
    assert folder.findings() == []


def test_anchors_and_merge_keys_work_and_keep_their_places(folder: Folder) -> None:
    folder.write("""\
        kind: Agent
        name: first
        instructions: x
        voice: &voice
          name: cedar
          model: gpt-realtime-2
        ---
        kind: Agent
        name: second
        instructions: x
        voice: {<<: {name: ash, model: gpt-realtime-2}, name: cedarr}
        """)
    assert folder.findings() == [
        'fleet.yaml:11:55 TM023 there is no Realtime voice "cedarr"; did you mean "cedar"?'
    ]


def test_an_alias_repeats_its_value(folder: Folder) -> None:
    folder.write(agent("greeting: &words Hello\ndescription: *words"))
    declared = folder.fleet().agents["front-desk"]
    assert declared.greeting == declared.description == "Hello"


def test_a_byte_order_mark_and_windows_line_ends_are_fine(folder: Folder) -> None:
    text = "\ufeff" + agent("greeting: Grüezi\n").replace("\n", "\r\n")
    (folder.path / "a.yaml").write_bytes(text.encode())
    assert folder.fleet().agents["front-desk"].greeting == "Grüezi"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"kind: Agent\nname: [x\n", "a.yaml:3:1 TM003 did not find expected ',' or ']'"),
        (b"kind: Agent\n\tname: x\n", "a.yaml:2:1 TM003 tab in the indentation; use spaces"),
        (b"kind: Agent\nname: x\nname: y\ninstructions: z\n", 'a.yaml:3:1 TM004 "name" stands twice'),
        (b"kind: Agent\nname: \xff\n", "a.yaml:2:7 TM002 not UTF-8: byte 0xff"),
        (b"kind: Agent\nname: \x07\n", "a.yaml:2:7 TM003 control characters are not allowed"),
        (b"kind: Agent\nname: *nobody\n", "a.yaml:2:7 TM003 found undefined alias"),
        (b"kind: Agent\nname: !!python/name:os.system x\n", "a.yaml:2:7 TM005 tags such as"),
        (b"kind: Agent\n? [a]\n: b\n", "a.yaml:2:3 TM005 a key must be a text"),
        (b"&a [*a]\n", "a.yaml:1:1 TM005 nested too deeply"),
        (b"[" * 100_000, "a.yaml:1:1 TM005 nested too deeply"),
        (b"- " * 100_000, "a.yaml:1:1 TM005 nested too deeply"),
        (b"- a list\n", "a.yaml:1:1 TM010 a document is a mapping"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
def test_a_file_that_cannot_be_read_is_one_error_and_the_others_are_checked(
    folder: Folder, content: bytes, expected: str
) -> None:
    (folder.path / "a.yaml").write_bytes(content)
    folder.write(agent("gretting: Hi"), "b.yaml")
    first, second = folder.findings()
    assert first.startswith(expected)
    assert second.startswith("b.yaml:4:1 TM020")


def test_an_alias_bomb_is_an_error_and_not_a_memory_hole(folder: Folder) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    folder.write("kind: Agent\nname: x\nl0: &l0 [x]\n" + levels)
    (finding,) = folder.findings()
    assert "TM005 too many values in one document" in finding


def test_documents_before_a_syntax_error_are_checked(folder: Folder) -> None:
    folder.write(agent("gretting: Hi\n---\nkind: [\n"))
    assert [line.split()[1] for line in folder.findings()] == ["TM020", "TM003"]


def test_links_in_a_circle_and_broken_links_do_not_crash(folder: Folder) -> None:
    folder.write(agent(""))
    (folder.path / "loop").symlink_to(folder.path)
    (folder.path / "self.yaml").symlink_to(folder.path / "self.yaml")
    (folder.path / "gone.yaml").symlink_to(folder.path / "nowhere")
    assert [line[:21] for line in folder.findings()] == ["gone.yaml:1:1 TM001 c", "self.yaml:1:1 TM001 c"]


def test_a_file_name_that_cannot_be_shown_is_one_error(folder: Folder) -> None:
    os.close(os.open(os.fsencode(folder.path) + b"/\xff.yaml", os.O_CREAT))
    folder.write(agent(""), "line\nbreak.yaml")
    assert [found.code for found in folder.load().diagnostics] == ["TM001", "TM001"]
    assert all(line.isprintable() for line in folder.findings())


def test_a_folder_or_a_pipe_named_like_a_file_is_passed_over_or_reported(folder: Folder) -> None:
    (folder.path / "folder.yaml").mkdir()
    os.mkfifo(folder.path / "pipe.yaml")
    assert folder.findings() == ["pipe.yaml:1:1 TM001 is not a file"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_one_error(folder: Folder) -> None:
    folder.write(agent(""))
    (folder.path / "fleet.yaml").chmod(0)
    assert folder.findings() == ["fleet.yaml:1:1 TM001 cannot be read: Permission denied"]


def test_a_missing_folder_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(MissingFolder) as caught:
        load_fleet(tmp_path / "nowhere", {})
    assert "tm init" in (caught.value.hint or "")


def test_an_empty_folder_is_an_empty_fleet(folder: Folder) -> None:
    fleet = folder.fleet({})
    assert (fleet.agents, fleet.accounts, fleet.numbers()) == ({}, {}, ())
