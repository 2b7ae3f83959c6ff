"""Watches every exchange with Twilio's API that a test causes, on both sides of the wire.

The sandbox's accounts show theirs through `RestApi.observer`. Requests that a test answers itself, through
`httpx2.MockTransport`, are seen there; their answers are the test's own and often short, so only the
requests are held against the documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2
import pytest

from sandbox.account.exchange import Exchange
from sandbox.account.hosts import HEADER
from sandbox.account.routes import RestApi
from tests.openapi.check import answer_violations, request_violations, was_refused

MOST_SHOWN = 10


@dataclass
class Watch:
    """What was seen during one test. `allowed` are parts of violations that the test causes on purpose."""

    allowed: tuple[str, ...] = ()
    exchanges: list[Exchange] = field(default_factory=list)
    requests: list[Exchange] = field(default_factory=list)

    def violations(self) -> list[str]:
        """Hold all that was seen against the documents."""
        found = []
        for exchange in self.exchanges:
            mistakes = [] if was_refused(exchange) else list(request_violations(exchange))
            found += [_told(exchange, mistake) for mistake in (*mistakes, *answer_violations(exchange))]
        for request in self.requests:
            found += [_told(request, mistake) for mistake in request_violations(request)]
        return [one for one in found if not any(part in one for part in self.allowed)]

    def report(self) -> str:
        """Return the violations for people, the first few of them; empty where there is none."""
        found = list(dict.fromkeys(self.violations()))
        more = f"\n… and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
        return "\n".join(found[:MOST_SHOWN]) + more


@contextmanager
def watching(*allowed: str) -> Iterator[Watch]:
    """Watch until the block ends."""
    watch = Watch(allowed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RestApi, "observer", watch.exchanges.append)
        handle = httpx2.MockTransport.handle_async_request

        async def seen(transport: httpx2.MockTransport, request: httpx2.Request) -> httpx2.Response:
            host = request.headers.get(HEADER, request.url.host)
            if host.endswith(".twilio.com"):
                await request.aread()
                watch.requests.append(_exchange(request, host))
            return await handle(transport, request)

        patch.setattr(httpx2.MockTransport, "handle_async_request", seen)
        yield watch


def _exchange(request: httpx2.Request, host: str) -> Exchange:
    content_type = request.headers.get("content-type", "").partition(";")[0]
    query = request.url.query.decode()
    return Exchange(
        request.method, host, request.url.path, query, content_type, request.content, 0, b"", dropped=True
    )


def _told(exchange: Exchange, mistake: str) -> str:
    return f"{exchange.method} {exchange.host}{exchange.path}: {mistake}"
