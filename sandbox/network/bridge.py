"""Where a dialling call and the one that it dialled meet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sandbox.network.live_line import LiveLine
from sandbox.network.mixing import Room, Seat
from sandbox.network.phone_call import PhoneCall


class Bridge:
    """Connects two calls from the moment that the called one comes until either goes.

    `met` is set when somebody has come, `called` says who; `over` ends it for both.
    """

    def __init__(self) -> None:
        self.met = asyncio.Event()
        self.over = asyncio.Event()
        self.called: PhoneCall | None = None
        self._room = Room()

    async def come(self, phone: PhoneCall, line: LiveLine) -> None:
        """Meet the dialling call and stay; whoever comes second finds the place taken and goes."""
        if self.called is not None or self.over.is_set():
            return
        self.called = phone
        self.met.set()
        await self.stay(phone, line)

    async def stay(
        self, phone: PhoneCall, line: LiveLine, pressed: Callable[[str], None] | None = None
    ) -> None:
        """Hear and be heard until it is over; whoever leaves ends it."""
        seat = Seat(phone.line, phone.line_ms, pressed)
        self._room.enter(seat)
        try:
            with line.attached(seat):
                await self.over.wait()
        finally:
            self._room.leave(seat)
            self.over.set()
