"""`tm rollback`: takes back what a run wrote, as its journal has it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.applying import (
    Manner,
    applied,
    applying_options,
    exit_code_of,
    require_agreement,
    require_allowed,
    require_somebody_to_ask,
)
from cli.options import agents_dir_option, environ_option
from cli.outputs import (
    Form,
    format_option,
    write_plan,
    write_plan_failure,
    write_report,
    write_report_failure,
)
from cli.reconciling import RunFailedError, declared
from reconciler.applying.recorded import read_journal
from reconciler.applying.report import EXIT_INTERRUPTED, EXIT_OK
from reconciler.planning.plan import Plan
from reconciler.runs import rollback_run
from schemas.errors import TmError
from schemas.fleet import Fleet

_TITLE = "Rollback"


@click.command("rollback")
@click.argument("journal", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@agents_dir_option
@environ_option
@format_option
@click.option("--yes", is_flag=True, help="Do not ask; needed without a terminal.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and write nothing.")
@applying_options
def command(
    journal: Path,
    agents_dir: Path,
    environ: Mapping[str, str],
    form: Form,
    yes: bool,
    dry_run: bool,
    manner: Manner,
) -> int:
    """Put numbers back as the run of JOURNAL found them, unless they were changed since.

    Journals are in .tm/journal (TM_STATE_DIR moves it), one for each run that wrote anything. Taking
    back is a run too, with a journal of its own.
    """
    now = datetime.now(UTC)
    asks = not (yes or dry_run)
    try:
        require_somebody_to_ask(asks=asks)
        fleet, plan = _planned(journal, agents_dir, environ, now)
        if dry_run:
            write_plan(plan, form, title=_TITLE)
            return EXIT_OK
        require_allowed(plan, manner.allowed)
        require_agreement(plan, asks=asks)
        report = applied(plan, fleet, environ, now, manner.conduct(preflight=False))
    except RunFailedError as failure:
        if dry_run:
            write_plan_failure(failure, form, now, title=_TITLE)
        else:
            write_report_failure(failure, form, title=_TITLE)
        return exit_code_of(failure)
    write_report(report, form, title=_TITLE)
    return report.exit_code


def _planned(
    journal: Path, agents_dir: Path, environ: Mapping[str, str], now: datetime
) -> tuple[Fleet, Plan]:
    """Read the journal and the accounts. Raises RunFailedError."""
    fleet, _ = declared(agents_dir, environ)
    try:
        return fleet, asyncio.run(rollback_run(read_journal(journal), journal, fleet, environ, now))
    except TmError as error:
        raise RunFailedError(error) from error
    except KeyboardInterrupt as interrupt:
        raise RunFailedError(TmError("interrupted; nothing was written"), EXIT_INTERRUPTED) from interrupt
