"""The documentation says what is there: links lead somewhere; commands, options and named tests exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from cli.main import COMMANDS, tm

PROJECT = Path(__file__).parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])


def named(page: Path) -> str:
    return str(page.relative_to(PROJECT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def commands_in(text: str) -> set[tuple[str, str]]:
    """Every `tm COMMAND …` in code, with its line; comments after two spaces and a # do not count."""
    code = re.findall(r"```.*?\n(.*?)```", text, re.DOTALL) + re.findall(r"`(tm [^`\n]+)`", text)
    lines = [line.split("  #")[0] for block in code for line in block.splitlines()]
    return {
        (match[1], match[2])
        for line in lines
        for match in re.finditer(r"(?:^|&& |\$ |; )tm ([a-z]+)((?: [^&|;]*)?)", line)
    }


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_and_option_exists(page: Path) -> None:
    context = click.Context(tm)
    for name, rest in commands_in(page.read_text()):
        assert name in COMMANDS, f"tm {name}"
        command = tm.get_command(context, name)
        assert command is not None
        known = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        used = {word.split("=")[0] for word in rest.split() if re.match(r"--[a-z]", word)}
        assert used <= known | {"--help"}, f"tm {name} {shlex.quote(rest)}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert any(f"tm {name}" in page.read_text() for page in PAGES)


def test_tests_that_the_pages_name_exist() -> None:
    files = [*PROJECT.glob("tests/**/*.py")]
    suite = "".join(path.read_text() for path in files)
    known = {path.stem for path in files} | set(re.findall(r"def (test_\w+)\(", suite))
    wanted = {test for page in PAGES for test in re.findall(r"\btest_[a-z0-9_]{12,}", page.read_text())}
    assert sorted(wanted - known) == []


@pytest.mark.parametrize("page", ["promises.md", "call-promises.md"])
def test_every_complaint_names_a_test_a_benchmark_or_the_reason_why_there_is_none(page: str) -> None:
    rows = [line for line in (PROJECT / "docs" / page).read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    assert [
        row for row in rows if not re.search(r"`test_|`bench/|cannot|no .* file", row.rsplit(" | ", 1)[1])
    ] == []
