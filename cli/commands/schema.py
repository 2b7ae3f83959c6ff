"""`tm schema`: writes the JSON Schemas that editors use."""

from __future__ import annotations

from pathlib import Path

import click

from cli.terminal import write_document
from schemas.errors import TmError
from schemas.json_schema import schema_files


@click.command("schema")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path),
    default="schemas/json",
    show_default=True,
    help="Folder to write to.",
)
@click.option("--check", is_flag=True, help="Write nothing; end with 1 when a file is not current.")
def command(folder: Path, check: bool) -> int:
    """Write one JSON Schema for each kind, and agents.d.json for any document."""
    stale = {name: text for name, text in schema_files().items() if _content(folder / name) != text}
    if check:
        lines = [f"not current: {folder / name}" for name in stale] or ["all current"]
    else:
        _write(folder, stale)
        lines = [f"wrote {folder / name}" for name in stale] or ["all current, nothing written"]
    write_document("\n".join(lines))
    return 1 if check and stale else 0


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise TmError(f"cannot write to {folder}: {error.strerror}") from None
