"""Calls as people read them: a table of calls, and one call with what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

ROLE_STYLES = {"agent": "cyan", "caller": "yellow", "tool": "magenta"}
HEADINGS = ("time", "agent", "caller", "seconds", "id", "status")
UNKNOWN = "–"


class _Caller(msgspec.Struct):
    number: str | None = None


class _Entry(msgspec.Struct):
    role: str
    text: str
    at_ms: int | None = None
    heard_ms: int | None = None
    interrupted: bool | None = None


class _Turn(msgspec.Struct):
    frame_ms: int | None = None


class _Latency(msgspec.Struct):
    first_word_ms: int | None = None
    turns: list[_Turn] = []


class _Cost(msgspec.Struct):
    amount: float | None = None
    currency: str | None = None
    prices_as_of: str | None = None
    parts: dict[str, float | None] = {}
    unpriced: list[str] = []


class _Call(msgspec.Struct):
    """What is shown of a call record; `GET /api/calls/{id}` has more."""

    id: str
    agent: str
    status: str
    started_at: int
    call_sid: str | None = None
    direction: str | None = None
    caller: _Caller | None = None
    reject_reason: str | None = None
    end_reason: str | None = None
    model: str | None = None
    duration_seconds: float | None = None
    transcript: list[_Entry] = []
    latency: _Latency | None = None
    cost: _Cost | None = None
    recordings: list[str] | None = None


def call_table(records: Sequence[Mapping[str, object]]) -> RenderableType:
    """Return the calls as a table, one line each, in the order given; nothing is cut off."""
    if not records:
        return Text("No calls yet.")
    rows = [HEADINGS, *(_row(msgspec.convert(record, _Call)) for record in records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return Group(Text(lines[0], "dim"), *(Text(line) for line in lines[1:]))


def _row(call: _Call) -> tuple[str, ...]:
    return (_moment(call.started_at), call.agent, _caller(call), _seconds(call), call.id, _outcome(call))


def call_view(record: Mapping[str, object]) -> RenderableType:
    """Return one call: its head, then the transcript with times since the answer."""
    call = msgspec.convert(record, _Call)
    facts = {
        "call": call.id,
        "Twilio SID": call.call_sid or UNKNOWN,
        "agent": call.agent,
        "caller": _caller(call),
        "started": _moment(call.started_at),
        "seconds": _seconds(call),
        "status": _outcome(call),
        "model": call.model or UNKNOWN,
        "first word": _milliseconds(call.latency.first_word_ms if call.latency else None),
        "turns": _turns(call.latency),
        "cost": _cost(call.cost),
        "recordings": ", ".join(call.recordings or ()) or UNKNOWN,
    }
    head = [Text.assemble((f"{name:<12}", "dim"), _printable(value)) for name, value in facts.items()]
    said = [_line(entry) for entry in call.transcript] or [Text("Nothing was said.", "dim")]
    return Group(*head, Text(), *said)


def turn_line(entry: Mapping[str, object]) -> Text:
    """Return one turn of a record's transcript."""
    return _line(msgspec.convert(entry, _Entry))


def _line(entry: _Entry) -> Text:
    """One turn; what the caller cut short ends where the caller stopped hearing."""
    line = Text.assemble(
        (f"{_clock(entry.at_ms):>8}", "dim"),
        "  ",
        (f"{entry.role:<6}", ROLE_STYLES.get(entry.role, "")),
        "  ",
        _printable(entry.text),
    )
    if entry.interrupted:
        line.append(f"… (interrupted, {(entry.heard_ms or 0) / 1000:.1f} s heard)", "dim")
    return line


def _clock(at_ms: int | None) -> str:
    if at_ms is None:
        return UNKNOWN
    seconds, tenths = divmod(max(at_ms, 0) // 100, 10)
    return f"{seconds // 60}:{seconds % 60:02d}.{tenths}"


def _moment(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _caller(call: _Call) -> str:
    return _printable((call.caller.number if call.caller else None) or UNKNOWN)


def _seconds(call: _Call) -> str:
    return UNKNOWN if call.duration_seconds is None else f"{call.duration_seconds:.1f}"


def _milliseconds(ms: float | None) -> str:
    return UNKNOWN if ms is None else f"{ms / 1000:.2f} s"


def _turns(latency: _Latency | None) -> str:
    """Return how long the agent let the caller wait: the usual turn and the longest."""
    waits = sorted(turn.frame_ms for turn in (latency.turns if latency else []) if turn.frame_ms is not None)
    if not waits:
        return UNKNOWN
    return (
        f"{_milliseconds(waits[len(waits) // 2])} usual, {_milliseconds(waits[-1])} longest, of {len(waits)}"
    )


def _cost(cost: _Cost | None) -> str:
    """Return the sum, or what is known of it and what is not."""
    if cost is None:
        return UNKNOWN
    known = sum(part for part in cost.parts.values() if part is not None)
    amount = f"{known if cost.amount is None else cost.amount:.4f} {cost.currency}"
    if cost.unpriced:
        return f"{amount} and {', '.join(cost.unpriced)}, which has no price (list of {cost.prices_as_of})"
    return f"{amount} (list of {cost.prices_as_of})"


def _outcome(call: _Call) -> str:
    reason = call.reject_reason or call.end_reason
    return f"{call.status} ({reason})" if reason else call.status


def _printable(text: str) -> str:
    """Return what a caller or a model said without what could speak to the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
