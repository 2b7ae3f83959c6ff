"""`tm apply`: makes the account equal to the declarations, or applies a saved plan exactly."""

from __future__ import annotations

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
from cli.outputs import Form, format_option, write_report, write_report_failure
from cli.reconciling import (
    RunFailedError,
    adopt_option,
    check_routing_option,
    planned,
    prune_option,
    reviewed,
    target_option,
)
from reconciler.applying.leftovers import left_over, only
from reconciler.planning.make import Wishes
from reconciler.planning.plan import Plan
from schemas.errors import TmError


@click.command("apply")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@agents_dir_option
@environ_option
@format_option
@click.option("--yes", is_flag=True, help="Do not ask; needed without a terminal, not with FILE.")
@target_option
@adopt_option
@prune_option
@check_routing_option
@applying_options
@click.option(
    "--skip-preflight",
    is_flag=True,
    help="Do not check that somebody answers at a URL before it is given out.",
)
@click.option(
    "--only-failed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="REPORT",
    help="Only the numbers that a JSON report names as failed, stale or not attempted.",
)
def command(
    file: Path | None,
    agents_dir: Path,
    environ: Mapping[str, str],
    form: Form,
    yes: bool,
    target: tuple[str, ...],
    adopt: tuple[str, ...],
    prune: bool,
    check_routing: bool,
    manner: Manner,
    skip_preflight: bool,
    only_failed: Path | None,
) -> int:
    """Make the Twilio account equal to the declarations, or apply the saved plan FILE.

    Numbers are never bought, released or transferred. What happens to one number stops no other.
    """
    wishes = Wishes(target, adopt, prune, check_routing)
    if file is not None and wishes != Wishes():
        told = "--target, --adopt, --prune and --check-routing belong to the plan: give them to tm plan --out"
        raise click.UsageError(told)
    now = datetime.now(UTC)
    asks = file is None and not yes
    try:
        require_somebody_to_ask(asks=asks)
        fleet, plan = (
            reviewed(agents_dir, file, environ) if file else planned(agents_dir, wishes, environ, now)
        )
        plan = _limited(plan, only_failed)
        require_allowed(plan, manner.allowed)
        require_agreement(plan, asks=asks)
        report = applied(plan, fleet, environ, now, manner.conduct(preflight=not skip_preflight))
    except RunFailedError as failure:
        write_report_failure(failure, form)
        return exit_code_of(failure)
    write_report(report, form)
    return report.exit_code


def _limited(plan: Plan, only_failed: Path | None) -> Plan:
    """Return what of a plan a former run left undone. Raises RunFailedError."""
    if only_failed is None:
        return plan
    try:
        return only(plan, left_over(only_failed))
    except TmError as error:
        raise RunFailedError(error, plan_id=plan.plan_id) from error
