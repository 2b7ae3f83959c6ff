"""`tm init`: writes a first fleet."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import click

from cli.first_fleet import first_fleet
from cli.terminal import write_document
from schemas.errors import TmError

_NEXT = """
Next:
  1. Put your Twilio number into agents.d/front-desk.yaml.
  2. Set TM_PUBLIC_URL, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and OPENAI_API_KEY.
  3. tm validate    checks the files, offline
     tm plan        shows what would change in the account
     tm serve       answers the calls
     tm apply       changes it, once tm serve answers
No account yet? tm demo shows it all on this machine."""


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".", metavar="[DIR]")
def command(directory: Path) -> None:
    """Write a first fleet, a CI workflow and editor settings to DIR.

    A file that exists is left as it is.
    """
    try:
        lines = [_write(directory, path, text) for path, text in first_fleet().items()]
    except OSError as error:
        raise TmError(f"cannot write {error.filename}: {error.strerror}") from None
    write_document("\n".join([*lines, _NEXT]))


def _write(directory: Path, path: PurePosixPath, text: str) -> str:
    """Write one file unless it exists, and return the line that says what was done."""
    file = directory / path
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        return f"left   {file} (exists)"
    return f"wrote  {file}"
