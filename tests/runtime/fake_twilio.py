"""Twilio's REST API in memory: every request is granted, or refused as the test says, and kept."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    """`status` and `code` are what every request is answered with."""

    status: int = 200
    code: int = 21220
    asked: list[Asked] = field(default_factory=list)

    def transport(self) -> httpx2.AsyncBaseTransport:
        return _Transport(self)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.partition("/Accounts/")[2].partition("/")[2].removesuffix(".json")
        self.asked.append(Asked(path, dict(parse_qsl(request.content.decode()))))
        return httpx2.Response(self.status, json={"sid": "RE1", "code": self.code})

    def of(self, field: str) -> list[str]:
        """What was asked for under a name, in order."""
        return [asked.form[field] for asked in self.asked if field in asked.form]
