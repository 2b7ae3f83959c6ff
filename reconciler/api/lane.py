"""The lane to one account: requests and numbers wait here until the account has room for them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType

import httpx2

from reconciler.api.congestion import HIGHEST_LIMIT, Congestion, Sent
from reconciler.api.retry import TOO_MANY_REQUESTS, header


class Gate:
    """Lets as many in as `limit` says at the moment, in the order in which they came.

    A lowered limit sends nobody out. Nobody waits longer than those inside take.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.inside = 0
        self.highest = 0

    async def enter(self) -> None:
        """Return once there is room; it is then taken."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self.admit()
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # let in at the very moment of the cancellation
                self.leave()
            raise

    def leave(self) -> None:
        """Give the room back."""
        self.inside -= 1
        self.admit()

    def admit(self) -> None:
        """Let in whom there is room for; to be called when the limit may have risen."""
        while self._waiting and self.inside < self._limit():
            place = self._waiting.popleft()
            if not place.done():
                self.inside += 1
                self.highest = max(self.highest, self.inside)
                place.set_result(None)

    async def __aenter__(self) -> None:
        await self.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a run asked of the accounts: requests sent, those of them answered 429, and the most at once."""

    sent: int = 0
    refused: int = 0
    highest: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(self.sent + other.sent, self.refused + other.refused, max(self.highest, other.highest))


class Lane:
    """All requests to one account, whatever their region: Twilio counts them together.

    `numbers` admits half as many again as requests may be under way: a number has one request at a time
    and waits for the disk in between. With more of them, each would be read long before it is written.
    """

    def __init__(self, most: int = HIGHEST_LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._congestion = Congestion(most)
        self._requests = Gate(lambda: self._congestion.limit)
        self.numbers = Gate(lambda: self._congestion.limit * 3 // 2)
        self._sent = 0
        self._refused = 0

    @property
    def traffic(self) -> Traffic:
        """What was asked so far."""
        return Traffic(self._sent, self._refused, self._requests.highest)

    async def send(self, send: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        """Send a request as soon as there is room, and learn from its answer. Raises what `send` raises."""
        async with self._requests:
            self._sent += 1
            sent = Sent(self._clock(), self._requests.inside)
            response = await send()
            self._learn(sent, response)
        self.numbers.admit()
        return response

    def _learn(self, sent: Sent, response: httpx2.Response) -> None:
        told = header(response.headers, "Twilio-Concurrent-Requests") or ""
        concurrent = int(told) if told.isdecimal() else None
        if response.status_code == TOO_MANY_REQUESTS:
            self._refused += 1
            self._congestion.refused(sent, self._clock(), concurrent)
        else:
            self._congestion.answered(sent, self._clock(), concurrent)
