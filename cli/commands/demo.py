"""`tm demo`: sandbox, plan, serve, apply and a spoken call, in one command."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from cli.options import agents_dir_option


@click.command("demo")
@agents_dir_option
@click.option(
    "--dir", "folder", default=".tm/demo", show_default=True, type=click.Path(path_type=Path),
    help="Where the call record, the log and the recording go.",
)  # fmt: skip
@click.option("--stay", is_flag=True, help="Keep everything up afterwards, until Ctrl-C.")
def command(agents_dir: Path, folder: Path, stay: bool) -> None:
    """Plan, serve, apply and hold a spoken call, all on this machine.

    Needs no account and no keys: the Twilio account, the phone and the model are the sandbox's.
    """
    from cli.demo.account import sandbox_environment
    from cli.demo.story import play
    from cli.terminal import out
    from schemas import require_fleet

    fleet = require_fleet(agents_dir, sandbox_environment())
    asyncio.run(play(fleet, folder, out(), stay=stay))
