"""`tm drift`: what somebody changed in the account by hand since it was applied."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.options import agents_dir_option, environ_option
from cli.outputs import Form, format_option, write_plan, write_plan_failure
from cli.reconciling import RunFailedError, declared, target_option
from cli.terminal import err, write_document
from reconciler.applying.report import EXIT_DIFFERENCES, EXIT_INTERRUPTED, EXIT_OK
from reconciler.drift.accepting import Acceptance, accept
from reconciler.drift.drifted import Drift, drift_document
from reconciler.output.documents import to_json
from reconciler.output.printable import printable
from reconciler.planning.make import Wishes
from reconciler.resource.settings import FIELD_NAMES
from reconciler.runs import drift_run
from schemas.errors import TmError
from schemas.file_edits import diff_of
from schemas.suggestions import did_you_mean


def _fields(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> frozenset[str]:
    """Check every `--ignore FIELD`: a misspelled one would ignore nothing, silently."""
    for name in given:
        if name not in FIELD_NAMES:
            raise click.BadParameter(f"there is no field {name!r}{did_you_mean(name, FIELD_NAMES)}")
    return frozenset(given)


@click.command("drift")
@agents_dir_option
@environ_option
@format_option
@target_option
@click.option(
    "--ignore",
    multiple=True,
    callback=_fields,
    metavar="FIELD",
    help="Do not count differences of this field; may be repeated.",
)
@click.option(
    "--exit-code",
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when there is drift; what is only pending does not count.",
)
@click.option("--who", is_flag=True, help="Ask Monitor Events who made the changes, when and from where.")
@click.option("--accept", "accepts", is_flag=True, help="Write the live values into the declarations.")
@click.option("--yes", is_flag=True, help="With --accept: do not ask; needed without a terminal.")
def command(
    agents_dir: Path,
    environ: Mapping[str, str],
    form: Form,
    target: tuple[str, ...],
    ignore: frozenset[str],
    exit_code: bool,
    who: bool,
    accepts: bool,
    yes: bool,
) -> int:
    """Show what was changed in the Twilio account by hand since it was applied.

    The account is only ever read. --accept changes the files so that they say what the account has.
    """
    if yes and not accepts:
        raise click.UsageError("--yes belongs to --accept")
    now = datetime.now(UTC)
    try:
        if accepts and not yes and not sys.stdin.isatty():
            raise RunFailedError(TmError("there is no terminal to ask on", hint="Accept unasked with --yes."))
        drift = _found(agents_dir, Wishes(target), environ, now, ignore, who=who)
        if accepts:
            _write_accepted(accept(drift.plan), asks=not yes)
            drift = _found(agents_dir, Wishes(target), environ, now, ignore, who=who)  # what is left
    except (RunFailedError, TmError) as error:
        failure = RunFailedError(error) if isinstance(error, TmError) else error
        write_plan_failure(failure, form, now, title="Drift")
        return failure.exit_code
    _write(drift, form)
    return EXIT_DIFFERENCES if exit_code and drift.plan.changes else EXIT_OK


def _found(
    folder: Path,
    wishes: Wishes,
    environ: Mapping[str, str],
    now: datetime,
    ignore: frozenset[str],
    *,
    who: bool,
) -> Drift:
    """Load the declarations and look for drift. Raises RunFailedError."""
    fleet, warnings = declared(folder, environ)
    try:
        drift = asyncio.run(drift_run(fleet, wishes, environ, now, ignore=ignore, who=who))
    except TmError as error:
        raise RunFailedError(error) from error
    except KeyboardInterrupt as interrupt:
        raise RunFailedError(TmError("interrupted; nothing was written"), EXIT_INTERRUPTED) from interrupt
    return replace(drift, plan=replace(drift.plan, diagnostics=(*warnings, *drift.plan.diagnostics)))


def _write(drift: Drift, form: Form) -> None:
    if form == "json":
        write_document(to_json(drift_document(drift)))
    else:
        write_plan(drift.noted(), form, title="Drift", summary=drift.summary)


def _write_accepted(acceptance: Acceptance, *, asks: bool) -> None:
    """Show what would be written and what cannot be, ask, and write it. Raises RunFailedError for a no."""
    console = err()
    for item in acceptance.left:
        console.print(f"not accepted: {item.number} {item.field}: {printable(item.reason)}")
    if acceptance.files:
        console.print(diff_of(acceptance.files), end="")
        if asks:
            _confirm()
    for file in acceptance.files:
        file.write()
        console.print(f"wrote {file.path}")


def _confirm() -> None:
    """Ask. Raises RunFailedError for a no."""
    try:
        agreed = click.confirm("Write these files?", err=True)
    except click.Abort as interrupt:
        raise RunFailedError(TmError("interrupted; nothing was written"), EXIT_INTERRUPTED) from interrupt
    if not agreed:
        raise RunFailedError(TmError("not confirmed; nothing was written"))
