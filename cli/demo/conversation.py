"""Follows a call through the runtime's own API and prints each line once it is said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TypedDict

import httpx2
from rich.console import Console
from rich.text import Text

POLL_SECONDS = 0.1
ROLE_STYLES = {"agent": "cyan", "caller": "yellow", "tool": "magenta"}


class Line(TypedDict):
    """The part of a transcript entry that is shown (`GET /api/calls/{id}`)."""

    role: str
    text: str
    at_ms: int
    heard_ms: int | None
    interrupted: bool | None
    item_id: str | None


class Record(TypedDict):
    """The part of a call record that the demo needs."""

    id: str
    call_sid: str
    status: str
    transcript: list[Line]


def clock(milliseconds: int) -> str:
    """Format a time since the answer as `0:07.4`."""
    seconds, tenths = divmod(max(milliseconds, 0) // 100, 10)
    return f"{seconds // 60}:{seconds % 60:02d}.{tenths}"


def moment(at_ms: int, who: str, words: str, style: str = "") -> Text:
    """Return one line of the live view: time, who, words."""
    return Text.assemble(("  ", ""), (f"{clock(at_ms):>7}", "dim"), "  ", (f"{who:<8}", style), words)


def line_of(entry: Line) -> Text:
    """Return a transcript entry as a line; what the caller cut short ends in a dash."""
    text = moment(entry["at_ms"], entry["role"], entry["text"], ROLE_STYLES.get(entry["role"], ""))
    if entry["interrupted"]:
        heard = (entry["heard_ms"] or 0) / 1000
        text.append(" —", "dim")
        text.append(f" interrupted, {heard:.1f} s heard", "dim italic")
    return text


class Shown:
    """Which transcript entries were printed: each once the next one began or the call is over."""

    def __init__(self) -> None:
        self._count = 0

    def new_lines(self, record: Record) -> Iterator[Line]:
        """Yield the entries that are complete and were not yielded before."""
        entries = record["transcript"]
        complete = len(entries) if record["status"] == "completed" else len(entries) - 1
        while self._count < complete:
            yield entries[self._count]
            self._count += 1


async def find_call(client: httpx2.AsyncClient, call_sid: str) -> str | None:
    """Return the runtime's id of the call that Twilio knows as `call_sid`."""
    rows: list[Record] = (await client.get("/api/calls", params={"limit": 20})).json()["calls"]
    return next((row["id"] for row in rows if row["call_sid"] == call_sid), None)


async def follow(base: str, call_sid: str, console: Console, ended: asyncio.Event) -> str | None:
    """Print the conversation as it happens until the call has ended; return the record's id."""
    shown = Shown()
    call_id: str | None = None
    async with httpx2.AsyncClient(base_url=base, timeout=5) as client:
        last_round = False
        while True:
            with contextlib.suppress(httpx2.TransportError):
                call_id = call_id or await find_call(client, call_sid)
                if call_id:
                    record: Record = (await client.get(f"/api/calls/{call_id}")).json()
                    for entry in shown.new_lines(record):
                        console.print(line_of(entry))
                    if record["status"] == "completed":
                        return call_id
            if last_round:
                return call_id
            last_round = ended.is_set()
            await asyncio.sleep(POLL_SECONDS if not last_round else 1.0)
