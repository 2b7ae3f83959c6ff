"""`tm serve`: answers the calls of the declared agents."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path

import click

from cli.options import agents_dir_option, environ_option
from cli.terminal import err
from runtime.figures import logs
from runtime.model.connection import OpenAIConnections
from runtime.node import Node
from runtime.server import event_loop, listen, serve
from runtime.settings import Settings
from schemas import Fleet, require_fleet


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on."
)
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="What is logged to stderr; debug alone may name callers.",
)
@click.option(
    "--log-format",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "text", "json"]),
    help="Form of the log lines; auto is text on a terminal and JSON elsewhere.",
)
@agents_dir_option
@environ_option
def command(
    host: str,
    port: int,
    log_level: str,
    log_format: logs.LogFormat,
    agents_dir: Path,
    environ: Mapping[str, str],
) -> int:
    """Answer the calls until SIGTERM or Ctrl-C.

    Live calls may then finish, while new ones are sent to the fallback URL; a second signal ends them.
    """
    fleet = require_fleet(agents_dir, environ)
    settings = Settings.from_environment(environ)
    logs.configure(log_level, log_format)
    listener = listen(host, port)
    with asyncio.Runner(loop_factory=event_loop) as runner:
        runner.run(_serve(fleet, settings, listener))
    return 0


async def _serve(fleet: Fleet, settings: Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    name = settings.node_url or f"{socket.gethostname()}:{port}"
    node = Node(fleet, settings, name=name, connect=OpenAIConnections(settings))
    count = len(fleet.agents)
    agents = f"{count} agent{'' if count == 1 else 's'}"
    await serve(
        node,
        listener,
        on_ready=lambda: err().print(f"answering {agents} on {host}:{port} for {fleet.service.public_url}"),
    )
