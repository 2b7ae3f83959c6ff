"""`tm watch`: the reconcile loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

from cli.options import agents_dir_option, environ_option
from cli.terminal import err, write_document
from reconciler.watch.run import Address, WatchOptions, watch_run


def _address(ctx: click.Context, param: click.Parameter, text: str | None) -> Address | None:
    """Read HOST:PORT; an IPv6 address stands in brackets."""
    if text is None:
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None:
        raise click.BadParameter(f"{text!r} is not HOST:PORT, such as 127.0.0.1:9108")
    return host, port


def _webhook(ctx: click.Context, param: click.Parameter, url: str | None) -> str | None:
    """Check the URL; it is not repeated, since it may be a secret by itself."""
    if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise click.BadParameter("this is not a URL such as https://chat.example/hooks/…")
    return url


@click.command("watch")
@agents_dir_option
@environ_option
@click.option(
    "--interval",
    type=click.FloatRange(min=1),
    default=300,
    show_default=True,
    help="Seconds between two checks, give or take a fifth.",
)
@click.option(
    "--webhook",
    envvar="TM_WATCH_WEBHOOK",
    show_envvar=True,
    metavar="URL",
    callback=_webhook,
    help="Where drift is told as JSON, once.",
)
@click.option("--listen", metavar="HOST:PORT", callback=_address, help="Serve /healthz and /metrics there.")
def command(
    agents_dir: Path,
    environ: Mapping[str, str],
    interval: float,
    webhook: str | None,
    listen: Address | None,
) -> int:
    """Look for drift again and again, until SIGTERM or Ctrl-C.

    Each drift is told once. Drift of agents with heal: true is put right, within the safety limits and
    under the same lock as tm apply; a conflict never is.
    """
    console = err()

    def say(line: str) -> None:
        console.print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}")

    metrics = asyncio.run(watch_run(agents_dir, environ, WatchOptions(interval, webhook, listen), say))
    write_document(
        f"{metrics.checks} checks, {metrics.failures} failed; {metrics.announced} drifts told,"
        f" {metrics.healed} healed, {metrics.drift} there at the end"
    )
    return 0
