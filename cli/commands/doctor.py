"""`tm doctor`: would calls be answered? Examines runtime, account and model, and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console

from cli.options import agents_dir_option, environ_option
from cli.reconciling import RunFailedError, declared
from cli.terminal import err, out, write_document
from reconciler.applying.report import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK
from reconciler.output.documents import to_json
from reconciler.preflight.examination import examine, instruments
from reconciler.preflight.finding import Finding, first_failure
from reconciler.preflight.telling import findings_document, findings_text, summary_line
from schemas.errors import TmError
from schemas.fleet import Fleet


@click.command("doctor")
@agents_dir_option
@environ_option
@click.option("--agent", metavar="NAME", help="Only what concerns this agent.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the document on stdout.",
)
def command(agents_dir: Path, environ: Mapping[str, str], agent: str | None, form: str) -> int:
    """Check that calls would be answered: public URL, signatures, hold media, account, model.

    Begins no call, changes nothing and shows no secret. Ends with 1 when a check fails.
    """
    try:
        fleet, _ = declared(agents_dir, environ)
        findings = _examined(fleet, environ, agent)
    except RunFailedError as failure:
        failure.show()
        write_document(
            to_json(findings_document((), failure.error.message))
            if form == "json"
            else "Nothing was checked."
        )
        return failure.exit_code
    if form == "json":
        write_document(to_json(findings_document(findings)))
    else:
        out().print(findings_text(findings), end="")
    return EXIT_OK if first_failure(findings) is None else EXIT_ERROR


def _examined(fleet: Fleet, environ: Mapping[str, str], agent: str | None) -> list[Finding]:
    """Examine, with a running count on a terminal. Raises RunFailedError."""
    try:
        return asyncio.run(_examine(fleet, environ, agent, err()))
    except TmError as error:
        raise RunFailedError(error) from error
    except KeyboardInterrupt as interrupt:
        raise RunFailedError(TmError("interrupted"), EXIT_INTERRUPTED) from interrupt


async def _examine(
    fleet: Fleet, environ: Mapping[str, str], agent: str | None, console: Console
) -> list[Finding]:
    done: list[Finding] = []
    with console.status("checking") as status:

        def told(finding: Finding) -> None:
            done.append(finding)
            status.update(f"checking: {summary_line(done)}")

        async with instruments(fleet, environ) as tools:
            return await examine(fleet, environ, tools, agent=agent, on_finding=told)
