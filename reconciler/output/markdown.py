"""Plans and reports as Markdown for pull requests: the summary first, then one fold per agent.

What others typed (names of numbers, URLs, messages) appears in two kinds of places only: code spans and
fenced code, where Markdown, GitHub and GitLab look for neither markup nor links nor mentions. In a fence
every line begins with a sign of ours, so none can close it. A title of a fold is HTML, escaped as such.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from reconciler.applying.report import Failed, NotAttempted, Outcome, Report, Stale
from reconciler.output.printable import printable
from reconciler.output.wording import (
    CAUSES,
    REASONS,
    before_and_after,
    file_and_line,
    listed_counts,
    note_of,
    plan_summary_line,
    report_summary_line,
    subject_of,
    takeover_hint,
    verb_of,
    visible_changes,
)
from reconciler.planning.plan import Change, Plan, Skipped
from schemas.errors import TmError
from schemas.places import Diagnostic

MAX_CHARACTERS = 60_000
"""GitHub takes comments of 65,536 characters; what a workflow adds around the document has the rest."""

_NOTE_CHARACTERS = 200
_MESSAGE_CHARACTERS = 1_000
_NOBODY = "no agent"
_NOT_WRITTEN = (Failed, Stale, NotAttempted)


@dataclass(frozen=True, slots=True)
class _Fold:
    """One agent's part of a document: its title (HTML), and one block of Markdown for each number."""

    title: str
    blocks: Sequence[str]

    def around(self, inner: str) -> str:
        """Return the fold with these of its blocks in it."""
        inner = inner.rstrip("\n")
        return f"\n<details>\n<summary>{self.title}</summary>\n\n{inner}\n\n</details>\n"


def plan_markdown(
    plan: Plan, *, title: str = "Plan", summary: str | None = None, limit: int = MAX_CHARACTERS
) -> str:
    """Return a plan as Markdown of at most `limit` characters; what was left out is counted at its end.

    `summary` takes the place of the line that says what there is to do.
    """
    page = _Page(f"{title}: {summary or plan_summary_line(plan)}", limit)
    page.add_lines([*_diagnostic_lines(plan.diagnostics), *_skipped_lines(plan.skipped)])
    changes = sorted(plan.changes, key=_agent_of)
    for agent, group in groupby(changes, _agent_of):
        page.add_fold(_plan_fold(agent, tuple(group)))
    return page.text()


def report_markdown(report: Report, *, title: str = "Apply", limit: int = MAX_CHARACTERS) -> str:
    """Return a report as Markdown of at most `limit` characters, what went wrong before what went well."""
    wrong = [outcome for outcome in report.outcomes if isinstance(outcome, _NOT_WRITTEN)]
    right = [outcome for outcome in report.outcomes if not isinstance(outcome, _NOT_WRITTEN)]
    page = _Page(f"{title}: {report_summary_line(report)}", limit)
    notes = _diagnostic_lines(report.diagnostics)
    page.add_lines([*map(_outcome_line, wrong), *notes, *_skipped_lines(report.skipped)])
    by_agent = sorted(right, key=lambda outcome: _agent_of(outcome.change))
    for agent, group in groupby(by_agent, lambda outcome: _agent_of(outcome.change)):
        page.add_fold(_report_fold(agent, tuple(group)))
    return page.text()


def error_markdown(
    error: TmError,
    diagnostics: Iterable[Diagnostic] = (),
    *,
    title: str = "Plan",
    limit: int = MAX_CHARACTERS,
) -> str:
    """Return the document of a run that could not happen: why, and every error of the declarations."""
    page = _Page(f"{title} failed", limit)
    hint = f": {_code(error.hint)}" if error.hint else ""
    page.add_lines([f"- {_code(str(error))}{hint}", *_diagnostic_lines(diagnostics)])
    return page.text()


class _Page:
    """Markdown that grows while there is room, and counts what finds none."""

    def __init__(self, heading: str, limit: int) -> None:
        self._parts = [f"### {heading}\n"]
        self._room = limit - len(self._parts[0]) - _NOTE_CHARACTERS
        self._left_out = {"agent": 0, "number": 0, "remark": 0}

    def add_lines(self, lines: Sequence[str]) -> None:
        """Add lines of a list, as many as fit into half of the room: the folds have the other half."""
        fitting = _fitting(lines, self._room // 2)
        self._left_out["remark"] += len(lines) - len(fitting)
        if fitting:
            self._add("\n" + "\n".join(fitting) + "\n")

    def add_fold(self, fold: _Fold) -> None:
        """Add a fold with as many of its numbers as fit; without any it is left out."""
        fitting = _fitting(fold.blocks, self._room - len(fold.around("")))
        self._left_out["number"] += len(fold.blocks) - len(fitting)
        if fitting:
            self._add(fold.around("\n".join(fitting)))
        else:
            self._left_out["agent"] += 1

    def text(self) -> str:
        """Return the document; what was left out is counted at its end."""
        left_out = listed_counts(
            (count, noun if count == 1 else f"{noun}s") for noun, count in self._left_out.items()
        )
        note = f"\n**{left_out} not shown; see the JSON.**\n" if left_out else ""
        return "".join(self._parts) + note

    def _add(self, part: str) -> None:
        self._parts.append(part)
        self._room -= len(part)


def _fitting(blocks: Sequence[str], room: int) -> Sequence[str]:
    """Return as many of the first blocks as have room, each with its line break."""
    for index, block in enumerate(blocks):
        room -= len(block) + 1
        if room < 0:
            return blocks[:index]
    return blocks


def _agent_of(change: Change) -> str:
    return change.agent


def _plan_fold(agent: str, changes: Sequence[Change]) -> _Fold:
    counts = Counter(change.action.value for change in changes)
    told = listed_counts((count, f"to {action}") for action, count in counts.items())
    return _Fold(f"{_title(agent)}: {told}", [_change_block(change) for change in changes])


def _report_fold(agent: str, outcomes: Sequence[Outcome]) -> _Fold:
    counts = Counter(map(verb_of, outcomes))
    told = listed_counts((count, verb) for verb, count in counts.items())
    return _Fold(f"{_title(agent)}: {told}", [_outcome_line(outcome) for outcome in outcomes])


def _title(agent: str) -> str:
    return f"<code>{escape(printable(agent)) or _NOBODY}</code>"


def _change_block(change: Change) -> str:
    """Return a number's line and its changed fields in a fence, old before new."""
    where = f" · {_code(file_and_line(change.place))}" if change.place else ""
    head = f"{_code(subject_of(change))} · **{change.action.value}**: {CAUSES[change.cause]}{where}"
    lines = visible_changes(change)
    width = max(len(line.field) for line in lines)
    values = [(line.field.ljust(width), *before_and_after(line)) for line in lines]
    diff = "".join(f"- {field}  {before}\n+ {field}  {after}\n" for field, before, after in values)
    return f"{head}\n\n```diff\n{diff}```\n"


def _outcome_line(outcome: Outcome) -> str:
    change = outcome.change
    agent = f" {_code(change.agent)}" if change.agent else ""
    line = f"- **{verb_of(outcome)}** {_code(subject_of(change))}{agent}"
    if isinstance(outcome, Failed):
        code = f" ({_code(str(outcome.code))})" if outcome.code is not None else ""
        more = f" {_code(outcome.more_info)}" if outcome.more_info else ""
        return f"{line}: {_code(outcome.message)}{code}{more}"
    note = note_of(outcome)
    return f"{line}: {note}" if note else line


def _skipped_lines(skipped: Iterable[Skipped]) -> Iterator[str]:
    for item in skipped:
        hint = takeover_hint(item)
        taken = f"; {_code(hint)}" if hint else ""
        yield (
            f"- **skipped** {_code(item.number)} {_code(item.agent)}: {REASONS[item.reason]}, "
            f"{_code(item.detail)}{taken} · {_code(file_and_line(item.place))}"
        )


def _diagnostic_lines(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    for diagnostic in diagnostics:
        where = f" · {_code(file_and_line(diagnostic.place))}" if diagnostic.place else ""
        yield f"- **{diagnostic.severity}** {_code(diagnostic.code)} {_code(diagnostic.message)}{where}"


def _code(text: str) -> str:
    """Return text as a code span: its delimiter is longer than every run of backticks within.

    A space at both ends is taken off again by Markdown. Long messages are cut.
    """
    inner = printable(text)
    if len(inner) > _MESSAGE_CHARACTERS:
        inner = inner[: _MESSAGE_CHARACTERS - 1] + "…"
    if not inner.strip():
        return '`""`'
    runs = re.findall(r"`+", inner)
    fence = "`" * (max(map(len, runs), default=0) + 1)
    pad = " " if runs or inner[0] == " " == inner[-1] else ""
    return f"{fence}{pad}{inner}{pad}{fence}"
