"""Twilio's REST API in memory: every request is granted, or refused as the test says, and kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl

import httpx2


class _Transport(httpx2.AsyncBaseTransport):
    """Not `MockTransport`: these stories name their calls CA1, which Twilio's documents do not allow."""

    def __init__(self, twilio: FakeTwilio) -> None:
        self._twilio = twilio

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return await self._twilio.answer(request)


@dataclass(frozen=True)
class Asked:
    """One request: what stands behind the account in its path, and its form."""

    path: str
    form: dict[str, str]


@dataclass
class FakeTwilio:
    """`status` and `code` are what every request is answered with.

    `messages` are those that were sent, newest first; the answers to the next `lost_answers` of them get
    lost, and what `files` has by the end of its path is what comes with messages. `resources` are what is
    there to be read, by path; the answers to the next `lost_calls` calls that are placed get lost.
    """

    status: int = 200
    code: int = 21220
    asked: list[Asked] = field(default_factory=list)
    messages: list[dict[str, str]] = field(default_factory=list)
    lost_answers: int = 0
    files: dict[str, httpx2.Response] = field(default_factory=dict)
    resources: dict[str, object] = field(default_factory=dict)
    lost_calls: int = 0

    def transport(self) -> httpx2.AsyncBaseTransport:
        return _Transport(self)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.partition("/Accounts/")[2].partition("/")[2].removesuffix(".json")
        self.asked.append(Asked(path, dict(parse_qsl(request.content.decode()))))
        if path == "Messages" and self.status < httpx2.codes.BAD_REQUEST:
            return self._list() if request.method == "GET" else self._send(self.asked[-1].form)
        if request.method == "GET" and path in self.resources:
            return httpx2.Response(httpx2.codes.OK, json=self.resources[path])
        if request.method == "POST" and path == "Calls" and self.lost_calls:
            self.lost_calls -= 1
            raise httpx2.ReadTimeout("the answer is lost")
        if "/Media/" in path:
            return self.files[path.rpartition("/")[2]]
        return httpx2.Response(self.status, json={"sid": "RE1", "code": self.code})

    def _send(self, form: dict[str, str]) -> httpx2.Response:
        date = format_datetime(datetime.fromtimestamp(asyncio.get_running_loop().time(), UTC))
        sent = {"sid": f"SM{len(self.messages)}out", "status": "queued", "date_created": date}
        self.messages.insert(0, {**sent, "body": form.get("Body", ""), "to": form["To"]})
        if self.lost_answers:
            self.lost_answers -= 1
            raise httpx2.ReadTimeout("the answer is lost")
        return httpx2.Response(httpx2.codes.CREATED, json=self.messages[0])

    def _list(self) -> httpx2.Response:
        return httpx2.Response(httpx2.codes.OK, json={"messages": self.messages})

    def of(self, field: str) -> list[str]:
        """What was asked for under a name, in order."""
        return [asked.form[field] for asked in self.asked if field in asked.form]
