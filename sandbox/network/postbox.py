"""Callbacks that no call waits for: sent in the background, in order where they belong together."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from sandbox.network.surroundings import Surroundings
from sandbox.network.verbs import Callback
from sandbox.network.webhooks import DeliveryError, Form


class Postbox:
    """Sends callbacks, one task each; `close` ends those under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def post(self, about: str, callback: Callback, form: Form, around: Surroundings) -> None:
        """Send a callback after all earlier ones about the same SID; when it fails, that is an alert only."""
        task = asyncio.create_task(self._send(about, callback, form, around), name="callback")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def emptied(self) -> None:
        """Wait until everything that was posted is delivered, or has failed to be."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def close(self) -> None:
        """Give up what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, about: str, callback: Callback, form: Form, around: Surroundings) -> None:
        async with self._turns[about], around.webhooks() as webhooks:
            try:
                await webhooks.send(callback.method, callback.url, form)
            except DeliveryError as error:
                around.alert(error.failure.code, error.failure.url, error.failure.text, about)
