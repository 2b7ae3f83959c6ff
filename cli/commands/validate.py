"""`tm validate`: checks the declarations offline."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from cli.diagnostics import Check, as_github, as_json, as_sarif, as_text
from cli.options import agents_dir_option, environ_option
from cli.terminal import write_document
from schemas import Diagnostic, MissingFolder, load_fleet
from schemas.codes import MISSING_FOLDER


@click.command("validate")
@agents_dir_option
@environ_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="What to write to stdout.",
)
def command(agents_dir: Path, environ: Mapping[str, str], output_format: str) -> int:
    """Check every file of the declarations and report all mistakes at once.

    Needs neither a network nor secrets: a variable that is not set is a warning. Ends with 1 when
    there are errors.
    """
    check = _check(agents_dir, environ)
    if output_format == "json":
        write_document(as_json(check))
    elif output_format == "sarif":
        write_document(as_sarif(check))
    elif output_format == "github":
        write_document(as_github(check))
    else:
        write_document(as_text(check, snippets=sys.stdout.isatty()))
    return 1 if check.errors else 0


def _check(folder: Path, environ: Mapping[str, str]) -> Check:
    try:
        loaded = load_fleet(folder, environ, offline=True)
    except MissingFolder as missing:
        message = f"{missing.message}; {missing.hint}"
        return Check([Diagnostic("error", MISSING_FOLDER, message, None)], agents=0, numbers=0)
    return Check(loaded.diagnostics, loaded.agents, loaded.numbers)
