"""`tm calls`: call history and transcripts, read from the database."""

from __future__ import annotations

import json
import os

import click

from cli.call_history import call_table, call_view
from cli.terminal import out, write_document
from runtime.settings import database_url
from runtime.store.history import History
from schemas.errors import TmError


@click.command("calls")
@click.argument("call_id", metavar="[ID]", required=False)
@click.option("--agent", help="Only the calls of this agent.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="How many calls.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the document on stdout.",
)
def command(call_id: str | None, agent: str | None, limit: int, form: str) -> int:
    """List the newest calls, or show the call with this ID (or Twilio call SID) and what was said."""
    history = History(database_url(os.environ))
    if call_id is None:
        page = history.newest(agent, limit)
        if form == "json":
            write_document(json.dumps({"calls": page.records, "next": page.next_cursor}, indent=2))
        else:
            out().print(call_table(page.records))
        return 0
    record = history.find(call_id)
    if record is None:
        raise TmError(f"There is no call {call_id}.", hint="tm calls lists them.")
    if form == "json":
        write_document(json.dumps(record, indent=2))
    else:
        out().print(call_view(record))
    return 0
