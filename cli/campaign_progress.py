"""How a campaign that runs is shown until it is over: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from cli.terminal import err

if TYPE_CHECKING:
    from runtime.outbound.lead_store import LeadStore
    from runtime.outbound.progress import Progress

LOOK_SECONDS: Final = 1.0
LINE_SECONDS: Final = 10.0
"""How far lines of progress are apart at least."""
QUIET_SECONDS: Final = 15.0
"""How long nobody may be called before it is said what that may come from."""


class Telling:
    """What is worth a line of a campaign's progress; `seconds` are those since it is looked at."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: tuple[float, str] | None = None
        self._calls: int | None = None
        self._quiet_since: float | None = 0.0

    def line(self, progress: Progress, seconds: float) -> str | None:
        """Return how far it is, if that is news; not too often, but for the end."""
        line = progress.line()
        if self._last is not None:
            at, told = self._last
            if line == told or (seconds < at + LINE_SECONDS and not progress.is_over):
                return None
        self._last = (seconds, line)
        return line

    def silence(self, progress: Progress, seconds: float) -> str | None:
        """Return why it may be that nobody is called; once for each time that nobody is."""
        if progress.calls != self._calls or progress.states.get("dialling"):
            self._calls, self._quiet_since = progress.calls, seconds
        if self._quiet_since is None or seconds < self._quiet_since + QUIET_SECONDS:
            return None
        self._quiet_since = None
        return (
            "Nobody is being called. `tm serve` places the calls, if it runs with these declarations on this "
            f"database, in the campaign's hours: `tm campaign run {self._name} --dry-run` shows when."
        )


def show_progress(leads: LeadStore, name: str) -> None:
    """Show on stderr how far a campaign is until it is over, or stands still."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    telling, seconds = Telling(name), 0.0
    with Progress(*columns, console=err(), disable=not err().is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None)
        while True:
            progress, status = leads.progress(name), leads.status(name)
            bar.update(task, description=progress.line(), completed=progress.finished, total=progress.total)
            line = telling.line(progress, seconds) if bar.disable else None
            for told in (line, telling.silence(progress, seconds)):
                if told is not None:
                    bar.console.print(told)
            if progress.is_over or status is None or status.state != "running":
                return
            time.sleep(LOOK_SECONDS)
            seconds += LOOK_SECONDS
