"""`tm explain`: where a value comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from cli.options import agents_dir_option, environ_option
from cli.provenance import as_json, as_text, error_as_json
from cli.terminal import write_document
from schemas import InvalidDeclarations, load_fleet
from schemas.entry import Entry
from schemas.errors import TmError
from schemas.provenance import FieldPath, Provenance, provenance
from schemas.suggestions import did_you_mean


@click.command("explain")
@click.argument("what", metavar="AGENT[.FIELD]")
@agents_dir_option
@environ_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the document on stdout.",
)
def command(what: str, agents_dir: Path, environ: Mapping[str, str], form: str) -> int:
    """Show the file and line that each value of an agent comes from, and what it won over.

    FIELD is a path such as voice.name or numbers.0.region. KIND/NAME in place of AGENT names any
    other document, such as Hold/one-moment.
    """
    try:
        entry, fields = _explained(what, agents_dir, environ)
    except TmError as error:
        if form == "json":
            write_document(error_as_json(error.message))
        raise
    write_document(as_json(entry, fields) if form == "json" else as_text(entry, fields))
    return 0


def _explained(what: str, folder: Path, environ: Mapping[str, str]) -> tuple[Entry, Sequence[Provenance]]:
    document, _, field = what.partition(".")
    kind, _, name = document.rpartition("/")
    loaded = load_fleet(folder, environ, offline=True)
    if loaded.fleet is None:
        raise InvalidDeclarations(loaded.diagnostics)
    entry = _found(loaded.fleet.entries, kind or "Agent", name)
    return entry, provenance(entry, _path(field))


def _found(entries: Mapping[tuple[str, str], Entry], kind: str, name: str) -> Entry:
    for (other_kind, other_name), entry in entries.items():
        if other_kind.lower() == kind.lower() and other_name == name:
            return entry
    names = [other for other_kind, other in entries if other_kind.lower() == kind.lower()]
    raise TmError(f'there is no {kind} "{name}"{did_you_mean(name, names)}')


def _path(field: str) -> FieldPath:
    """Turn `numbers.0.region` into its steps."""
    return tuple(int(step) if step.isdecimal() else step for step in field.split(".")) if field else ()
