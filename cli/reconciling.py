"""What `tm plan` and `tm apply` share: their options, how a plan comes about, what a failed run is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.terminal import err, show_error
from reconciler.applying.report import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_STALE
from reconciler.planning.make import Wishes
from reconciler.planning.plan import Plan
from reconciler.planning.saved import OutdatedPlanError, load_plan
from reconciler.runs import plan_run, remaining_run
from schemas import load_fleet
from schemas.errors import TmError
from schemas.places import Diagnostic

if TYPE_CHECKING:
    from schemas.fleet import Fleet

target_option = click.option(
    "--target", multiple=True, metavar="AGENT", help="Only the numbers of this agent; may be repeated."
)
adopt_option = click.option(
    "--adopt",
    multiple=True,
    metavar="NUMBER",
    help="Take this number over from whoever uses it; may be repeated.",
)
prune_option = click.option(
    "--prune", is_flag=True, help="Blank our URLs on numbers that no file declares any more."
)

check_routing_option = click.option(
    "--check-routing",
    is_flag=True,
    help="Ask for every declared number which region its calls are routed to.",
)


class RunFailedError(Exception):
    """A run that could not happen: what to tell, and the exit code."""

    def __init__(
        self,
        error: TmError,
        exit_code: int = EXIT_ERROR,
        *,
        diagnostics: tuple[Diagnostic, ...] = (),
        plan_id: str | None = None,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.exit_code = exit_code
        self.diagnostics = diagnostics
        self.plan_id = plan_id

    def show(self) -> None:
        """Print the failure to stderr, every diagnostic with its place."""
        console = err()
        for diagnostic in self.diagnostics:
            console.print(str(diagnostic))
        show_error(self.error)


def declared(folder: Path, environ: Mapping[str, str]) -> tuple[Fleet, tuple[Diagnostic, ...]]:
    """Load the declarations and their warnings. Raises RunFailedError with every error there is."""
    try:
        loaded = load_fleet(folder, environ)
    except TmError as error:
        raise RunFailedError(error) from error
    if loaded.fleet is None:
        count = sum(1 for diagnostic in loaded.diagnostics if diagnostic.severity == "error")
        told = f"the declarations have {count} error{'' if count == 1 else 's'}"
        raise RunFailedError(TmError(told), diagnostics=loaded.diagnostics)
    return loaded.fleet, loaded.diagnostics


def planned(folder: Path, wishes: Wishes, environ: Mapping[str, str], now: datetime) -> tuple[Fleet, Plan]:
    """Load the declarations, read the accounts, compare. Raises RunFailedError."""
    fleet, warnings = declared(folder, environ)
    try:
        plan = asyncio.run(plan_run(fleet, wishes, environ, now))
    except TmError as error:
        raise RunFailedError(error) from error
    except KeyboardInterrupt as interrupt:
        raise RunFailedError(TmError("interrupted; nothing was written"), EXIT_INTERRUPTED) from interrupt
    return fleet, replace(plan, diagnostics=(*warnings, *plan.diagnostics))


def reviewed(folder: Path, file: Path, environ: Mapping[str, str]) -> tuple[Fleet, Plan]:
    """Load the declarations and what is left of a saved plan that rests on them. Raises RunFailedError."""
    fleet, _ = declared(folder, environ)
    try:
        return fleet, asyncio.run(remaining_run(load_plan(file, fleet), fleet, environ))
    except OutdatedPlanError as error:
        raise RunFailedError(error, EXIT_STALE) from error
    except TmError as error:
        raise RunFailedError(error) from error
