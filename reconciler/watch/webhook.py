"""Tells a webhook about drift: one JSON POST, bounded in size and time, repeated where that may help."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import httpx2

from reconciler.api.http_client import Sleep
from reconciler.api.retry import TOO_MANY_REQUESTS, RetryPolicy
from reconciler.output.documents import change_item
from reconciler.planning.plan import Change
from schemas.errors import TmError

MOST_CHANGES = 50
"""How many changes one message carries; `count` has them all."""

TIMEOUT_SECONDS = 10.0
_POLICY = RetryPolicy(attempts=3, first=1.0)


class WebhookError(TmError):
    """The webhook did not take the message. The URL is not repeated: it may be a secret by itself."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where messages go. `sleep` and `jitter` are replaceable for tests."""

    url: str = field(repr=False)
    client: httpx2.AsyncClient = field(repr=False)
    sleep: Sleep = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def tell(self, changes: Sequence[Change], now: datetime) -> None:
        """Send one message about these changes. Raises WebhookError."""
        message = message_about(changes, now)
        failures = 0
        while True:
            reason = await self._post(message)
            if reason is None:
                return
            failures += 1
            if reason.final or failures >= _POLICY.attempts:
                raise WebhookError(f"the webhook at {urlsplit(self.url).hostname} {reason.text}")
            await self.sleep(_POLICY.wait(failures, self.jitter))

    async def _post(self, message: dict[str, object]) -> _Refusal | None:
        try:
            response = await self.client.post(self.url, json=message, timeout=TIMEOUT_SECONDS)
        except httpx2.TimeoutException:
            return _Refusal("did not answer in time", final=False)
        except httpx2.HTTPError:
            return _Refusal("cannot be reached", final=False)
        status = response.status_code
        if 200 <= status < 300:
            return None
        return _Refusal(f"answered {status}", final=status < 500 and status != TOO_MANY_REQUESTS)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a message was not taken; `final` when repeating it changes nothing."""

    text: str
    final: bool


def message_about(changes: Sequence[Change], now: datetime) -> dict[str, object]:
    """Return the message: `text` for people (chat systems show it), `changes` as in a plan."""
    numbers = ", ".join(f"{change.number} ({change.cause})" for change in changes[:10])
    more = f" and {len(changes) - 10} more" if len(changes) > 10 else ""
    return {
        "event": "drift",
        "at": now.isoformat(),
        "text": f"Changed by hand: {numbers}{more}",
        "count": len(changes),
        "changes": [change_item(change) for change in changes[:MOST_CHANGES]],
    }
