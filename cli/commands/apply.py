"""`tm apply`: makes the account equal to the declarations, or applies a saved plan exactly."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.options import agents_dir_option, environ_option
from cli.outputs import Form, format_option, write_report, write_report_failure
from cli.reconciling import (
    RunFailedError,
    adopt_option,
    planned,
    prune_option,
    reviewed,
    target_option,
)
from cli.terminal import err
from reconciler.executor import DEFAULT_CONCURRENCY
from reconciler.plan import Plan
from reconciler.planning import Wishes
from reconciler.progress import ApplyProgress
from reconciler.report import EXIT_INTERRUPTED, EXIT_REFUSED, Report
from reconciler.runs import apply_run
from reconciler.safety import KINDS, not_allowed
from reconciler.text import diagnostics_text, plan_text
from schemas.errors import TmError
from schemas.fleet import Fleet


def _allowances(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    """Read every `--allow kind=count`."""
    allowed = {}
    for text in given:
        kind, _, count = text.partition("=")
        if kind not in KINDS or not count.isdecimal():
            raise click.BadParameter(f"{text!r} is not one of {', '.join(f'{kind}=N' for kind in KINDS)}")
        allowed[kind] = int(count)
    return allowed


@click.command("apply")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@agents_dir_option
@environ_option
@format_option
@click.option("--yes", is_flag=True, help="Do not ask; needed without a terminal, not with FILE.")
@target_option
@adopt_option
@prune_option
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    callback=_allowances,
    metavar="KIND=N",
    help="Lift a safety limit for exactly this plan: updates=N, detaches=N, hosts=N; may be repeated.",
)
@click.option(
    "--max-concurrency",
    type=click.IntRange(1, 100),
    default=DEFAULT_CONCURRENCY,
    show_default=True,
    help="Numbers in flight at once, per account.",
)
@click.option(
    "--skip-preflight", is_flag=True, help="Do not check that somebody answers at a URL before it is given out."
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
    allowed: dict[str, int],
    max_concurrency: int,
    skip_preflight: bool,
) -> int:
    """Make the Twilio account equal to the declarations, or apply the saved plan FILE.

    Numbers are never bought, released or transferred. What happens to one number stops no other.
    """
    wishes = Wishes(target, adopt, prune)
    if file is not None and wishes != Wishes():
        raise click.UsageError("--target, --adopt and --prune belong to the plan: give them to tm plan --out")
    now = datetime.now(UTC)
    try:
        if file is not None:
            fleet, plan = reviewed(agents_dir, file, environ)
            _require_allowed(plan, allowed)
        else:
            fleet, plan = _agreed_plan(agents_dir, wishes, environ, now, allowed, asks=not yes)
        report = _apply(plan, fleet, environ, now, max_concurrency, preflight=not skip_preflight)
    except RunFailedError as failure:
        write_report_failure(failure, form)
        return failure.exit_code
    write_report(report, form)
    return report.exit_code


def _agreed_plan(
    agents_dir: Path,
    wishes: Wishes,
    environ: Mapping[str, str],
    now: datetime,
    allowed: dict[str, int],
    *,
    asks: bool,
) -> tuple[Fleet, Plan]:
    """Make a plan and, when asked to, have it agreed to. All of it is told on stderr."""
    if asks and not sys.stdin.isatty():
        raise RunFailedError(TmError("there is no terminal to ask on", hint="Apply unasked with --yes."))
    fleet, plan = planned(agents_dir, wishes, environ, now)
    _require_allowed(plan, allowed)
    if asks and plan.changes:
        _confirm(plan)
    elif plan.diagnostics:
        err().print(diagnostics_text(plan), end="")
    return fleet, plan


def _require_allowed(plan: Plan, allowed: dict[str, int]) -> None:
    """Raise RunFailedError when the plan goes over a limit that was not lifted; nothing is written then."""
    if refused := not_allowed(plan, allowed):
        reasons = "; ".join(breach.reason for breach in refused)
        override = " ".join(breach.override for breach in refused)
        error = TmError(f"refused by a safety limit: {reasons}", hint=f"To allow exactly this: {override}")
        raise RunFailedError(error, EXIT_REFUSED, plan_id=plan.plan_id)


def _confirm(plan: Plan) -> None:
    """Show the plan and ask. Raises RunFailedError for a no."""
    err().print(plan_text(plan))
    try:
        agreed = click.confirm("Apply this plan?", err=True)
    except click.Abort as interrupt:
        error = TmError("interrupted; nothing was written")
        raise RunFailedError(error, EXIT_INTERRUPTED, plan_id=plan.plan_id) from interrupt
    if not agreed:
        raise RunFailedError(TmError("not confirmed; nothing was written"), plan_id=plan.plan_id)


def _apply(plan: Plan, fleet: Fleet, environ: Mapping[str, str], now: datetime, concurrency: int, *, preflight: bool) -> Report:
    console = err()

    def say_so() -> None:
        console.print("interrupted: numbers in progress are finished first")

    try:
        with ApplyProgress(console, len(plan.changes)) as progress:
            return asyncio.run(
                apply_run(
                    plan,
                    fleet,
                    environ,
                    now,
                    concurrency=concurrency,
                    preflight=preflight,
                    on_outcome=progress,
                    on_interrupt=say_so,
                )
            )
    except KeyboardInterrupt as interrupt:
        error = TmError(
            "interrupted twice: numbers in progress may be written or not",
            hint="The journal names them; the next tm plan shows what is left.",
        )
        raise RunFailedError(error, EXIT_INTERRUPTED, plan_id=plan.plan_id) from interrupt
