"""`tm plan`: what differs between the declarations and the live account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.options import agents_dir_option, environ_option
from cli.outputs import Form, format_option, write_plan, write_plan_failure
from cli.reconciling import (
    RunFailedError,
    adopt_option,
    check_routing_option,
    planned,
    prune_option,
    target_option,
)
from reconciler.applying.report import EXIT_DIFFERENCES, EXIT_OK
from reconciler.planning.make import Wishes
from reconciler.planning.saved import save_plan
from schemas.errors import TmError


@click.command("plan")
@agents_dir_option
@environ_option
@format_option
@click.option(
    "--exit-code", "--detailed-exitcode", is_flag=True, help="Exit with 2 when there are differences."
)
@target_option
@adopt_option
@prune_option
@check_routing_option
@click.option(
    "--out",
    "saved",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also save the plan, for tm apply FILE.",
)
def command(
    agents_dir: Path,
    environ: Mapping[str, str],
    form: Form,
    exit_code: bool,
    target: tuple[str, ...],
    adopt: tuple[str, ...],
    prune: bool,
    check_routing: bool,
    saved: Path | None,
) -> int:
    """Show what differs from the live Twilio account. Nothing is written there."""
    now = datetime.now(UTC)
    try:
        wishes = Wishes(target, adopt, prune, check_routing)
        fleet, plan = planned(agents_dir, wishes, environ, now)
        if saved is not None:
            try:
                save_plan(saved, plan, fleet)
            except TmError as error:
                raise RunFailedError(error) from error
    except RunFailedError as failure:
        write_plan_failure(failure, form, now)
        return failure.exit_code
    write_plan(plan, form)
    return EXIT_DIFFERENCES if exit_code and plan.changes else EXIT_OK
