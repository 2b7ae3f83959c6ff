"""`tm sandbox`: a Twilio account, phones and a model on this machine, until it is interrupted."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

import click

from cli.main import EXIT_INTERRUPTED
from cli.options import agents_dir_option
from cli.terminal import err, write_document
from sandbox import MessagingService, NumberSeed, Sandbox, SandboxError, Seed, Sender
from sandbox.account.numbers import DEMO_VOICE_URL
from schemas import Fleet, InvalidDeclarations, MissingFolder, TmError, load_fleet

DEFAULT_PORT = 4010


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on, 0 for any free one.",
)
@click.option("--numbers", multiple=True, metavar="+1…", help="A number that the account owns (repeatable).")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), help="File that keeps the account.")
@click.option(
    "--tunnel",
    multiple=True,
    metavar="URL=URL",
    help="A public origin that leads to a local one (repeatable).",
)
@click.option("--latency", type=click.IntRange(0), default=0, metavar="MS", help="Delay every answer.")
@click.option(
    "--drop-next", type=click.IntRange(0), default=0, help="Break this many connections, then no more."
)
@click.option(
    "--ceiling", type=click.IntRange(1), help="Requests at once that the account takes; more get 429."
)
@click.option(
    "--error-rate", type=click.FloatRange(0, 1), default=0, help="Share of requests that fail with 503."
)
@click.option(
    "--fail-number", multiple=True, metavar="+1…=STATUS", help="A number whose updates fail (repeatable)."
)
@agents_dir_option
def command(
    host: str,
    port: int,
    numbers: tuple[str, ...],
    state: Path | None,
    tunnel: tuple[str, ...],
    latency: int,
    error_rate: float,
    drop_next: int,
    ceiling: int | None,
    fail_number: tuple[str, ...],
    agents_dir: Path,
) -> int:
    """Run a Twilio account, a phone network and a Realtime model on this machine.

    The account owns the numbers, WhatsApp senders and Messaging Services declared in agents.d, and the
    numbers of --numbers. Stdout gets the lines that point `tm` to the sandbox; it runs until Ctrl-C or
    SIGTERM.
    """
    for number in numbers:
        _check_number(number)
    seed = _seed(_declared(agents_dir), numbers)
    tunnels = dict(_origins(one) for one in tunnel)
    failing = {
        number: _status(status) for number, status in (_pair(one, "--fail-number") for one in fail_number)
    }

    async def serve() -> int:
        async with Sandbox.start(seed, host=host, port=port, state=state, tunnels=tunnels) as box:
            box.account.faults.latency_ms = latency
            box.account.faults.error_rate = error_rate
            box.account.faults.max_concurrency = ceiling
            if drop_next:
                box.account.faults.drop_next(drop_next)
            box.account.faults.failing_numbers.update(failing)
            _announce(box)
            return await _until_signalled()

    try:
        return asyncio.run(serve())
    except SandboxError as error:
        raise TmError(str(error)) from error


def _declared(folder: Path) -> Fleet | None:
    """Return what the folder declares; None when there is no folder."""
    try:
        loaded = load_fleet(folder, os.environ, offline=True)
    except MissingFolder:
        return None
    if loaded.fleet is None:
        raise InvalidDeclarations(loaded.diagnostics)
    return loaded.fleet


def _seed(fleet: Fleet | None, more_numbers: tuple[str, ...]) -> Seed:
    """Return an account with the numbers, WhatsApp senders and Messaging Services that are declared."""
    numbers = [*(one.number for one in fleet.numbers()), *more_numbers] if fleet else more_numbers
    agents = fleet.agents.values() if fleet else ()
    channels = [(agent.name, agent.whatsapp) for agent in agents if agent.whatsapp]
    return Seed(
        numbers=tuple(NumberSeed(number, voice_url=DEMO_VOICE_URL) for number in dict.fromkeys(numbers)),
        messaging_services=tuple(
            MessagingService(name, sid=channel.messaging_service)
            for name, channel in channels
            if channel.messaging_service
        ),
        senders=tuple(Sender(f"whatsapp:{channel.sender}") for _, channel in channels if channel.sender),
    )


def _announce(box: Sandbox) -> None:
    exports = {
        "TM_TWILIO_API_URL": box.url,
        "TWILIO_ACCOUNT_SID": box.account_sid,
        "TWILIO_AUTH_TOKEN": box.auth_token,
        "OPENAI_API_KEY": box.openai_key,
        "OPENAI_BASE_URL": box.openai_url,
    }
    write_document("\n".join(f"export {name}={value}" for name, value in exports.items()))
    owned = [record.phone_number for record in reversed(box.account.numbers())]
    console = err()
    console.print(f"sandbox on {box.url} with {len(owned)} number{'' if len(owned) == 1 else 's'}")
    if owned:
        order = f'{{"to": "{owned[0]}", "caller": "book-a-table"}}'
        console.print(f"dial:  curl -s {box.url}/sandbox/dial -d '{order}'")
        console.print(
            f"watch: curl -s {box.url}/sandbox/calls/CA…   alerts: curl -s {box.url}/sandbox/alerts"
        )


async def _until_signalled() -> int:
    """Wait for SIGTERM (0) or SIGINT (130) and return the exit code."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    loop.add_signal_handler(signal.SIGTERM, end, 0)
    loop.add_signal_handler(signal.SIGINT, end, EXIT_INTERRUPTED)
    return await ended


def _pair(text: str, option: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise click.BadParameter(f"{text!r} is not of the form LEFT=RIGHT", param_hint=option)
    return left, right


def _origins(text: str) -> tuple[str, str]:
    public, local = _pair(text, "--tunnel")
    for origin in (public, local):
        if not re.fullmatch(r"https?://[^/?#@]+/?", origin):
            hint = "such as https://voice.example=http://127.0.0.1:8080"
            raise click.BadParameter(f"{origin!r} is not an origin, {hint}", param_hint="--tunnel")
    return public.rstrip("/"), local.rstrip("/")


def _status(text: str) -> int:
    if not re.fullmatch(r"[45]\d\d", text):
        raise click.BadParameter(f"{text!r} is not an HTTP status of a failure", param_hint="--fail-number")
    return int(text)


def _check_number(number: str) -> None:
    if not re.fullmatch(r"\+[1-9]\d{1,14}", number):
        raise click.BadParameter(
            f"{number!r} is not a number in E.164, such as +14155550123", param_hint="--numbers"
        )
