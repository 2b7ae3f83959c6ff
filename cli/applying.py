"""What `tm apply` and `tm rollback` share: how a plan is agreed to, how it is applied, and their options."""

from __future__ import annotations

import asyncio
import functools
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import click

from cli.reconciling import RunFailedError
from cli.terminal import err
from reconciler.api.congestion import HIGHEST_LIMIT
from reconciler.api.errors import WrongAccountError
from reconciler.applying.report import EXIT_INTERRUPTED, EXIT_REFUSED, Report
from reconciler.output.progress import ApplyProgress
from reconciler.output.text import diagnostics_text, plan_text
from reconciler.planning.plan import Plan
from reconciler.planning.safety import KINDS, breaches, not_allowed
from reconciler.runs import Conduct, apply_run
from schemas.errors import TmError
from schemas.fleet import Fleet

Command = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Manner:
    """How to apply, as every command that writes is told: the values of its shared options."""

    allowed: Mapping[str, int]
    max_concurrency: int
    lock_timeout: float
    fail_fast: bool

    def conduct(self, *, preflight: bool) -> Conduct:
        """Return the same for a run of the command that was typed."""
        return Conduct(
            command=shlex.join(("tm", *sys.argv[1:])),  # no option of `tm` takes a secret
            max_concurrency=self.max_concurrency,
            fail_fast=self.fail_fast,
            preflight=preflight,
            lock_timeout=self.lock_timeout,
        )


def _allowances(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    """Read every `--allow kind=count`."""
    allowed = {}
    for text in given:
        kind, _, count = text.partition("=")
        if kind not in KINDS or not count.isdecimal():
            raise click.BadParameter(f"{text!r} is not one of {', '.join(f'{kind}=N' for kind in KINDS)}")
        allowed[kind] = int(count)
    return allowed


_OPTIONS = (
    click.option(
        "--allow",
        "allowed",
        multiple=True,
        callback=_allowances,
        metavar="KIND=N",
        help="Lift a safety limit for exactly this plan: updates=N, detaches=N, hosts=N; may be repeated.",
    ),
    click.option(
        "--max-concurrency",
        type=click.IntRange(1, 200),
        default=HIGHEST_LIMIT,
        show_default=True,
        help="The most requests under way at once, per account; how many it takes is found out.",
    ),
    click.option(
        "--lock-timeout",
        type=click.FloatRange(0),
        default=0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for another run that writes to the same account.",
    ),
    click.option("--fail-fast", is_flag=True, help="Begin no further number once one has failed."),
)


def applying_options(command: Command) -> Command:
    """Give a command the options of everything that writes; it gets their values as `manner`."""

    @functools.wraps(command)
    def with_manner(
        *arguments: object,
        allowed: Mapping[str, int],
        max_concurrency: int,
        lock_timeout: float,
        fail_fast: bool,
        **others: object,
    ) -> int:
        manner = Manner(allowed, max_concurrency, lock_timeout, fail_fast)
        return command(*arguments, manner=manner, **others)

    for option in reversed(_OPTIONS):
        with_manner = option(with_manner)
    return with_manner


def require_somebody_to_ask(*, asks: bool) -> None:
    """Raise RunFailedError when there is to be asked and nobody to answer."""
    if asks and not sys.stdin.isatty():
        raise RunFailedError(TmError("there is no terminal to ask on", hint="Apply unasked with --yes."))


def require_allowed(plan: Plan, allowed: Mapping[str, int]) -> None:
    """Raise RunFailedError when the plan goes over a limit that was not lifted; nothing is written then."""
    if refused := not_allowed(plan, allowed):
        reasons = "; ".join(breach.reason for breach in refused)
        override = " ".join(breach.override for breach in breaches(plan))
        error = TmError(f"refused by a safety limit: {reasons}", hint=f"To allow exactly this: {override}")
        raise RunFailedError(error, EXIT_REFUSED, plan_id=plan.plan_id)


def require_agreement(plan: Plan, *, asks: bool) -> None:
    """Show what there is to know of a plan on stderr, and ask if that is wanted.

    Raises RunFailedError for a no.
    """
    if not (asks and plan.changes):
        if plan.diagnostics:
            err().print(diagnostics_text(plan.diagnostics), end="")
        return
    err().print(plan_text(plan))
    try:
        agreed = click.confirm("Apply this plan?", err=True)
    except click.Abort as interrupt:
        error = TmError("interrupted; nothing was written")
        raise RunFailedError(error, EXIT_INTERRUPTED, plan_id=plan.plan_id) from interrupt
    if not agreed:
        raise RunFailedError(TmError("not confirmed; nothing was written"), plan_id=plan.plan_id)


def exit_code_of(failure: RunFailedError) -> int:
    """Return the exit code of a run that writes: another account than the declared one is a refusal."""
    return EXIT_REFUSED if isinstance(failure.error, WrongAccountError) else failure.exit_code


def applied(plan: Plan, fleet: Fleet, environ: Mapping[str, str], now: datetime, conduct: Conduct) -> Report:
    """Apply a plan with its progress on stderr. Raises RunFailedError."""
    console = err()

    def say_so() -> None:
        console.print("interrupted: numbers in progress are finished first")

    try:
        with ApplyProgress(console, len(plan.changes)) as progress:
            run = apply_run(plan, fleet, environ, now, conduct, on_outcome=progress, on_interrupt=say_so)
            return asyncio.run(run)
    except TmError as error:
        raise RunFailedError(error, plan_id=plan.plan_id) from error
    except KeyboardInterrupt as interrupt:
        twice = TmError(
            "interrupted twice: numbers in progress may be written or not",
            hint="The journal names them; the next tm plan shows what is left.",
        )
        raise RunFailedError(twice, EXIT_INTERRUPTED, plan_id=plan.plan_id) from interrupt
