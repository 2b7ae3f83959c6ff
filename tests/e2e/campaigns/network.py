"""A telephone network for campaigns that outlives the processes that call through it: a file of placed calls.

What becomes of a call follows from the number that is called and from how often it was called before, so that
every process, and the test, knows the same of it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from runtime.outbound.orders import CallFacts, CallStatus, DialOrder, DialRefused

Report = Callable[[str, CallFacts], None]

# The last digit of a number says what becomes of calls to it: the first of them, the second, and all others.
FATES: Final[Mapping[str, Sequence[str]]] = {
    "0": ("completed",),
    "1": ("completed",),
    "2": ("busy", "completed"),
    "3": ("no-answer", "no-answer", "completed"),
    "4": ("no-answer",),
    "5": ("machine",),
    "6": ("failed", "completed"),
    "7": ("opts-out",),
    "8": ("refused",),
    "9": ("completed",),
}


@dataclass(frozen=True)
class PlacedCall:
    sid: str
    attempt: str
    to: str
    from_: str
    at: float
    fate: str


class FileNetwork:
    """Places calls into files, and reports what becomes of them `seconds` later, unless it is killed.

    Each number has a file of its own: a line is written whole or not at all.
    """

    def __init__(self, folder: Path, seconds: float = 0.05, *, silent: bool = False) -> None:
        self._folder = folder / "placed"
        self._folder.mkdir(exist_ok=True)
        self._seconds = seconds
        self._silent = silent
        self._tasks: set[asyncio.Task[None]] = set()
        self.report: Report | None = None

    def calls(self) -> list[PlacedCall]:
        """Return every call that was ever placed, by any process."""
        return [call for path in self._folder.iterdir() for call in _read(path)]

    async def place(self, order: DialOrder) -> str:
        before = _read(self._file(order.to))
        fates = FATES[order.to[-1]]
        fate = fates[min(len(before), len(fates) - 1)]
        if fate == "refused":
            raise DialRefused(21211, "The 'To' number is not valid", permanent=True)
        sid = f"CA{order.to[1:]}-{len(before)}"
        call = PlacedCall(sid, order.attempt, order.to, order.from_, time.time(), fate)
        with self._file(order.to).open("a") as file:
            file.write(json.dumps(asdict(call)) + "\n")
        if not self._silent:
            task = asyncio.create_task(self._tell(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return sid

    async def _tell(self, call: PlacedCall) -> None:
        await asyncio.sleep(self._seconds)
        if self.report is not None:
            await asyncio.to_thread(self.report, call.attempt, what_became_of(call))

    async def placed_since(self, order: DialOrder, since_epoch_s: float) -> str | None:
        calls = [call for call in _read(self._file(order.to)) if call.attempt == order.attempt]
        return calls[0].sid if calls else None

    async def facts(self, call_sid: str) -> CallFacts:
        number = call_sid.removeprefix("CA").partition("-")[0]
        (call,) = (call for call in _read(self._file(f"+{number}")) if call.sid == call_sid)
        if time.time() - call.at < self._seconds:
            return CallFacts(call_sid, "ringing")
        return what_became_of(call)

    async def cancel(self, call_sid: str) -> None:
        raise NotImplementedError("nobody cancels these calls")

    def _file(self, number: str) -> Path:
        return self._folder / number


def _read(path: Path) -> list[PlacedCall]:
    if not path.exists():
        return []
    return [PlacedCall(**json.loads(line)) for line in path.read_text().splitlines()]


def what_became_of(call: PlacedCall) -> CallFacts:
    status: dict[str, CallStatus] = {
        "busy": "busy",
        "no-answer": "no-answer",
        "failed": "failed",
    }
    if call.fate == "machine":
        return CallFacts(call.sid, "completed", "machine_end_beep", end_reason="voicemail")
    return CallFacts(
        call.sid,
        status.get(call.fate, "completed"),
        end_reason=None if call.fate in status else "caller_hangup",
        opted_out=call.fate == "opts-out",
    )
