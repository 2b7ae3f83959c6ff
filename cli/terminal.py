"""What every command shares about output: stdout carries one document, all else goes to stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from schemas.errors import TmError


def out() -> Console:
    """Return the console for the command's one document.

    Colour only on a terminal and without `NO_COLOR`; nothing is wrapped or guessed to be markup
    when it is piped.
    """
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def err() -> Console:
    """Return the console for logs, progress and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


def write_document(text: str) -> None:
    """Write the command's one document to stdout, newline-ended and flushed before the exit code is known."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def show_error(error: TmError) -> None:
    """Print an error for people: where, what, and what to do."""
    console = err()
    where = f"{error.place}: " if error.place else ""
    console.print("error: ", style="bold red", end="")
    console.print(f"{where}{error.message}")
    if error.hint:
        console.print(f"  {error.hint}", style="dim")
