"""The entry point of `tm`: finds the command, runs it, turns what happened into an exit code."""

from __future__ import annotations

import contextlib
import importlib
import keyword
import signal
import sys
from typing import TYPE_CHECKING

import click

from cli.stdout import DocumentStream, UnwritableStdoutError, guarded_streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# name -> one line for `tm --help`. The module is cli.commands.<name> (with an underscore where Python
# reserves the name), its click command is `command`; it is imported only when the command runs, so that
# `tm --help` costs no library.
COMMANDS = {
    "init": "Write a first fleet, a CI workflow and editor settings.",
    "validate": "Check the declarations offline.",
    "fmt": "Lay the declarations out in the usual way.",
    "explain": "Show where a value comes from.",
    "plan": "Show what differs from the live Twilio account.",
    "apply": "Make the Twilio account equal to the declarations.",
    "drift": "Show what was changed in the account by hand.",
    "watch": "Look for drift again and again, and heal it where asked to.",
    "import": "Write declarations for what the account has.",
    "doctor": "Check that calls would be answered.",
    "rollback": "Take back what a run of apply wrote.",
    "serve": "Answer the calls.",
    "call": "Let an agent call somebody, and follow the call.",
    "campaign": "Call a list of people, and tell how far that is.",
    "calls": "Show call history and transcripts.",
    "message": "Write to somebody through an agent.",
    "schema": "Write the JSON Schemas that editors use.",
    "sandbox": "Run a Twilio account, phones and a model on this machine.",
    "demo": "Plan, serve, apply and hold a spoken call, all on this machine.",
}

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130
EXIT_CLOSED_PIPE = 141


class LazyGroup(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module, or answer None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module_name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        with interrupts_deferred():
            module = importlib.import_module(f"cli.commands.{module_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tm-phone-agents", prog_name="tm")
def tm() -> None:
    """Phone agents from Git: declare them in YAML, plan, apply, answer."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see docs/cli.md for the codes).

    Usage errors and errors of the user's own making are printed to stderr without a traceback; stdout
    gets the command's one document also then.
    """
    given = tuple(sys.argv[1:] if arguments is None else arguments)
    with guarded_streams() as document:
        try:
            return _run(given, document)
        except UnwritableStdoutError as error:
            if error.is_closed_pipe:
                return EXIT_CLOSED_PIPE
            sys.stderr.write(f"error: stdout cannot be written: {error}\n")
            return EXIT_ERROR


def _run(arguments: Sequence[str], document: DocumentStream) -> int:
    """Run one command. Raises UnwritableStdoutError."""
    code, told = EXIT_ERROR, ""
    try:
        result = tm.main(args=list(arguments), prog_name="tm", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except (click.exceptions.Abort, KeyboardInterrupt):
        code, told = EXIT_INTERRUPTED, "interrupted"
    except click.ClickException as error:
        error.show(file=sys.stderr)
        told = error.format_message()
    except UnwritableStdoutError:
        raise
    except Exception as error:
        from cli.terminal import show_error
        from schemas.errors import TmError

        if not isinstance(error, TmError):
            raise
        show_error(error)
        told = error.message
    if not document.used:
        _write_failure(arguments, told)
    return code


def _write_failure(arguments: Sequence[str], told: str) -> None:
    """Write the document of a command that came to none, whoever presses Ctrl-C meanwhile."""
    if not arguments or arguments[0] not in COMMANDS:
        return
    with contextlib.suppress(KeyboardInterrupt), interrupts_deferred():
        from cli.failures import write_failure
        from schemas.errors import TmError

        write_failure(arguments, TmError(told))


@contextlib.contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let a Ctrl-C wait for what must not be left half done, such as an import; then it is raised."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    pending: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pending.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pending:
        raise KeyboardInterrupt


def main() -> None:
    """Console script."""
    sys.exit(run())
