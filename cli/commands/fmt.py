"""`tm fmt`: lays declarations out in the one way."""

from __future__ import annotations

from pathlib import Path

import click

from cli.options import agents_dir_option
from cli.terminal import err, show_error, write_document
from schemas.errors import TmError
from schemas.file_edits import FileEdit, read_text
from schemas.files import declaration_files
from schemas.formatting import formatted


@click.command("fmt")
@agents_dir_option
@click.option("--check", is_flag=True, help="Write nothing; end with 1 when a file is not laid out so.")
def command(agents_dir: Path, check: bool) -> int:
    """Put the fields of each document into the usual order, with their comments.

    What the files declare never changes; a file for which that cannot be known is left alone and named.
    """
    paths, findings = declaration_files(agents_dir)
    for finding in findings:
        err().print(str(finding))
    failed = bool(findings)
    lines = []
    for path in paths:
        try:
            edit = _edit(path)
            if edit.after == edit.before:
                continue
            if not check:
                edit.write()
            lines.append(f"{'not formatted:' if check else 'formatted'} {path}")
        except TmError as error:
            failed = True
            show_error(TmError(f"left as it is: {error.message}", hint=error.hint, place=error.place))
    write_document("\n".join(lines or [f"{_count(len(paths))}: nothing to format"]))
    return 1 if failed or (check and lines) else 0


def _edit(path: Path) -> FileEdit:
    before = read_text(path)
    return FileEdit(path, before, formatted(before, str(path)))


def _count(files: int) -> str:
    return f"{files} file{'' if files == 1 else 's'}"
