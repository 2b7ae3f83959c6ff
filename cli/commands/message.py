"""`tm message`: write to somebody through an agent, by WhatsApp or SMS."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.options import agents_dir_option, environ_option
from cli.terminal import out, write_document
from schemas import require_fleet
from schemas.errors import TmError
from schemas.suggestions import did_you_mean

if TYPE_CHECKING:
    from runtime.messages.outbound import Draft, Sent
    from schemas import Fleet


@click.command("message")
@click.argument("agent")
@click.argument("to", metavar="TO")
@click.argument("text", required=False, default="")
@click.option("--template", metavar="SID", help="Send this template (HX…) instead of a text.")
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the template.")
@agents_dir_option
@environ_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the document on stdout.",
)
def command(
    agent: str,
    to: str,
    text: str,
    template: str | None,
    variables: tuple[str, ...],
    agents_dir: Path,
    environ: Mapping[str, str],
    form: str,
) -> int:
    """Write TEXT to TO (whatsapp:+14155550190, or +14155550190 for SMS) in the name of AGENT.

    The message is part of the agent's conversation with the contact: it knows what an answer is about.
    """
    from runtime.messages.outbound import Draft, MessageRefusedError, failures

    if template is not None and text:
        raise click.UsageError("a message is a text or a template, not both")
    fleet = require_fleet(agents_dir, environ)
    if agent not in fleet.agents:
        raise TmError(f"there is no agent {agent!r}{did_you_mean(agent, fleet.agents)}")
    draft = Draft(text, template, _values(variables))
    sent = asyncio.run(_send(fleet, agent, to, draft, environ))
    if form == "json":
        messages = [
            {"sid": each.sid or None, "status": each.status, "error_code": each.error_code}
            for each in sent.outcomes
        ]
        write_document(json.dumps({"record": sent.record_id, "messages": messages}, indent=2))
    refused = failures(sent)
    if refused:
        raise MessageRefusedError(f"Not sent: {refused[0]}.", hint=f"tm calls {sent.record_id} shows it.")
    if form == "text":
        out().print(f"sent to {to}, conversation {sent.record_id}")
    return 0


async def _send(fleet: Fleet, agent: str, to: str, draft: Draft, environ: Mapping[str, str]) -> Sent:
    """Send with a store and a client of this command's own."""
    from runtime.messages.outbound import MessageRefusedError, key_of, send
    from runtime.messages.sending import Sender
    from runtime.settings import database_url
    from runtime.store import CallStore, StoreUnavailableError
    from runtime.store.message_store import MessageStore
    from runtime.twilio_api import TwilioApi

    key = key_of(fleet.agents[agent], to)
    node = f"tm message {secrets.token_hex(4)}"
    store = CallStore(database_url(environ), node=node)
    twilio = TwilioApi(fleet, api_url=environ.get("TM_TWILIO_API_URL") or None)
    try:
        await store.open()
        kept = MessageStore(store.thread, node=node, epoch=time.time)
        sender = Sender(kept, twilio, fleet.service.public_url)
        return await send(fleet.agents[agent], key, draft, kept, sender)
    except StoreUnavailableError as error:
        raise MessageRefusedError(f"The call database does not answer ({error}).") from None
    finally:
        await twilio.close()
        await store.close()


def _values(pairs: tuple[str, ...]) -> Mapping[str, str]:
    values = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(name and "=" in pair for name, pair in zip(values, pairs, strict=False)):
        raise click.UsageError("a variable is NAME=VALUE, such as --var 1=Ana")
    return values
