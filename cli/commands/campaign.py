"""`tm campaign`: runs lists of leads, tells how far they are, and stops them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from sqlalchemy import Engine

from cli.campaign_progress import show_progress
from cli.campaign_view import plan_json, plan_text, status_json, status_text, write_results
from cli.options import agents_dir_option, environ_option
from cli.terminal import err, write_document
from runtime.outbound.known_people import KnownPeople, known_people, not_called_again
from runtime.outbound.lead_store import LeadStore
from runtime.outbound.leads import Lead, RefusedLead, read_leads, terms_of
from runtime.outbound.schedule import planned_calls
from runtime.settings import database_url
from runtime.store.database import migrate, open_engine, open_existing, sqlite_file
from schemas import Campaign, Fleet, InvalidDeclarations, load_fleet
from schemas.errors import TmError
from schemas.suggestions import did_you_mean

EXIT_STOPPED = 1
EXIT_INTERRUPTED = 130


@click.command("campaign")
@click.argument("action", type=click.Choice(["run", "status", "pause", "resume", "cancel"]))
@click.argument("name", metavar="CAMPAIGN")
@click.option("--dry-run", is_flag=True, help="With run: show who would be called when, and call nobody.")
@click.option("--detach", is_flag=True, help="With run: do not wait until everybody was called.")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path), help="Write what came of each lead into this file."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the document on stdout.",
)
@agents_dir_option
@environ_option
def command(
    action: str,
    name: str,
    dry_run: bool,
    detach: bool,
    csv_file: Path | None,
    form: str,
    agents_dir: Path,
    environ: Mapping[str, str],
) -> int:
    """Run a CAMPAIGN, tell how far it is, pause it, let it go on, or cancel it.

    `run` adds the campaign's list to the database, where `tm serve` finds it and calls; it shows the progress
    until everybody was called. Ctrl-C ends the looking (exit code 130), not the campaign. Exit code 1 says
    that it was stopped before everybody was called. Who was added before is not added again.
    """
    if action == "run" and dry_run:
        fleet, campaign = _declared(agents_dir, environ, name)
        people = not_called_again(_people(fleet, campaign), _known(environ, name), name)
        planned = planned_calls(people, campaign, time.time())
        write_document(plan_json(planned) if form == "json" else plan_text(planned))
        return 0
    engine = _database(environ)
    leads = LeadStore(engine, time.time)
    try:
        if action == "run":
            _run(leads, *_declared(agents_dir, environ, name))
        else:
            _act(action, leads, name)
        code = _follow(leads, name) if action == "run" and not detach else 0
        _tell(leads, name, form, csv_file)
    finally:
        engine.dispose()
    return code


def _declared(folder: Path, environ: Mapping[str, str], name: str) -> tuple[Fleet, Campaign]:
    """Return the fleet and its campaign; neither secrets nor a public URL are needed here."""
    loaded = load_fleet(folder, environ, offline=True)
    if loaded.fleet is None:
        raise InvalidDeclarations(loaded.diagnostics)
    if name not in loaded.fleet.campaigns:
        raise TmError(f'there is no Campaign "{name}"{did_you_mean(name, loaded.fleet.campaigns)}')
    return loaded.fleet, loaded.fleet.campaigns[name]


def _people(fleet: Fleet, campaign: Campaign) -> Iterator[Lead | RefusedLead]:
    """Yield the rows of the list, read as the agent that calls needs them. Raises `TmError`."""
    return read_leads(campaign.leads, terms_of(fleet, campaign))


def _known(environ: Mapping[str, str], name: str) -> KnownPeople:
    """Return what the database knows of a campaign's people; a look makes no database. Raises `TmError`."""
    url = database_url(environ)
    file = sqlite_file(url)
    if file is not None and not file.exists():
        return KnownPeople()
    engine = open_existing(url)
    try:
        return known_people(engine, name)
    finally:
        engine.dispose()


def _database(environ: Mapping[str, str]) -> Engine:
    engine = open_engine(database_url(environ))
    migrate(engine)
    return engine


def _run(leads: LeadStore, fleet: Fleet, campaign: Campaign) -> None:
    added = leads.add(campaign.name, _people(fleet, campaign), fleet.campaigns)
    err().print(f"{added.new} added, {added.known} known before, {added.refused} not to be called")
    leads.start(campaign.name)


def _act(action: str, leads: LeadStore, name: str) -> None:
    """Do what needs no declaration, so that a campaign that was taken out of the files can be stopped."""
    if leads.status(name) is None:
        known = leads.statuses()
        raise TmError(f'"{name}" was never run{did_you_mean(name, known)}', hint=f"tm campaign run {name}")
    if action == "pause":
        leads.pause(name)
    elif action == "resume":
        leads.start(name)
    elif action == "cancel":
        leads.cancel(name)


def _follow(leads: LeadStore, name: str) -> int:
    """Show the progress until the campaign is over, stands still, or nobody wants to see it any more.

    Return the exit code.
    """
    try:
        show_progress(leads, name)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0 if leads.progress(name).is_over else EXIT_STOPPED


def _tell(leads: LeadStore, name: str, form: str, csv_file: Path | None) -> None:
    status, progress = leads.status(name), leads.progress(name)
    if csv_file is not None:
        count = write_results(csv_file, leads.results(name))
        err().print(f"{count} leads written to {csv_file}")
    if form == "json":
        write_document(json.dumps(status_json(name, status, progress), indent=2))
    else:
        write_document(status_text(name, status, progress))
