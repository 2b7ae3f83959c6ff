"""An account where things go wrong: each request about a number may meet the next of its faults.

It keeps what a true report is measured against: every write that took effect, every edit by hand, and
with which request a number was first met.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import httpx2

from tests.reconciler.wire import Record, WireAccount, error_body


class Fault(Enum):
    """What one request meets."""

    NONE = "none"
    BUSY = "429"
    BROKEN = "500"
    UNAVAILABLE = "503, not of Twilio's making"
    LOST_REQUEST = "the connection breaks before the request has its effect"
    LOST_ANSWER = "the connection breaks after it"
    SLOW = "the answer comes too late"


class KilledError(BaseException):
    """The process is gone. Nothing of ours catches it."""


@dataclass
class FaultyAccount(WireAccount):
    """`faults` are used up number by number; `stuck` numbers refuse every update.

    `before_request` is called with the count of requests since `begin`, before each has its effect.
    """

    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    stuck: set[str] = field(default_factory=set)
    stored: Counter[str] = field(default_factory=Counter)
    edited: dict[str, str] = field(default_factory=dict)
    first_met: dict[str, int] = field(default_factory=dict)
    before_request: Callable[[int], None] = lambda count: None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.handler = self._faulty
        self._count = 0
        self._edits: dict[str, list[str]] = defaultdict(list)

    def begin(self) -> None:
        """Forget what the last run did."""
        self.stored.clear()
        self.edited.clear()
        self.first_met.clear()
        self._edits.clear()
        self._count = 0
        self.before_request = lambda count: None

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self.faults.clear()
        self.stuck.clear()
        self.begin()

    def snapshot(self) -> list[Record]:
        return copy.deepcopy(self.records)

    def edit(self, number: str, url: str) -> None:
        """Change a number as somebody in the Console would."""
        self._named(number)["voice_url"] = url
        self.edited[number] = url

    def edit_before_it_is_read(self, number: str, url: str) -> None:
        """Let somebody change a number right before this run reads it."""
        self._edits[number].append(url)

    def url_of(self, number: str) -> str:
        return str(self._named(number)["voice_url"] or "")

    def _named(self, number: str) -> Record:
        return next(record for record in self.records if record["phone_number"] == number)

    def _number_in(self, path: str) -> str | None:
        sid = path.rpartition("/")[2].removesuffix(".json")
        return next((str(one["phone_number"]) for one in self.records if one["sid"] == sid), None)

    def _faulty(self, request: httpx2.Request) -> httpx2.Response:
        self._count += 1
        self.before_request(self._count)
        number = self._number_in(request.url.path)
        if number is not None:
            self.first_met.setdefault(number, self._count)
        waiting = self.faults[number or ""]
        fault = waiting.pop(0) if waiting else Fault.NONE
        if number is not None and request.method == "POST" and number in self.stuck:
            return httpx2.Response(400, text=error_body(400, 21402, "VoiceUrl is not valid"))
        if number is not None and request.method == "GET" and self._edits[number]:
            self.edit(number, self._edits[number].pop())
        return self._met(fault, request, number)

    def _met(self, fault: Fault, request: httpx2.Request, number: str | None) -> httpx2.Response:
        match fault:
            case Fault.BUSY:
                return httpx2.Response(429, text=error_body(429, 20429, "Too many concurrent requests"))
            case Fault.BROKEN:
                return httpx2.Response(500, text=error_body(500, 20500, "Internal server error"))
            case Fault.UNAVAILABLE:
                return httpx2.Response(503, text="<html>upstream</html>")
            case Fault.LOST_REQUEST:
                raise httpx2.ConnectError("connection refused")
        answer = self.answer(request)
        if request.method == "POST" and number is not None:
            self.stored[number] += 1
        if fault is Fault.LOST_ANSWER:
            raise httpx2.RemoteProtocolError("the server closed the connection")
        if fault is Fault.SLOW:
            raise httpx2.ReadTimeout("too late")
        return answer
