"""`tm serve`: answers the calls of the declared agents."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.options import agents_dir_option, environ_option
from cli.terminal import err
from runtime.figures import logs
from runtime.listening import listen
from runtime.settings import Settings
from runtime.workers.parent import Parent
from runtime.workers.seats import Seat, seats
from schemas import Fleet, require_fleet

if TYPE_CHECKING:
    from runtime.node import Role

MOST_WORKERS = 64


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
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, MOST_WORKERS),
    help="Processes that share the port; each has a port of its own after it.",
)
@click.option(
    "--role",
    default="all",
    show_default=True,
    type=click.Choice(["voice", "outbound", "all"]),
    help="voice answers calls, outbound runs campaigns; of several workers the first one does.",
)
@click.option("--worker", type=click.IntRange(0, MOST_WORKERS - 1), hidden=True)
@agents_dir_option
@environ_option
@click.pass_context
def command(
    ctx: click.Context,
    host: str,
    port: int,
    log_level: str,
    log_format: logs.LogFormat,
    workers: int,
    role: Role,
    worker: int | None,
    agents_dir: Path,
    environ: Mapping[str, str],
) -> int:
    """Answer the calls until SIGTERM or Ctrl-C.

    Live calls may then finish, while new ones are sent to the fallback URL; a second signal ends them.
    """
    fleet = require_fleet(agents_dir, environ)
    settings = Settings.from_environment(environ)
    chosen = seats(workers, port, settings.node_url)
    logs.configure(log_level, log_format, worker=worker)
    if workers == 1 or worker is not None:
        if worker and role == "all":
            role = "voice"
        seat = chosen[worker or 0]
        _answer(fleet, settings, host, port, seat, role, is_worker=worker is not None)
        return 0
    for each in (port, *(seat.own_port for seat in chosen if seat.own_port is not None)):
        listen(host, each).close()  # what is taken is told once, before anything starts
    parent = Parent(
        workers,
        lambda number: _command_of_worker(ctx.params, number),
        environ,
        on_complete=lambda: _say(fleet, host, port, workers),
    )
    return asyncio.run(parent.run())


def _command_of_worker(params: Mapping[str, object], number: int) -> list[str]:
    """Return the command line of a worker: the options of this one, and which worker it is."""
    passed_on = {name: value for name, value in params.items() if name not in {"environ", "worker"}}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in passed_on.items()]
    return [sys.executable, "-m", "cli", "serve", *options, f"--worker={number}"]


def _answer(
    fleet: Fleet, settings: Settings, host: str, port: int, seat: Seat, role: Role, *, is_worker: bool
) -> None:
    """Be a node until it is to stop. What is loaded here, the parent of workers can do without."""
    from runtime.model.connection import OpenAIConnections
    from runtime.node import Node
    from runtime.server import Stop, event_loop, serve
    from runtime.workers.worker import ParentLine

    listeners = [listen(host, port, shared=is_worker)]
    if seat.own_port is not None:
        listeners.append(listen(host, seat.own_port))
    port = listeners[0].getsockname()[1]
    settings = dataclasses.replace(settings, node_url=seat.node_url)
    name = seat.node_url or f"{socket.gethostname()}:{port}"
    line = ParentLine.of_stdin() if is_worker else None

    async def run() -> None:
        node = Node(fleet, settings, name=name, connect=OpenAIConnections(settings), role=role)
        ready = line.ready if line is not None else lambda: _say(fleet, host, port)
        await serve(node, listeners, line or Stop(), on_ready=ready)

    with asyncio.Runner(loop_factory=event_loop) as runner:
        runner.run(run())


def _say(fleet: Fleet, host: str, port: int, workers: int = 1) -> None:
    """Tell that calls are answered from now on."""
    agents = _counted(len(fleet.agents), "agent")
    by = f" with {_counted(workers, 'worker')}" if workers > 1 else ""
    err().print(f"answering {agents} on {host}:{port}{by} for {fleet.service.public_url}")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
