"""`tm import`: writes declarations for what a live account has."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.options import agents_dir_option, environ_option
from cli.reconciling import RunFailedError, declared
from cli.terminal import err, write_document
from reconciler.applying.report import EXIT_INTERRUPTED, EXIT_OK
from reconciler.output.printable import printable
from reconciler.runs import import_run
from schemas.errors import TmError
from schemas.file_edits import diff_of

if TYPE_CHECKING:
    from reconciler.importing.decisions import Imported
    from reconciler.importing.files import ImportFiles
    from schemas.fleet import Fleet


@click.command("import")
@agents_dir_option
@environ_option
@click.option("--dry-run", is_flag=True, help="Print the files as a diff, and write none.")
def command(agents_dir: Path, environ: Mapping[str, str], dry_run: bool) -> int:
    """Write declarations for the numbers of the Twilio account that no file declares yet.

    The account is only read, and tm plan finds nothing to do afterwards: numbers that are not ours are
    declared with inbound: false, which leaves them as they are.
    """
    try:
        fleet = _fleet(agents_dir, environ)
        imported, written = _imported(fleet, agents_dir, environ)
        for item in written.left_out:
            err().print(f"not imported: {item.number}: {printable(item.reason)}")
        if dry_run:
            write_document(diff_of(written.files) or "Nothing to import: the files declare every number.")
            return EXIT_OK
        for file in written.files:
            file.write()
            err().print(f"wrote {file.path}")
    except (RunFailedError, TmError) as error:
        failure = RunFailedError(error) if isinstance(error, TmError) else error
        failure.show()
        write_document("The import ended with an error.")
        return failure.exit_code
    write_document(_summary(imported, written))
    return EXIT_OK


def _fleet(folder: Path, environ: Mapping[str, str]) -> Fleet:
    """Load what is declared so far; a folder that does not exist yet declares nothing."""
    if folder.exists():
        return declared(folder, environ)[0]
    with tempfile.TemporaryDirectory() as nothing:
        return declared(Path(nothing), environ)[0]


def _imported(fleet: Fleet, folder: Path, environ: Mapping[str, str]) -> tuple[Imported, ImportFiles]:
    try:
        return asyncio.run(import_run(fleet, folder, environ, datetime.now(UTC)))
    except KeyboardInterrupt as interrupt:
        raise RunFailedError(TmError("interrupted; nothing was written"), EXIT_INTERRUPTED) from interrupt


def _summary(imported: Imported, written: ImportFiles) -> str:
    """Say what was written: new files by name and size, changes of existing ones in full."""
    if not written.files:
        return "Nothing to import: the files declare every number."
    lines = []
    for agent in imported.agents:
        reaches = f" reaching {agent.reaches}" if agent.reaches is not None else ""
        lines.append(f"{agent.name}: {_counted(agent.entries, 'number')}{reaches}")
    changed = [file for file in written.files if file.before is not None]
    new = [file for file in written.files if file.before is None]
    head = ", ".join(
        f"{_counted(files, 'file')} {verb}"
        for files, verb in ((new, "written"), (changed, "added to"))
        if files
    )
    return "\n".join([head, *lines, *([diff_of(changed)] if changed else [])])


def _counted(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
