"""`tm call`: lets an agent call somebody, and follows the call."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence

import click

from cli.call_history import call_view, turn_line
from cli.placed_call import Record, RuntimeApi, Seen, was_reached
from cli.terminal import err, out, write_document

LOCAL_RUNTIME = "http://127.0.0.1:8080"
EXIT_NOT_REACHED = 1
EXIT_INTERRUPTED = 130


@click.command("call")
@click.argument("agent")
@click.argument("number")
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the agent.")
@click.option("--from", "caller", metavar="NUMBER", help="Which of the agent's numbers calls; the first one.")
@click.option("--record/--no-record", default=None, help="Record the call; as the agent is declared.")
@click.option(
    "--voicemail",
    type=click.Choice(["hang_up", "message"]),
    help="Find out who has answered, and do this at an answering machine.",
)
@click.option("--voicemail-message", metavar="TEXT", help="What is said after the beep.")
@click.option("--send-digits", metavar="KEYS", help="Keys to press after the answer; w waits half a second.")
@click.option("--ring-seconds", type=click.IntRange(5, 600), help="How long it may ring; 30.")
@click.option(
    "--url",
    help="Where `tm serve` is: TM_PUBLIC_URL if TM_API_TOKEN is set, else this machine, port 8080.",
)
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
    number: str,
    variables: tuple[str, ...],
    caller: str | None,
    record: bool | None,
    voicemail: str | None,
    voicemail_message: str | None,
    send_digits: str | None,
    ring_seconds: int | None,
    url: str | None,
    form: str,
) -> int:
    """Let AGENT call NUMBER, and show what is said until the call is over.

    A running `tm serve` places the call. Ctrl-C hangs up. Exit code 1 says that nobody was talked to: no
    answer, busy, a machine, or a failure.
    """
    order: dict[str, object] = {
        "agent": agent,
        "to": number,
        "from": caller,
        "variables": _values(variables),
        "record": record,
        "voicemail": voicemail,
        "voicemail_message": voicemail_message,
        "send_digits": send_digits,
        "ring_seconds": ring_seconds,
    }
    given = {name: value for name, value in order.items() if value is not None}
    given["id"] = secrets.token_hex(16)
    with RuntimeApi(url or _runtime_url(os.environ), os.environ.get("TM_API_TOKEN") or None) as api:
        ended, interrupted = _call(api, given)
    if form == "json":
        write_document(json.dumps(ended, indent=2))
    else:
        out().print(call_view(ended))
    if interrupted:
        return EXIT_INTERRUPTED
    return 0 if was_reached(ended) else EXIT_NOT_REACHED


def _call(api: RuntimeApi, order: Mapping[str, object]) -> tuple[Record, bool]:
    """Place a call and show it until it is over; return its record, and whether Ctrl-C ended it."""
    try:
        placed = api.place(order)
    except KeyboardInterrupt:
        call_id = str(order["id"])
        taken_back = api.take_back(call_id)
        if taken_back is None:
            err().print(f"The runtime knows of no such call yet; `tm calls {call_id}` shows it if it comes.")
            raise
        return taken_back, True
    return _follow(api, placed)


def _follow(api: RuntimeApi, placed: Record) -> tuple[Record, bool]:
    """Show the call until it is over; return its record, and whether Ctrl-C ended it."""
    progress, ended, call_id = _Progress(), placed, str(placed["id"])
    try:
        for seen in api.follow(call_id):
            progress.show(seen)
            ended = seen.record
    except KeyboardInterrupt:
        api.hang_up(call_id)
        return api.last(call_id), True
    return ended, False


class _Progress:
    """Tells on stderr what is new of a call."""

    def __init__(self) -> None:
        self._status = ""
        self._shown = 0

    def show(self, seen: Seen) -> None:
        """Tell what has changed. What is said last may still grow, so it is told when something follows."""
        if seen.status != self._status:
            self._status = seen.status
            err().print("answered" if seen.status == "in-progress" else seen.status, style="dim")
        transcript = seen.record["transcript"]
        settled = len(transcript) if seen.is_over else max(len(transcript) - 1, 0)
        for entry in transcript[self._shown : settled]:
            err().print(turn_line(entry))
        self._shown = max(self._shown, settled)


def _runtime_url(environ: Mapping[str, str]) -> str:
    """Return where the runtime is. Without a token it answers its own machine only."""
    public_url = environ.get("TM_PUBLIC_URL")
    return public_url if public_url and environ.get("TM_API_TOKEN") else LOCAL_RUNTIME


def _values(given: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in given:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise click.UsageError(f"--var takes NAME=VALUE, not {pair!r}")
        values[name] = value
    return values
