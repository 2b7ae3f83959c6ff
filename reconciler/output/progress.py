"""The progress of an apply: a bar with a count per outcome on a terminal, one plain line per number else."""

from __future__ import annotations

from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from reconciler.applying.report import AlreadyDone, Failed, Outcome, Stale
from reconciler.output.text import outcome_line


class ApplyProgress:
    """A context that is told of each outcome. `console` is the one for stderr."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._counts: Counter[str] = Counter()
        self._bar: Progress | None = None
        self._task = TaskID(0)
        if console.is_terminal and total:
            self._bar = Progress(
                TextColumn("applying"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[counts]}"),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=total, counts="")

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, outcome: Outcome) -> None:
        """Show that a number ended."""
        if self._bar is None:
            self._console.print(outcome_line(outcome))
            return
        self._counts[_kind(outcome)] += 1
        told = ", ".join(f"{count} {kind}" for kind, count in self._counts.items())
        self._bar.update(self._task, advance=1, counts=told)


def _kind(outcome: Outcome) -> str:
    if isinstance(outcome, Failed):
        return "failed"
    if isinstance(outcome, Stale):
        return "stale"
    return "unchanged" if isinstance(outcome, AlreadyDone) else "updated"
